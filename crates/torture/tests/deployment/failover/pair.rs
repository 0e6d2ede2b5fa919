//! The scripted promotion: `deploy/failover/pair.sh` with HAProxy.
use std::{path::PathBuf, time::Duration};

use super::{
    super::support::{
        Customer, Daemon, Installation, Login, Postgres, Probe, Proxy, Redis, Sandbox, as_postgres, bin, deployed,
        is_long, until, until_within,
    },
    Load, assert_all_there,
};

/// Two servers with the script watching them. Fields are dropped in this order.
struct Pair {
    _watch: Daemon,
    proxy: Proxy,
    a: Postgres,
    b: Postgres,
    servers: String,
}

impl Pair {
    fn start(sandbox: &Sandbox) -> Self {
        let a = Postgres::create(sandbox, "a", &[("max_connections", "200")]);
        let b = Postgres::standby_of(&a, sandbox, "b");
        let at = |server: &Postgres| format!("{}:{}", server.host, server.port);
        let changes = [("10.0.0.11:5432", at(&a)), ("10.0.0.12:5432", at(&b))];
        let proxy = Proxy::start(sandbox, "haproxy-pair.cfg", &changes);
        let servers = format!("a={} b={}", at(&a), at(&b));
        let mut command = as_postgres(&script());
        command.arg("watch").envs([("PAIR_SERVERS", &servers), ("PAIR_HAPROXY", &proxy.admin)]);
        let watch = Daemon::start(command, &sandbox.log("pair"));
        let this = Self { _watch: watch, proxy, a, b, servers };
        until_synchronous(&this.a, "b");
        this
    }

    fn installation(&self, sandbox: &Sandbox, redis: &Redis) -> (Installation, Login) {
        let (owner, app) = (self.proxy.url("loadmaster"), self.proxy.url("loadmaster_app"));
        let installation = Installation::new(sandbox, owner, app, Some(redis.url()));
        installation.migrate();
        let staff = installation.administrator();
        (installation, staff)
    }

    /// As documented: on the former primary's machine.
    fn rejoin(&mut self) {
        let path = format!("{}:{}", bin().display(), std::env::var("PATH").unwrap());
        let mut command = as_postgres(&script());
        command.args(["rejoin", self.a.home.to_str().unwrap(), "a"]);
        command.envs([("PAIR_SERVERS", &self.servers), ("PATH", &path)]);
        let done = command.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        self.a.start();
        until_synchronous(&self.b, "a");
    }
}

fn script() -> PathBuf {
    deployed("failover/pair.sh")
}

fn until_synchronous(primary: &Postgres, standby: &str) {
    let asked = format!(
        "select count(*) from pg_stat_replication where application_name = '{standby}' and sync_state = 'sync'"
    );
    until("the standby is synchronous", || primary.try_sql(&asked).is_ok_and(|count| count == "1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_primary_is_replaced_by_its_standby_and_rejoins() {
    if !is_long() {
        return;
    }
    let sandbox = Sandbox::create();
    let mut pair = Pair::start(&sandbox);
    let redis = Redis::start(&sandbox);
    let (installation, staff) = pair.installation(&sandbox, &redis);
    let load = Load::start(&sandbox, &installation, &staff, "killed", 40).await;
    load.lose_primary("scripted promotion, primary killed", || pair.a.kill()).await;
    pair.rejoin();
    load.finish(&installation).await;
    // What the two have is the same.
    let bookings = "select count(*) from bookings";
    let count = pair.b.sql(bookings);
    until("the former primary has caught up", || pair.a.sql(bookings) == count);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_stands_still_is_fenced_off_and_replaced() {
    if !is_long() {
        return;
    }
    let sandbox = Sandbox::create();
    let mut pair = Pair::start(&sandbox);
    let redis = Redis::start(&sandbox);
    let (installation, staff) = pair.installation(&sandbox, &redis);
    let load = Load::start(&sandbox, &installation, &staff, "frozen", 40).await;
    load.lose_primary("scripted promotion, primary silent", || pair.a.freeze()).await;
    // It comes back to life and does not know that it has a successor: nobody reaches it.
    pair.a.thaw();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let sessions = "select count(*) from pg_stat_activity where usename = 'loadmaster_app' and state <> 'idle'
                    and wait_event is distinct from 'SyncRep'";
    until("no client works on the former primary", || pair.a.sql(sessions) == "0");
    pair.a.kill();
    pair.rejoin();
    load.finish(&installation).await;
}

/// While its standby is away, a primary that is asked to wait for it acknowledges nothing: a promotion would lose it.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_acknowledged_that_only_the_primary_has() {
    if !is_long() {
        return;
    }
    let sandbox = Sandbox::create();
    let mut pair = Pair::start(&sandbox);
    let redis = Redis::start(&sandbox);
    let (installation, staff) = pair.installation(&sandbox, &redis);
    let servers = ["first", "second"].map(|server| installation.serve(&sandbox, server));
    let bases = [servers[0].base.as_str(), servers[1].base.as_str()];
    let customer = Customer::register(bases[0], "alone").await;
    let flight = Customer::log_in(bases[0], &staff).await.roomy_flight(bases[0], "AI902", 48).await;
    let probe = Probe::start(&customer, &flight, "alone", &bases, 3);
    until("bookings are acknowledged", || probe.so_far().len() > 20);
    pair.b.freeze();
    // Answers to commits that the standby had confirmed are still under way.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = probe.so_far().len();
    // Longer than any statement may take.
    tokio::time::sleep(Duration::from_secs(22)).await;
    let after = probe.so_far().len();
    assert_eq!(after, before, "{} bookings were acknowledged that the standby lacks", after - before);
    pair.b.thaw();
    until_within(Duration::from_secs(30), "bookings are acknowledged again", &mut || {
        probe.so_far().len() > before + 20
    });
    let booked = probe.stop().await;
    assert_all_there(&customer, bases[0], &booked).await;
    installation.audit();
}
