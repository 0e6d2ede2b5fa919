//! The previous release and this one on one database and one Redis. `scripts/previous.sh` builds the former, and names it in
//! `LOADMASTER_TEST_PREVIOUS`.
use std::{collections::HashSet, path::PathBuf, process::Stdio, time::Duration};

use serde_json::{Value, json};

use super::support::{
    Booked, Customer, Installation, Login, Postgres, Probe, Redis, Sandbox, Server, Torture, assert_all_there, is_long,
    report,
};

fn previous() -> PathBuf {
    let path = std::env::var_os("LOADMASTER_TEST_PREVIOUS");
    path.expect("LOADMASTER_TEST_PREVIOUS names the binary of the previous release: scripts/previous.sh builds it")
        .into()
}

/// An installation of the previous release; Redis and PostgreSQL are common.
struct Site {
    sandbox: Sandbox,
    postgres: Postgres,
    _redis: Redis,
    old: Installation,
    new: Installation,
    staff: Login,
}

impl Site {
    fn of_previous_release() -> Self {
        let sandbox = Sandbox::create();
        let postgres = Postgres::create(&sandbox, "postgres", &[("max_connections", "200")]);
        let redis = Redis::start(&sandbox);
        let (owner, app) = (postgres.url("loadmaster"), postgres.url("loadmaster_app"));
        let new = Installation::new(&sandbox, owner, app, Some(redis.url()));
        // Flights here are small; this way some of their steps still take several transactions, and so jobs.
        let new = new.set("booking.moved_at_once=8");
        let mut old = new.clone();
        old.binary = previous();
        old.migrate();
        let staff = old.administrator();
        Self { sandbox, postgres, _redis: redis, old, new, staff }
    }

    fn migrations(&self) -> String {
        self.postgres.sql("select count(*) from _sqlx_migrations")
    }

    /// Migrates while somebody reads for long, as reports and dumps do.
    fn migrate(&self) {
        let before = self.migrations();
        let check = self.new.run(&["migrate", "--check"], "");
        let lacks = check.status.code() == Some(1);
        assert_eq!(self.migrations(), before, "--check has changed something");
        let read = "begin; select count(*) from bookings; select count(*) from flights; select pg_sleep(6); commit";
        let mut reading = self.postgres.psql("loadmaster", &["-c", read]);
        let mut reading = reading.stdout(Stdio::null()).spawn().unwrap();
        let began = std::time::Instant::now();
        self.new.migrate();
        report("migration under load, with a transaction of 6 s that reads", began.elapsed());
        assert!(reading.wait().unwrap().success(), "the migration has ended a reader");
        assert_eq!(self.migrations() != before, lacks, "--check and the migration disagree");
        assert_eq!(self.new.run(&["migrate", "--check"], "").status.code(), Some(0));
        println!("migrations: {before} before, {} after", self.migrations());
    }
}

/// No request was refused or lost.
fn assert_no_failure(booked: &[Booked]) {
    let failed: Vec<_> = booked.iter().filter(|booked| !booked.failures.is_empty()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let longest = booked.iter().map(|booked| booked.acknowledged - booked.began).max().unwrap_or_default();
    println!("{} bookings, none failed; the slowest took {} ms", booked.len(), longest.as_millis());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_under_load_lets_requests_of_the_previous_release_pass() {
    if !is_long() {
        return;
    }
    let site = Site::of_previous_release();
    let servers = ["old-1", "old-2"].map(|name| site.old.serve(&site.sandbox, name));
    let bases = [servers[0].base.as_str(), servers[1].base.as_str()];
    let customer = Customer::register(bases[0], "migrating").await;
    let flight = Customer::log_in(bases[0], &site.staff).await.roomy_flight(bases[0], "AI903", 48).await;
    let torture = Torture::start(&site.sandbox, &site.old, &site.staff, &bases, 25);
    let probe = Probe::start(&customer, &flight, "migrating", &bases, 2);
    tokio::time::sleep(Duration::from_secs(3)).await;
    site.migrate();
    torture.finish();
    let booked = probe.stop().await;
    assert_no_failure(&booked);
    assert_all_there(&customer, bases[0], &booked).await;
    site.old.audit();
    site.new.audit();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_previous_release_and_this_one_serve_one_database_side_by_side() {
    if !is_long() {
        return;
    }
    let site = Site::of_previous_release();
    site.new.migrate();
    let old = site.old.serve(&site.sandbox, "old");
    let new = site.new.serve(&site.sandbox, "new");
    let (old, new): (&Server, &Server) = (&old, &new);
    for (one, other) in [(old, new), (new, old)] {
        each_understands_the_other(&site, one, other).await;
    }
    let torture = Torture::start(&site.sandbox, &site.new, &site.staff, &[&old.base, &new.base], 40);
    torture.finish();
    // Whatever the one wrote, the other finds right, too.
    site.old.audit();
    site.new.audit();
    let dead = "select count(*) from jobs where state = 'DEAD'";
    assert_eq!(site.postgres.sql(dead), "0", "a job of the one is not understood by the other");
}

/// What one release has answered, stored and announced, the other takes up.
async fn each_understands_the_other(site: &Site, one: &Server, other: &Server) {
    let (one, other) = (one.base.as_str(), other.base.as_str());
    let name = format!("customer-of-{}", one.rsplit(':').next().unwrap());
    // Registered and logged in here, the session is good there.
    let customer = Customer::register(one, &name).await;
    let staff = Customer::log_in(other, &site.staff).await;
    let number = format!("AI{}", one.rsplit(':').next().unwrap().trim_start_matches('2'));
    let flight = staff.roomy_flight(one, &number[..number.len().min(6)], 30).await;

    // An answer stored under a key is the other's answer, too, to the letter.
    let key = format!("key-{name}");
    let booked = customer.book(one, &flight, &key).await.unwrap();
    let repeated = customer.book(other, &flight, &key).await.unwrap();
    assert!(repeated.replayed && !booked.replayed);
    assert_eq!((repeated.status, &repeated.body), (201, &booked.body));

    // What was found here is found there, from the common cache or not.
    let day = staff.day_of(one, &flight).await;
    let path = format!("/api/v1/routes?origin=BOM&destination=DEL&departure_date={day}&weight_kg=1");
    for base in [one, other, one, other] {
        // A change is known to the other instance within half a second.
        let mut tries = 0;
        while !customer.get(base, &path).await.unwrap().expect(200).to_string().contains(&flight) {
            tries += 1;
            assert!(tries < 100, "{base} does not find {flight}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    // A booking changed here is read there; every member that both know has one value.
    let reference = booked.reference();
    let path = format!("/api/v1/bookings/{reference}");
    let depart = format!("{path}/depart");
    staff.post(other, &depart, Some(&format!("depart-{key}")), &json!({})).await.unwrap().expect(200);
    let again = staff.post(one, &depart, Some(&format!("depart-{key}")), &json!({})).await.unwrap();
    assert!(again.replayed && again.status == 200, "{again:?}");
    let read = async |base| customer.get(base, &path).await.unwrap().expect(200);
    assert_same(&read(one).await, &read(other).await);
    let history = format!("{path}/history");
    let read = async |base| customer.get(base, &history).await.unwrap().expect(200);
    assert_same(&read(one).await, &read(other).await);
}

/// Equal, but for members that only one of them has.
fn assert_same(one: &Value, other: &Value) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let names = |object: &serde_json::Map<String, Value>| object.keys().cloned().collect::<HashSet<_>>();
            for name in names(one).intersection(&names(other)) {
                assert_same(&one[name], &other[name]);
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            assert_eq!(one.len(), other.len(), "{one:?} {other:?}");
            one.iter().zip(other).for_each(|(one, other)| assert_same(one, other));
        }
        _ => assert_eq!(one, other),
    }
}
