//! Two instances behind nginx, with the files of `deploy/nginx`.
use std::{
    fs,
    time::{Duration, Instant},
};

use super::support::{
    Booked, Customer, Installation, Nginx, Postgres, Probe, Redis, Sandbox, Server, Torture, assert_all_there, is_long,
};

/// Clients that book through nginx all the time.
const CLIENTS: usize = 8;

/// Fields are dropped in this order.
pub struct Site {
    nginx: Nginx,
    servers: [Server; 2],
    installation: Installation,
    customer: Customer,
    staff: super::support::Login,
    flight: String,
    postgres: Postgres,
    _redis: Redis,
    sandbox: Sandbox,
}

impl Site {
    pub async fn start() -> Self {
        let sandbox = Sandbox::create();
        let postgres = Postgres::create(&sandbox, "postgres", &[("max_connections", "200")]);
        let redis = Redis::start(&sandbox);
        let (owner, app) = (postgres.url("loadmaster"), postgres.url("loadmaster_app"));
        let installation = Installation::new(&sandbox, owner, app, Some(redis.url()));
        // All requests have the address of nginx; instances believe what it says of theirs.
        let installation = installation.set("server.trusted_proxies=127.0.0.0/8");
        installation.migrate();
        let staff = installation.administrator();
        let servers = ["first", "second"].map(|name| installation.serve(&sandbox, name));
        let nginx = Nginx::start(&sandbox, [address(&servers[0]), address(&servers[1])]);
        let customer = Customer::register(&nginx.base, "behind-nginx").await;
        let carrier = Customer::log_in(&nginx.base, &staff).await;
        let flight = carrier.roomy_flight(&nginx.base, "AI904", 48).await;
        Self { nginx, servers, installation, customer, staff, flight, postgres, _redis: redis, sandbox }
    }

    /// Where nginx listens: `host:port`.
    pub fn address(&self) -> &str {
        self.nginx.base.strip_prefix("http://").unwrap()
    }

    /// Where the instances behind it listen.
    pub fn instances(&self) -> [&str; 2] {
        [address(&self.servers[0]), address(&self.servers[1])]
    }

    /// Bytes in nginx' temporary files of bodies, which have no name any more.
    pub fn spooled(&self) -> u64 {
        let bodies = self.sandbox.path().join("nginx/tmp/client_body");
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let open = processes.filter_map(|process| fs::read_dir(process.path().join("fd")).ok()).flatten().flatten();
        let bodies = open.filter(|file| fs::read_link(file.path()).is_ok_and(|path| path.starts_with(&bodies)));
        bodies.filter_map(|file| fs::metadata(file.path()).ok()).map(|file| file.len()).sum()
    }

    pub fn audit(&self) {
        self.installation.audit();
    }

    fn probe(&self, name: &str) -> Probe {
        Probe::start(&self.customer, &self.flight, name, &[&self.nginx.base], CLIENTS)
    }

    fn torture(&self, seconds: u32) -> Torture {
        Torture::start(&self.sandbox, &self.installation, &self.staff, &[&self.nginx.base], seconds)
    }

    /// Each key has made one booking, and nothing else is on the flight.
    async fn finish(&self, booked: &[Booked]) {
        assert_all_there(&self.customer, &self.nginx.base, booked).await;
        let aboard = format!("select count(*) from booking_legs where flight_id = '{}'", self.flight);
        assert_eq!(self.postgres.sql(&aboard), booked.len().to_string(), "a repeated request has booked twice");
        self.installation.audit();
    }
}

fn address(server: &Server) -> &str {
    server.base.strip_prefix("http://").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_behind_nginx_fails_no_request() {
    if !is_long() {
        return;
    }
    let mut site = Site::start().await;
    let probe = site.probe("rolling");
    let torture = site.torture(40);
    for round in 0..2 {
        for number in 0..2 {
            site.nginx.take_out(address(&site.servers[number]));
            // nginx has read its settings again within a second.
            tokio::time::sleep(Duration::from_secs(1)).await;
            let began = Instant::now();
            site.servers[number].stop();
            site.servers[number].start();
            println!("instance {number}, round {round}: away for {:.1} s", began.elapsed().as_secs_f64());
            site.nginx.put_back();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
    let report = torture.finish();
    let booked = probe.stop().await;
    let failed: Vec<_> = booked.iter().filter(|booked| !booked.failures.is_empty()).collect();
    assert!(failed.is_empty(), "{} of {} bookings met a failed request: {failed:#?}", failed.len(), booked.len());
    // The flights of the checker are small; a step that still takes place is no failure of the server.
    let answers = &report["answers_5xx"];
    assert_eq!((&answers["internal"], &answers["during_faults"]), (&0.into(), &0.into()), "{answers:#}");
    println!("rolling restart: {} bookings and {} calls of the checker, none failed", booked.len(), report["calls"]);
    site.finish(&booked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_is_killed_fails_only_its_requests_in_flight_and_each_can_be_repeated() {
    if !is_long() {
        return;
    }
    let mut site = Site::start().await;
    let probe = site.probe("killed");
    let torture = site.torture(30);
    let mut in_flight = Vec::new();
    for number in [0, 1] {
        let before = Instant::now();
        site.servers[number].kill();
        in_flight.push((before, Instant::now()));
        site.servers[number].start();
        // nginx leaves it out for ten seconds after a failure.
        tokio::time::sleep(Duration::from_secs(12)).await;
    }
    torture.finish();
    let booked = probe.stop().await;
    let failures: Vec<_> = booked.iter().flat_map(|booked| &booked.failures).collect();
    for failure in &failures {
        let was_in_flight = in_flight.iter().any(|(before, after)| failure.sent <= *after && failure.ended >= *before);
        assert!(was_in_flight, "a request failed that no killed instance had: {failure:?}");
    }
    let repeated = booked.iter().filter(|booked| !booked.failures.is_empty()).count();
    println!("2 kills: {} requests failed, {repeated} of {} bookings were repeated", failures.len(), booked.len());
    assert!(repeated > 0, "no request was in flight at any of the kills: this run shows nothing");
    site.finish(&booked).await;
}
