//! A Redis whose memory is full: what it may drop, and what stays.
use std::os::unix::fs::PermissionsExt;

use loadmaster_platform::{
    embedded::Rehearsal,
    settings::{Settings, Sources},
};
use loadmaster_testkit::{NewFlight, OwnRedis, WorldOptions, freight::order, until};
use redis::aio::MultiplexedConnection;
use serde_json::json;

const STREAM: &str = "loadmaster:events";

async fn keys(redis: &mut MultiplexedConnection) -> Vec<(String, i64)> {
    let names: Vec<String> = redis::cmd("KEYS").arg("*").query_async(redis).await.unwrap();
    let mut keys = Vec::new();
    for name in names {
        let expiry: i64 = redis::cmd("PTTL").arg(&name).query_async(redis).await.unwrap();
        keys.push((name, expiry));
    }
    keys
}

#[tokio::test]
async fn every_key_in_redis_expires_but_the_stream_of_events() {
    let own = OwnRedis::start().await;
    let options = WorldOptions::working().without_redis().set("redis.url", &own.url());
    let world = options.set("redis.timeout_ms", "10000").set("rate_limit.enabled", "true").start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(150.0)).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    // Caches, counts, limits, a flight's lock for its last kilos, a booking's lock for its change.
    world.anonymous().get("/api/v1/routes?origin=DEL&destination=LHR&departure_date=2026-11-21").await.expect(200);
    world.anonymous().post("/api/v1/auth/login", json!({"email": "a@example.com", "password": "x"})).await;
    let booking = customer.post("/api/v1/bookings", order(&[&flight])).await.expect(201);
    let depart = format!("/api/v1/bookings/{}/depart", booking["ref_id"].as_str().unwrap());
    operator.post(&depart, json!({})).await.expect(200);
    let mut redis = own.connect().await;
    until("each kind of key is there", async || {
        let keys = keys(&mut redis).await;
        [STREAM, "route:", "tally", "health"].iter().all(|kind| keys.iter().any(|(name, _)| name.contains(kind)))
    })
    .await;
    for (name, expiry) in keys(&mut redis).await {
        // Minus one: never. Minus two: gone since it was listed.
        assert_eq!(expiry == -1, name == STREAM, "{name} expires in {expiry} ms");
    }
}

/// How many of `kept` events are left when far more than the memory holds has been written beside them.
async fn flooded(redis: &mut MultiplexedConnection, policy: Option<&str>, kept: usize) -> usize {
    let set = |name: &'static str, value: String| redis::cmd("CONFIG").arg("SET").arg(name).arg(value).to_owned();
    redis::cmd("FLUSHALL").query_async::<()>(redis).await.unwrap();
    if let Some(policy) = policy {
        set("maxmemory-policy", policy.to_owned()).query_async::<()>(redis).await.unwrap();
    }
    let memory: String = redis::cmd("INFO").arg("memory").query_async(redis).await.unwrap();
    let used = memory.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
    let most = used.parse::<u64>().unwrap() + 4_000_000;
    set("maxmemory", most.to_string()).query_async::<()>(redis).await.unwrap();
    let text = "x".repeat(1000);
    let mut events = redis::pipe();
    for _ in 0..kept {
        events.cmd("XADD").arg(STREAM).arg("*").arg("event").arg(&text).ignore();
    }
    events.query_async::<()>(redis).await.unwrap();
    for round in 0..20 {
        let mut writes = redis::pipe();
        for number in 0..1000 {
            writes.cmd("SET").arg(format!("route:{round}:{number}")).arg(&text).arg("PX").arg(600_000).ignore();
        }
        writes.query_async::<()>(redis).await.expect("what expires makes room");
    }
    let stats: String = redis::cmd("INFO").arg("stats").query_async(redis).await.unwrap();
    let evicted = stats.lines().find_map(|line| line.strip_prefix("evicted_keys:")).unwrap();
    assert!(evicted.parse::<u64>().unwrap() > 1000, "it was full: {evicted}");
    redis::cmd("XLEN").arg(STREAM).query_async(redis).await.unwrap()
}

/// Starts private servers of its own, hence a second or two.
#[tokio::test]
async fn a_full_private_redis_keeps_the_stream_of_events() {
    let directory = tempfile::Builder::new().prefix("loadmaster-").tempdir().unwrap();
    // PostgreSQL may have to run as another user.
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let home = directory.path().join("home").display().to_string();
    let overrides = vec![("embedded.data_dir".to_owned(), home)];
    let settings = Settings::load(Sources { overrides, ..Sources::default() }).unwrap();
    let servers = Rehearsal::start(&settings.embedded).await.unwrap();
    let client = redis::Client::open(servers.urls().redis.clone().expect("Redis is installed")).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    assert_eq!(flooded(&mut redis, None, 500).await, 500, "as it was started");
    // Floods take the stream where every key may go. Redis looks at a sample of its keys each time.
    until("the stream is gone", async || flooded(&mut redis, Some("allkeys-lru"), 500).await == 0).await;
}
