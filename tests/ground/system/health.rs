use std::{fs, os::unix::fs::PermissionsExt};

use loadmaster_accounts::Role;
use loadmaster_platform::{
    embedded::Rehearsal,
    settings::{Settings, Sources},
};
use loadmaster_testkit::{Client, NewFlight, OwnRedis, SCHEDULES, TestDatabase, World, WorldOptions, until};
use serde_json::{Value, json};

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
    WorldOptions::working().without_redis().set("redis.url", &redis.url()).start().await
}

#[tokio::test]
async fn without_a_redis_configured_it_is_healthy() {
    let world = WorldOptions::working().without_redis().start().await;
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

    let nowhere = WorldOptions::working().without_redis();
    let nowhere = nowhere.set("redis.url", "redis+unix:///nowhere/redis.sock").start().await;
    expect_health(&nowhere.anonymous(), 200, "degraded").await;
}

#[tokio::test]
async fn a_redis_that_refuses_what_it_is_needed_for_degrades_until_it_does_not() {
    let redis = OwnRedis::start().await;
    let world = world_with(&redis).await;
    let (client, operator) = (world.anonymous(), world.operator().await);
    until_status(&client, "healthy").await;
    let ask = async |command: &[&str]| {
        let mut words = redis::cmd(command[0]);
        words.arg(&command[1..]).query_async::<()>(&mut redis.connect().await).await.unwrap();
    };
    for (illness, cure) in [
        // A replica takes no writes.
        (&["REPLICAOF", "127.0.0.1", "1"][..], &["REPLICAOF", "NO", "ONE"][..]),
        // Every write, every script, everything at all is answered by an error.
        (&["ACL", "SETUSER", "default", "-set"], &["ACL", "SETUSER", "default", "+@all"]),
        (&["ACL", "SETUSER", "default", "-eval"], &["ACL", "SETUSER", "default", "+@all"]),
        (&["CONFIG", "SET", "maxmemory", "1"], &["CONFIG", "SET", "maxmemory", "0"]),
    ] {
        ask(illness).await;
        expect_health(&client, 200, "degraded").await;
        let details = operator.get("/health/detailed").await.expect(200);
        assert_eq!(details["redis"]["state"], "down", "{illness:?}");
        client.get("/readyz").await.expect(200);
        ask(cure).await;
        until_status(&client, "healthy").await;
    }
}

#[tokio::test]
async fn without_its_database_it_is_unhealthy() {
    let world = World::working().await;
    let (client, operator) = (world.anonymous(), world.operator().await);
    until_status(&client, "healthy").await;
    world.database.close_doors().await;
    expect_health(&client, 503, "unhealthy").await;
    let details = operator.get("/health/detailed").await.expect(503);
    assert_eq!((&details["status"], &details["database"]["state"]), (&json!("unhealthy"), &json!("down")));
    assert_eq!(details["database"]["migration_version"], Value::Null);
    assert_eq!((&details["jobs"], &details["outbox"]), (&Value::Null, &Value::Null));
    // Nobody can say whether this is a key: who watches is answered all the same.
    let program = client.with_token("lmk_guessedguessedguessed");
    for path in ["/livez", "/metrics", "/docs/", "/openapi.json", "/problems"] {
        program.get(path).await.expect(200);
    }
    expect_health(&program, 503, "unhealthy").await;
    for path in ["/health/detailed", "/api/v1/airports/DEL"] {
        program.get(path).await.expect_problem(503, "unavailable");
    }
    world.database.open_doors().await;
    program.get("/livez").await.expect_problem(401, "unauthenticated");
    until_status(&client, "healthy").await;
}

#[tokio::test]
async fn operators_see_each_dependency() {
    let world = World::working().await;
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
    let near = WorldOptions::working().set("server.detail_networks", "192.0.2.0/24,127.0.0.0/8").start().await;
    near.anonymous().get("/health/detailed").await.expect(200);
    near.customer().await.get("/health/detailed").await.expect(200);
    let bad = near.anonymous().with_token("no.good.token");
    bad.get("/health/detailed").await.expect_problem(401, "unauthenticated");
    let far = WorldOptions::working().set("server.detail_networks", "192.0.2.0/24").start().await;
    // What a proxy says is believed only where proxies are trusted.
    let request = far.anonymous().request(reqwest::Method::GET, "/health/detailed");
    let answer = loadmaster_testkit::Answer::of(request.header("x-forwarded-for", "192.0.2.7")).await;
    answer.expect_problem(401, "unauthenticated");
}

async fn operators_view(world: &World) -> Value {
    world.operator().await.get("/health/detailed").await.expect(200)
}

#[tokio::test]
async fn operators_see_how_many_jobs_wait_and_which_have_failed_for_good() {
    let world = World::working().await;
    let jobs = async || operators_view(&world).await["jobs"].clone();
    let idle = json!({"state": "ok", "queued": 0, "running": 0, "dead": 0, "oldest_seconds": 0.0});
    until("what is scheduled has been promised and done", async || {
        world.texts("select name from schedules where next_run_at > now()").await.len() == SCHEDULES.len()
            && jobs().await == idle
    })
    .await;

    // Of a kind that nobody here runs.
    let promise = async |state: &str, run_at: &str| {
        let insert = "insert into jobs (id, kind, payload, priority, state, run_at, max_attempts)
                      values (gen_random_uuid(), 'of_another_version', '{}', 0, $1, now() + $2::interval, 1)";
        let mut owner = world.database.owner().await;
        sqlx::query(insert).bind(state).bind(run_at).execute(&mut owner).await.unwrap();
    };
    promise("QUEUED", "1 hour").await;
    assert_eq!((&jobs().await["state"], &jobs().await["queued"]), (&json!("ok"), &json!(1)));
    promise("QUEUED", "-1 hour").await;
    let late = jobs().await;
    assert_eq!((&late["state"], &late["queued"]), (&json!("late"), &json!(2)));
    assert!(late["oldest_seconds"].as_f64().unwrap() >= 3600.0, "{late}");
    promise("DEAD", "-2 hours").await;
    let dead = jobs().await;
    assert_eq!((&dead["state"], &dead["dead"], &dead["queued"]), (&json!("dead"), &json!(1), &json!(2)));
    assert_eq!(operators_view(&world).await["status"], "healthy", "requests are served all the same");
}

#[tokio::test]
async fn operators_see_how_far_each_sink_is_behind() {
    let world = World::working().await;
    let sink = async |name: &str| {
        let details = operators_view(&world).await;
        let sinks = details["outbox"].as_array().unwrap().clone();
        sinks.into_iter().find(|sink| sink["sink"] == name).unwrap_or(Value::Null)
    };
    let idle = json!({"sink": "redis_streams", "state": "ok", "lag_seconds": 0.0, "undelivered": 0});
    until("the stream is served", async || sink("redis_streams").await == idle).await;

    let mut owner = world.database.owner().await;
    let insert = "insert into outbox_sinks (name, position) values ('elsewhere', 0)";
    sqlx::query(insert).execute(&mut owner).await.unwrap();
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    world.flight(NewFlight::new("AI102", "DEL", "LHR")).await;
    let unserved = sink("elsewhere").await;
    assert_eq!((&unserved["state"], &unserved["undelivered"]), (&json!("unserved"), &json!(2)));

    sqlx::query("update outbox_sinks set leased_by = 'somebody', updated_at = now() where name = 'elsewhere'")
        .execute(&mut owner)
        .await
        .unwrap();
    assert_eq!(sink("elsewhere").await["state"], "ok");
    sqlx::query("update outbox set written_at = now() - interval '2 minutes'").execute(&mut owner).await.unwrap();
    let late = sink("elsewhere").await;
    assert!(late["state"] == "late" && late["lag_seconds"].as_f64().unwrap() >= 120.0, "{late}");
}

#[tokio::test]
async fn a_silent_database_does_not_delay_health_requests() {
    let directory = tempfile::Builder::new().prefix("loadmaster-").tempdir().unwrap();
    // PostgreSQL may have to run as another user.
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let home = directory.path().join("home").display().to_string();
    let overrides = vec![("embedded.data_dir".to_owned(), home)];
    let settings = Settings::load(Sources { overrides, ..Sources::default() }).unwrap();
    let mut servers = Rehearsal::start(&settings.embedded).await.unwrap();
    let database = TestDatabase::elsewhere(&servers.urls().owner).await;
    let options = WorldOptions::working().without_redis().on(&database);
    let options = options.set("server.detail_networks", "127.0.0.0/8").set("server.request_timeout_ms", "20000");
    // It is not the pool's patience that ends the wait.
    let world = options.set("database.acquire_timeout_ms", "60000").start().await;
    let client = world.anonymous();
    until_status(&client, "healthy").await;

    servers.freeze_postgres();
    for path in PATHS {
        assert_eq!(client.get(path).await.expect(503), json!({"status": "unhealthy"}), "{path}");
    }
    let details = client.get("/health/detailed").await.expect(503);
    assert_eq!((&details["status"], &details["database"]["state"]), (&json!("unhealthy"), &json!("down")));
    assert_eq!((&details["jobs"], &details["outbox"]), (&Value::Null, &Value::Null));
    assert_eq!(client.get("/metrics").await.status, 200);
    client.get("/livez").await.expect(200);
    // Nobody can say whether this is a key.
    client.with_token("lmk_guessedguessedguessed").get("/livez").await.expect(200);
    client.get("/readyz").await.expect_problem(503, "unavailable");

    servers.thaw_postgres();
    until_status(&client, "healthy").await;
}
