//! What the server stands on, as its metrics tell it.
use loadmaster_testkit::{NewFlight, SCHEDULES, Watch, World, WorldOptions, until};

use super::Alone;

const UP: &str = "loadmaster_dependency_up";
const MEMORY: &str = "loadmaster_redis_memory_bytes";
const DATABASE: [(&str, &str); 1] = [("dependency", "database")];
const REDIS: [(&str, &str); 1] = [("dependency", "redis")];

#[tokio::test]
async fn a_dependency_that_goes_away_is_down_and_up_again_when_it_is_back() {
    let mut alone = Alone::start(&[]).await;
    alone.until(UP, &DATABASE, |up| up == 1.0).await;
    alone.until(UP, &REDIS, |up| up == 1.0).await;
    alone.until(MEMORY, &[], |bytes| bytes > 100_000.0).await;

    alone.redis.kill();
    alone.until(UP, &REDIS, |up| up == 0.0).await;
    alone.until(MEMORY, &[], f64::is_nan).await;
    assert_eq!(alone.value(UP, &DATABASE).await, 1.0);
    alone.until("loadmaster_redis_breaker_open", &[], |open| open == 1.0).await;
    alone.redis.start_again().await;
    alone.until(UP, &REDIS, |up| up == 1.0).await;
    alone.until(MEMORY, &[], |bytes| bytes > 100_000.0).await;

    alone.database.close_doors().await;
    alone.until(UP, &DATABASE, |up| up == 0.0).await;
    assert_eq!(alone.value(UP, &REDIS).await, 1.0);
    alone.database.open_doors().await;
    alone.until(UP, &DATABASE, |up| up == 1.0).await;
}

#[tokio::test]
async fn waits_for_a_connection_are_measured_even_if_in_vain() {
    let patience = WorldOptions::working().set("database.acquire_timeout_ms", "1500");
    let world = patience.start().await;
    let (count, sum) = ("loadmaster_db_pool_wait_seconds_count", "loadmaster_db_pool_wait_seconds_sum");
    let client = world.anonymous();
    let read = async |name| super::total(&super::scrape(&world).await, name, &[]);
    let before = read(count).await;
    client.get("/api/v1/flights").await.expect(200);
    assert!(read(count).await >= before + 1.0);

    let mut all = Vec::new();
    for _ in 0..8 {
        all.push(world.db.read().await.unwrap());
    }
    let before = read(sum).await;
    client.get("/api/v1/flights").await.expect_problem(503, "unavailable");
    assert!(read(sum).await >= before + 1.4, "he has waited as long as one may");
}

#[tokio::test]
async fn only_what_requests_wait_for_counts() {
    let alone = Alone::start(&["server.detail_networks=127.0.0.0/8"]).await;
    // Each job that a first start finds due is done.
    alone.until("loadmaster_jobs_total", &[("outcome", "done")], |jobs| jobs >= SCHEDULES.len() as f64).await;
    let mut owner = alone.database.owner().await;
    Watch::over(&alone.database).await.until_quiet().await;
    let before = alone.value("loadmaster_db_pool_wait_seconds_count", &[]).await;
    // Questions about health and the delivery of messages have connections apart.
    alone.client.get("/health/detailed").await.expect(200);
    alone.client.get("/readyz").await.expect(200);
    let mut beats = async || {
        let beats = "select beat from outbox_sinks where name = 'redis_streams'";
        sqlx::query_scalar::<_, i64>(beats).fetch_one(&mut owner).await.unwrap()
    };
    let beaten = beats().await;
    until("who delivers has written to the database", async || beats().await > beaten).await;
    assert_eq!(alone.value("loadmaster_db_pool_wait_seconds_count", &[]).await, before);
}

#[tokio::test]
async fn a_sink_that_was_given_up_is_not_behind_any_more() {
    let alone = Alone::start(&[]).await;
    let neighbour = alone.neighbour().await;
    neighbour.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    neighbour.sql("insert into outbox_sinks (name, position) values ('elsewhere', 0)").await;
    let (lag, elsewhere) = ("loadmaster_outbox_lag_seconds", [("sink", "elsewhere")]);
    alone.until(lag, &elsewhere, |seconds| seconds > 0.0).await;
    neighbour.sql("delete from outbox_sinks where name = 'elsewhere'").await;
    alone.until(lag, &elsewhere, |seconds| seconds == 0.0).await;
}

#[tokio::test]
async fn the_pool_is_measured() {
    let world = World::working().await;
    let samples = super::scrape(&world).await;
    assert!(super::total(&samples, "loadmaster_db_pool_max_connections", &[]) >= 1.0);
    let states: Vec<_> = samples.iter().filter(|sample| sample.name == "loadmaster_db_pool_connections").collect();
    let mut states: Vec<_> = states.iter().map(|sample| sample.labels["state"].as_str()).collect();
    states.sort_unstable();
    assert_eq!(states, ["idle", "used"]);
}

#[tokio::test]
async fn the_build_and_the_process_are_reported() {
    let alone = Alone::start(&[]).await;
    let info = alone.client.get("/api/v1/info").await.expect(200);
    let commit = info["git_commit"].as_str().unwrap_or("unknown").to_owned();
    let version = info["version"].as_str().unwrap().to_owned();
    let labels = [("version", version.as_str()), ("commit", commit.as_str())];
    assert_eq!(alone.value("loadmaster_build_info", &labels).await, 1.0);
    for name in [
        "process_open_fds",
        "process_max_fds",
        "process_virtual_memory_bytes",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
        "process_threads",
    ] {
        assert!(alone.value(name, &[]).await > 0.0, "{name}");
    }
}
