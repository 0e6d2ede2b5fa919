//! PostgreSQL killed, Redis gone or silent. The servers are these tests' own.
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use loadmaster_platform::{
    embedded::Embedded,
    settings::{self, Settings, Sources},
};
use loadmaster_testkit::{Client, OwnRedis, TestDatabase, World, WorldOptions, until};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tempfile::TempDir;

use super::{book, expect_unavailable, path, reference, roomy_flight};

fn directory() -> TempDir {
    let directory = tempfile::Builder::new().prefix("loadmaster-").tempdir().unwrap();
    // PostgreSQL may have to run as another user.
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    directory
}

fn embedded_in(directory: &Path) -> settings::Embedded {
    let overrides = vec![("embedded.data_dir".to_owned(), directory.join("home").display().to_string())];
    Settings::load(Sources { overrides, ..Sources::default() }).unwrap().embedded
}

/// Kills every process of this PostgreSQL at once, the postmaster first: no one of them can tidy up.
async fn kill_postgres(database: &TestDatabase, directory: &Path) {
    let mut owner = database.owner().await;
    let sessions: Vec<i32> =
        sqlx::query_scalar("select pid from pg_stat_activity").fetch_all(&mut owner).await.unwrap();
    let file = fs::read_to_string(directory.join("home/pg/data/postmaster.pid")).unwrap();
    let postmaster: i32 = file.lines().next().unwrap().trim().parse().unwrap();
    for process in std::iter::once(postmaster).chain(sessions) {
        // One or the other may have ended by itself.
        _ = kill(Pid::from_raw(process), Signal::SIGKILL);
    }
}

/// Books until told to stop, and counts what was done and how often it was told to come back; what was acknowledged.
async fn keep_booking(
    client: Client,
    flight: Value,
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
) -> Vec<String> {
    let mut acknowledged = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let answer = book(&client, &flight).await;
        if answer.status == 201 {
            acknowledged.push(reference(&answer.body));
            done.fetch_add(1, Ordering::Relaxed);
        } else {
            expect_unavailable(answer);
            refused.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgresql_killed_under_load_loses_no_acknowledged_booking_and_service_comes_back_by_itself() {
    let directory = directory();
    let settings = embedded_in(directory.path());
    let embedded = Embedded::start(&settings).await.unwrap();
    let database = TestDatabase::elsewhere(&embedded.urls().owner).await;
    let options = WorldOptions::working().on(&database).set("database.acquire_timeout_ms", "500");
    let world = options.start().await;
    let (flight, customer) = (roomy_flight(&world, "AI101").await, world.customer().await);
    let stop = Arc::new(AtomicBool::new(false));
    let (done, refused) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let keep = || keep_booking(customer.clone(), flight.clone(), stop.clone(), done.clone(), refused.clone());
    let load: Vec<_> = (0..6).map(|_| tokio::spawn(keep())).collect();
    until("there is load", async || done.load(Ordering::Relaxed) >= 40).await;

    kill_postgres(&database, directory.path()).await;
    until("it is not ready", async || world.anonymous().get("/readyz").await.status == 503).await;
    assert_eq!(world.anonymous().get("/health").await.expect(503)["status"], "unhealthy");
    world.anonymous().get("/livez").await.expect(200);
    until("a booking is refused", async || refused.load(Ordering::Relaxed) > 0).await;

    drop(embedded);
    let embedded = Embedded::start(&settings).await.unwrap();
    until("it is ready again", async || world.anonymous().get("/readyz").await.status == 200).await;
    let before = done.load(Ordering::Relaxed);
    until("bookings are made again", async || done.load(Ordering::Relaxed) > before + 5).await;
    stop.store(true, Ordering::Relaxed);

    let mut acknowledged = 0;
    for client in load {
        let references = client.await.unwrap();
        acknowledged += references.len();
        for reference in references {
            assert_eq!(customer.get(&path(&reference)).await.expect(200)["status"], "BOOKED");
        }
    }
    assert!(acknowledged >= 45);
    world.audit().await;
    world.shutdown().await;
    embedded.stop().await.unwrap();
}

async fn until_health(world: &World, status: &str) {
    let what = format!("the health is {status}");
    until(&what, async || world.anonymous().get("/health").await.expect(200)["status"] == status).await;
}

/// Everything that changes a booking.
async fn work(world: &World, flight: &Value) {
    let (customer, operator) = (world.customer().await, world.operator().await);
    let flown = path(&reference(&book(&customer, flight).await.expect(201)));
    for action in ["depart", "arrive", "deliver"] {
        operator.poke(&format!("{flown}/{action}")).await.expect(200);
    }
    let dropped = path(&reference(&book(&customer, flight).await.expect(201)));
    customer.poke(&format!("{dropped}/cancel")).await.expect(200);
    assert_eq!(customer.get("/api/v1/bookings").await.expect(200).as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn without_redis_everything_still_works_only_degraded() {
    let mut redis = OwnRedis::start().await;
    let world = WorldOptions::working().set("redis.url", &redis.url()).start().await;
    let flight = roomy_flight(&world, "AI101").await;
    until_health(&world, "healthy").await;
    work(&world, &flight).await;

    redis.kill();
    until_health(&world, "degraded").await;
    work(&world, &flight).await;
    world.anonymous().get("/readyz").await.expect(200);

    redis.start_again().await;
    until_health(&world, "healthy").await;
    work(&world, &flight).await;

    // It takes connections, but says nothing.
    redis.pause();
    until_health(&world, "degraded").await;
    work(&world, &flight).await;
    redis.go_on();
    until_health(&world, "healthy").await;

    // Full: it answers, with errors.
    redis.fill().await;
    until_health(&world, "degraded").await;
    work(&world, &flight).await;
    redis.make_room().await;
    until_health(&world, "healthy").await;
    world.audit().await;
}

#[tokio::test]
async fn a_server_starts_while_its_redis_is_away() {
    let mut redis = OwnRedis::start().await;
    redis.kill();
    let world = WorldOptions::working().set("redis.url", &redis.url()).start().await;
    until_health(&world, "degraded").await;
    let flight = roomy_flight(&world, "AI101").await;
    work(&world, &flight).await;
    redis.start_again().await;
    until_health(&world, "healthy").await;
    world.audit().await;
}
