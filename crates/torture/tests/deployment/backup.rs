//! Base backup, archive of the write-ahead log and point-in-time recovery, by the scripts of `deploy/backup` and the steps of
//! `docs/backup.md`.
use std::{
    collections::HashSet,
    path::PathBuf,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::support::{
    Booked, Customer, Installation, Postgres, Probe, Redis, Sandbox, Server, as_postgres, assert_all_there, bin,
    deployed, is_long, report, until,
};

struct Backups {
    directory: PathBuf,
}

impl Backups {
    fn in_sandbox(sandbox: &Sandbox) -> Self {
        Self { directory: sandbox.directory("backups") }
    }

    fn path(&self) -> &str {
        self.directory.to_str().unwrap()
    }

    /// A server that archives here.
    fn archived(&self, sandbox: &Sandbox) -> Postgres {
        let script = deployed("backup/archive-wal.sh");
        let archive = format!("{} {} %p %f", script.display(), self.path());
        let settings = [("archive_mode", "on"), ("archive_timeout", "60"), ("archive_command", &archive)];
        Postgres::create(sandbox, "postgres", &settings)
    }

    /// Runs one of the scripts as PostgreSQL's user; returns what it prints.
    fn run(&self, script: &str, postgres: &Postgres, arguments: &[&str]) -> String {
        let mut command = as_postgres(&deployed(&format!("backup/{script}")));
        command.arg(self.path()).args(arguments);
        let path = format!("{}:{}", bin().display(), std::env::var("PATH").unwrap());
        command.envs([("PGHOST", postgres.host.as_str()), ("PGUSER", "postgres"), ("PATH", &path)]);
        command.env("PGPORT", postgres.port.to_string());
        let done = command.output().unwrap();
        assert!(done.status.success(), "{script}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    /// Until the archive has everything that was committed so far.
    fn until_archived(&self, postgres: &Postgres) {
        let segment = postgres.sql("select pg_walfile_name(pg_current_wal_lsn())");
        postgres.sql("select pg_switch_wal()");
        until("the segment is archived", || self.directory.join("wal").join(&segment).exists());
    }
}

/// Whether a search from Bombay to Delhi on that day finds the flight.
async fn finds(customer: &Customer, base: &str, day: &str, flight: &str) -> bool {
    let path = format!("/api/v1/routes?origin=BOM&destination=DEL&departure_date={day}&weight_kg=1");
    customer.get(base, &path).await.unwrap().expect(200).to_string().contains(flight)
}

/// The events of the stream, with source and id.
fn events(redis: &Redis) -> Vec<(String, String)> {
    let entries = redis.cli(&["XRANGE", "loadmaster:events", "-", "+"]);
    let events = entries.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let text = |event: &Value, member: &str| event[member].as_str().map(str::to_owned);
    events.filter_map(|event| Some((text(&event, "source")?, text(&event, "id")?))).collect()
}

/// What must hold of everything that was acknowledged after the moment of the restore: it never was.
struct Future {
    bookings: Vec<Booked>,
    flight: String,
    /// The day of its departure.
    day: String,
    /// The number up to which references were reserved.
    reserved: i64,
}

struct Site {
    sandbox: Sandbox,
    backups: Backups,
    redis: Redis,
    installation: Installation,
    servers: [Server; 2],
}

impl Site {
    fn bases(&self) -> [&str; 2] {
        [&self.servers[0].base, &self.servers[1].base]
    }

    /// Bookings, a flight and steps after the moment to which the database goes back.
    async fn future(&self, postgres: &Postgres, customer: &Customer, staff: &Customer, step_of: &str) -> Future {
        let base = self.bases()[0];
        let flight = staff.roomy_flight(base, "AI802", 72).await;
        let day = staff.day_of(base, &flight).await;
        // Into the cache of the process and that of Redis.
        until_found(customer, base, &day, &flight).await;
        let cancel = format!("/api/v1/bookings/{step_of}/cancel");
        customer.post(base, &cancel, None, &json!({})).await.unwrap().expect(200);
        // As many processes that start again and again would reserve them.
        postgres.sql("select count(nextval('booking_ref_blocks')) from generate_series(1, 500)");
        let probe = Probe::start(customer, &flight, "future", &self.bases(), 4);
        until("there is a future", || probe.so_far().len() > 100);
        let bookings = probe.stop().await;
        let reserved = postgres.sql("select last_value from booking_ref_blocks").parse().unwrap();
        Future { bookings, flight, day, reserved }
    }

    /// The steps of the documentation.
    fn restore(&mut self, former: Postgres, base_backup: &str, moment: &str) -> Postgres {
        for server in &mut self.servers {
            server.stop();
        }
        let began = Instant::now();
        let mut restored = former.successor(&self.sandbox, "restored");
        self.backups.run("restore.sh", &restored, &[base_backup, restored.home.to_str().unwrap(), moment]);
        restored.start();
        until("the recovery has ended", || restored.try_sql("select pg_is_in_recovery()").is_ok_and(|is| is == "f"));
        self.installation.succeed(&["restored"]);
        for server in &mut self.servers {
            server.start();
        }
        report("point-in-time recovery: serving again after", began.elapsed());
        restored
    }
}

async fn until_found(customer: &Customer, base: &str, day: &str, flight: &str) {
    for _ in 0..100 {
        if finds(customer, base, day, flight).await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the flight {flight} is never found on {day}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_issues_no_reference_again_and_believes_nothing_of_the_future() {
    if !is_long() {
        return;
    }
    let sandbox = Sandbox::create();
    let backups = Backups::in_sandbox(&sandbox);
    let postgres = backups.archived(&sandbox);
    let redis = Redis::start(&sandbox);
    let (owner, app) = (postgres.url("loadmaster"), postgres.url("loadmaster_app"));
    let installation = Installation::new(&sandbox, owner, app, Some(redis.url()));
    installation.migrate();
    let login = installation.administrator();
    let servers = ["first", "second"].map(|name| installation.serve(&sandbox, name));
    let mut site = Site { sandbox, backups, redis, installation, servers };

    // A base backup under load, and bookings after it.
    let base = site.servers[0].base.clone();
    let (customer, staff) = (Customer::register(&base, "past").await, Customer::log_in(&base, &login).await);
    let flight = staff.roomy_flight(&base, "AI801", 48).await;
    let probe = Probe::start(&customer, &flight, "past", &site.bases(), 4);
    let base_backup = site.backups.run("base-backup.sh", &postgres, &[]);
    let in_backup = probe.so_far().len();
    until("there are bookings that only the archive has", || probe.so_far().len() > in_backup + 100);
    let past = probe.stop().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let moment = postgres.sql("select clock_timestamp()");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let future = site.future(&postgres, &customer, &staff, &past[0].reference).await;
    until("every event is delivered", || events(&site.redis).len() > past.len() + future.bookings.len());
    let sources: HashSet<String> = events(&site.redis).into_iter().map(|(source, _)| source).collect();
    site.backups.until_archived(&postgres);

    let restored = site.restore(postgres, &base_backup, &moment);
    assert_all_there(&customer, &base, &past).await;
    // The network has the version that it had in the future: what Redis then learned of it would be believed.
    staff.roomy_flight(&base, "AI803", 96).await;
    assert_past_only(&site, &customer, &flight, &future, &restored).await;

    // The step that the future had taken otherwise: its event has the id of one that was delivered before.
    let depart = format!("/api/v1/bookings/{}/depart", past[0].reference);
    staff.post(&base, &depart, None, &json!({})).await.unwrap().expect(200);
    let of_past = |source: &String| sources.contains(source);
    until("consumers see by the source that the history is another one", || {
        events(&site.redis).iter().any(|(source, _)| !of_past(source))
    });
    let delivered = events(&site.redis);
    let distinct: HashSet<_> = delivered.iter().collect();
    let ids: HashSet<_> = delivered.iter().map(|(_, id)| id).collect();
    assert!(ids.len() < distinct.len(), "no id came twice: this test shows nothing");
    site.installation.audit();
}

/// Nothing of the future is left, and nothing of it is issued again.
async fn assert_past_only(site: &Site, customer: &Customer, flight: &str, future: &Future, restored: &Postgres) {
    let base = site.bases()[0];
    for lost in &future.bookings {
        let answer = customer.get(base, &format!("/api/v1/bookings/{}", lost.reference)).await.unwrap();
        assert_eq!(answer.status, 404, "{answer:?}");
    }
    for base in site.bases() {
        let is_found = finds(customer, base, &future.day, &future.flight).await;
        assert!(!is_found, "{base} finds a flight of the future");
    }
    let probe = Probe::start(customer, flight, "future", &site.bases(), 4);
    until("bookings are acknowledged", || probe.so_far().len() > future.bookings.len());
    let again = probe.stop().await;
    let lost: HashSet<_> = future.bookings.iter().map(|booked| &booked.reference).collect();
    assert!(again.iter().all(|booked| !lost.contains(&booked.reference)), "a reference was issued again");
    let next: i64 = restored.sql("select last_value from booking_ref_blocks").parse().unwrap();
    assert!(next > future.reserved, "block {next} follows block {}", future.reserved);
}
