use loadmaster::features::accounts::Role;
use serde_json::{Value, json};

use crate::support::{Client, OwnRedis, World, WorldOptions, until};

/// Both say the same.
const PATHS: [&str; 2] = ["/health", "/api/v1/health"];

async fn status(client: &Client) -> Value {
    client.get("/health").await.body["status"].clone()
}

async fn until_status(client: &Client, expected: &str) {
    until(&format!("the instance is {expected}"), async || status(client).await == expected).await;
}

async fn expect_health(client: &Client, code: u16, expected: &str) {
    for path in PATHS {
        let answer = client.get(path).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
        assert_eq!(answer.expect(code), json!({"status": expected}), "{path}");
    }
}

async fn world_with(redis: &OwnRedis) -> World {
    WorldOptions { without_redis: true, ..WorldOptions::default() }.set("redis.url", &redis.url()).start().await
}

#[tokio::test]
async fn without_a_redis_configured_it_is_healthy() {
    let world = WorldOptions { without_redis: true, ..WorldOptions::default() }.start().await;
    expect_health(&world.anonymous(), 200, "healthy").await;
    let details = world.operator().await.get("/health/detailed").await.expect(200);
    assert_eq!(details["redis"]["state"], "none");
    assert_eq!(details["redis"]["latency_ms"], Value::Null);
}

#[tokio::test]
async fn a_redis_that_goes_away_degrades_and_its_return_heals() {
    let mut redis = OwnRedis::start().await;
    let world = world_with(&redis).await;
    let client = world.anonymous();
    until_status(&client, "healthy").await;
    redis.kill();
    expect_health(&client, 200, "degraded").await;
    client.get("/readyz").await.expect(200);
    client.get("/api/v1/flights").await.expect(200);
    let details = world.operator().await.get("/health/detailed").await.expect(200);
    assert_eq!((&details["status"], &details["redis"]["state"]), (&json!("degraded"), &json!("down")));
    assert_eq!(details["database"]["state"], "up");
    redis.start_again().await;
    until_status(&client, "healthy").await;
}

#[tokio::test]
async fn a_redis_that_is_silent_full_or_was_never_there_degrades() {
    let silent = OwnRedis::start().await;
    let world = world_with(&silent).await;
    until_status(&world.anonymous(), "healthy").await;
    silent.pause();
    expect_health(&world.anonymous(), 200, "degraded").await;

    let full = OwnRedis::start().await;
    full.fill().await;
    expect_health(&world_with(&full).await.anonymous(), 200, "degraded").await;

    let nowhere = WorldOptions { without_redis: true, ..WorldOptions::default() };
    let nowhere = nowhere.set("redis.url", "redis+unix:///nowhere/redis.sock").start().await;
    expect_health(&nowhere.anonymous(), 200, "degraded").await;
}

#[tokio::test]
async fn without_its_database_it_is_unhealthy() {
    let world = World::start().await;
    let (client, operator) = (world.anonymous(), world.operator().await);
    until_status(&client, "healthy").await;
    world.database.close_doors().await;
    expect_health(&client, 503, "unhealthy").await;
    let details = operator.get("/health/detailed").await.expect(503);
    assert_eq!((&details["status"], &details["database"]["state"]), (&json!("unhealthy"), &json!("down")));
    assert_eq!(details["database"]["migration_version"], Value::Null);
    world.database.open_doors().await;
    until_status(&client, "healthy").await;
}

#[tokio::test]
async fn operators_see_each_dependency() {
    let world = World::start().await;
    let newest: i64 = sqlx::query_scalar("select max(version) from _sqlx_migrations")
        .fetch_one(&mut world.database.owner().await)
        .await
        .unwrap();
    for staff in [world.operator().await, world.admin().await] {
        let answer = staff.get("/health/detailed").await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let details = answer.expect(200);
        let database = &details["database"];
        assert_eq!((&database["state"], &database["migration_version"]), (&json!("up"), &json!(newest)));
        assert_eq!(database["pool_max"], 8);
        assert!(database["latency_ms"].as_f64().is_some_and(|latency| latency > 0.0));
        assert!(database["pool_connections"].as_u64() >= database["pool_idle"].as_u64());
    }
    world.anonymous().get("/health/detailed").await.expect_problem(401, "unauthenticated");
    for role in [Role::Guest, Role::Customer] {
        world.caller(role).await.get("/health/detailed").await.expect_problem(403, "forbidden");
    }
}

#[tokio::test]
async fn configured_networks_see_the_details_without_a_credential() {
    let near = WorldOptions::default().set("server.detail_networks", "192.0.2.0/24,127.0.0.0/8").start().await;
    near.anonymous().get("/health/detailed").await.expect(200);
    near.customer().await.get("/health/detailed").await.expect(200);
    let bad = near.anonymous().with_token("no.good.token");
    bad.get("/health/detailed").await.expect_problem(401, "unauthenticated");
    let far = WorldOptions::default().set("server.detail_networks", "192.0.2.0/24").start().await;
    // What a proxy says is believed only where proxies are trusted.
    let request = far.anonymous().request(reqwest::Method::GET, "/health/detailed");
    let answer = crate::support::Answer::of(request.header("x-forwarded-for", "192.0.2.7")).await;
    answer.expect_problem(401, "unauthenticated");
}
