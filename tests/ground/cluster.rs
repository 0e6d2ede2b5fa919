//! A Redis Cluster in place of a single Redis.
use loadmaster_testkit::{
    NewFlight, World, WorldOptions,
    freight::{BOOKINGS, order, path_of},
    is_long,
    redis_servers::RedisCluster,
    until,
};
use serde_json::Value;

async fn details(world: &World) -> Value {
    world.anonymous().get("/health/detailed").await.body
}

/// Starts three servers of its own and lets one fail: seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everything_works_on_a_redis_cluster_also_while_one_of_its_servers_is_away() {
    if !is_long() {
        return;
    }
    let mut cluster = RedisCluster::start().await;
    let options = WorldOptions::working().set("redis.url", &cluster.url()).set("redis.cluster", "true");
    let options = options.set("server.detail_networks", "127.0.0.0/8").set("rate_limit.enabled", "true");
    let here = options.clone().start().await;
    let there = options.on(&here.database).start().await;
    let flight = here.flight(NewFlight::new("AI101", "DEL", "LHR").weight(400.0)).await;
    let query = "/api/v1/routes?origin=DEL&destination=LHR&departure_date=2026-11-21&weight_kg=10";
    here.anonymous().get(query).await.expect(200);
    until("another process finds what the first one has found", async || {
        let answer = there.anonymous().get(query).await;
        answer.header("cache-status").unwrap().contains("hit")
    })
    .await;

    // Their quotas lie on different servers, and one script asks for all that are wanted at a time.
    let mut callers = Vec::new();
    for _ in 0..12 {
        callers.push(here.customer().await);
    }
    let asked = callers.iter().map(|caller| async { caller.get(BOOKINGS).await });
    for answer in futures_util::future::join_all(asked).await {
        let left: u32 = answer.header("ratelimit-remaining").unwrap().parse().unwrap();
        answer.expect(200);
        assert!(left < 600);
    }
    // The last kilos are handed out under a lock in Redis.
    let booking = path_of(&callers[0].post(BOOKINGS, order(&[&flight])).await.expect(201));
    for caller in &callers[1..4] {
        caller.post(BOOKINGS, order(&[&flight])).await.expect(201);
    }
    callers[4].post(BOOKINGS, order(&[&flight])).await.expect_problem(409, "capacity_exceeded");
    here.operator().await.poke(&format!("{booking}/depart")).await.expect(200);

    until("messages are delivered", async || {
        let details = details(&here).await;
        details["status"] == "healthy" && details["outbox"][0]["undelivered"] == 0
    })
    .await;
    until("both processes have told their counts", async || {
        let keys = cluster.keys().await;
        keys.concat().iter().filter(|key| key.contains(":tally}:")).count() == 2
    })
    .await;
    let keys = cluster.keys().await;
    assert!(keys.iter().all(|keys| !keys.is_empty()), "every server has its part: {keys:?}");
    let mut tallies = keys.iter().map(|keys| keys.iter().filter(|key| key.contains(":tally}")).count());
    assert!(tallies.any(|count| count == 3), "one server has the whole group: {keys:?}");

    cluster.servers[2].kill();
    for caller in &callers {
        caller.get(BOOKINGS).await.expect(200);
    }
    here.flight(NewFlight::new("AI102", "DEL", "LHR")).await;
    here.anonymous().get(query).await.expect(200);
    cluster.servers[2].start_again();
    cluster.until_whole().await;
    until("everything is well again", async || {
        let details = details(&there).await;
        details["status"] == "healthy" && details["outbox"][0]["undelivered"] == 0
    })
    .await;

    // The server that the settings name is away at the start of a process.
    cluster.servers[0].kill();
    let options = WorldOptions::working().on(&here.database).set("redis.url", &cluster.url());
    let late = options.set("redis.cluster", "true").set("server.detail_networks", "127.0.0.0/8").start().await;
    assert_eq!(details(&late).await["status"], "degraded");
    late.anonymous().get(query).await.expect(200);
    cluster.servers[0].start_again();
    cluster.until_whole().await;
    until("the process has found the cluster", async || details(&late).await["status"] == "healthy").await;
    here.audit().await;
}
