//! The time of a process is that of the database; one on a machine whose clock is wrong says so and leaves to others what time
//! alone causes.
use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_holds::HoldService;
use loadmaster_testkit::{
    Client, NewFlight, OwnRedis, Process, TestDatabase, World, WorldOptions,
    freight::text,
    holds::{HOLDS, at},
    until,
};
use serde_json::{Value, json};
use tokio::process::Command;

fn wanted(flight: &Value, seconds: u32) -> Value {
    json!({"flight_ids": [text(flight, "id")], "weight_kg": 100, "ttl_seconds": seconds})
}

async fn held(world: &World) -> Vec<String> {
    world.texts("select held_weight_hg::text from flight_capacity").await
}

#[tokio::test]
async fn with_a_wrong_clock_a_process_is_not_ready_and_ends_and_signs_nothing() {
    let world = WorldOptions::working().set("server.detail_networks", "127.0.0.0/8").start().await;
    let (flight, anonymous) = (world.flight(NewFlight::new("AI101", "DEL", "LHR")).await, world.anonymous());
    let details = async || anonymous.get("/health/detailed").await.body["clock"].clone();
    let customer = world.customer().await;
    let hold = customer.post(HOLDS, wanted(&flight, 10)).await.expect(201);
    world.clock.set_skew(TimeDelta::seconds(-1200));

    let why = anonymous.get("/readyz").await.expect_problem(503, "unavailable");
    assert!(text(&why, "detail").contains("1200.0 seconds behind"), "{why}");
    let health = anonymous.get("/health").await;
    assert_eq!((health.status.as_u16(), &health.body["status"]), (503, &json!("unhealthy")));
    assert_eq!(details().await, json!({"state": "wrong", "skew_ms": -1_200_000.0}));
    let metrics = anonymous.get("/metrics").await.text;
    assert!(metrics.lines().any(|line| line == "loadmaster_clock_skew_seconds -1200"), "{metrics}");
    anonymous.poke("/api/v1/auth/guest").await.expect_problem(503, "unavailable");

    // Its time is right, though: the hold has ended for everybody who asks, and nothing is done about it.
    world.clock.advance(TimeDelta::seconds(11));
    assert_eq!(text(&customer.get(&at(&hold)).await.expect(200), "status"), "EXPIRED");
    let holds: HoldService = world.state().service().unwrap();
    holds.clear(&[text(&flight, "id").parse().unwrap()]).await.unwrap();
    assert_eq!(held(&world).await, ["1000"]);

    world.clock.set_skew(TimeDelta::seconds(30));
    anonymous.get("/readyz").await.expect(200);
    assert_eq!(details().await["state"], "off");
    anonymous.poke("/api/v1/auth/guest").await.expect(200);
    until("it ends what has to end", async || held(&world).await == ["0"]).await;
    world.clock.set_skew(TimeDelta::seconds(2));
    assert_eq!(details().await, json!({"state": "ok", "skew_ms": 2000.0}));
    world.audit().await;
}

/// Starts processes, and waits ten seconds for a hold to end.
#[tokio::test]
async fn a_process_that_is_twenty_minutes_ahead_ends_no_holds_of_another() {
    let database = TestDatabase::create().await;
    let world = WorldOptions::default().without_redis().on(&database).start().await;
    let now = DateTime::from_timestamp(Utc::now().timestamp(), 0).unwrap();
    world.clock.set(now);
    let departure = (now + TimeDelta::hours(40)).to_rfc3339();
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").departs(&departure)).await;
    let customer = world.customer().await;
    let (redis, file) = (OwnRedis::start().await, tempfile::NamedTempFile::new().unwrap());
    let ahead = |seconds: i64| std::fs::write(file.path(), seconds.to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadmaster"));
    command.env_clear().envs(database.environment()).env("REDIS_URL", redis.url());
    command.env("LOADMASTER_TEST_TIMING", "brief").env("LOADMASTER_TEST_CLOCK", file.path());
    ahead(1200);
    let (right, wrong) = (Process::start(&database, &redis, &[]).await, Process::of(command, &[]).await);
    let here = Client { base: right.base.clone(), ..customer.clone() };
    let there = Client { base: wrong.base.clone(), ..customer };

    let long = here.post(HOLDS, wanted(&flight, 900)).await.expect(201);
    let short = there.post(HOLDS, wanted(&flight, 10)).await.expect(201);
    let why = there.get("/readyz").await.expect_problem(503, "unavailable");
    assert!(text(&why, "detail").contains("seconds ahead of"), "{why}");
    assert_eq!(there.get("/health").await.status, 503);
    there.poke("/api/v1/auth/guest").await.expect_problem(503, "unavailable");
    here.get("/readyz").await.expect(200);
    here.poke("/api/v1/auth/guest").await.expect(200);

    until("the one that is right ends what has to end", async || {
        let found = format!("select status from holds where id = '{}'", text(&short, "id"));
        world.texts(&found).await == ["EXPIRED"]
    })
    .await;
    assert_eq!(held(&world).await, ["1000"]);
    for process in [&here, &there] {
        assert_eq!(text(&process.get(&at(&long)).await.expect(200), "status"), "ACTIVE");
    }
    // Another jump is noticed at once, and does no more harm.
    ahead(-3600);
    until("it has noticed", async || {
        let why = there.get("/readyz").await.expect_problem(503, "unavailable");
        text(&why, "detail").contains("seconds behind")
    })
    .await;
    there.post(&format!("{}/commit", at(&long)), json!({"pieces": 1})).await.expect(201);
    ahead(0);
    until("it is ready again", async || there.get("/readyz").await.status == 200).await;
    world.audit().await;
}
