//! What watches may ask as often as it likes: many who ask at once share one answer.
use std::collections::BTreeSet;

use loadmaster_testkit::{Client, OwnRedis, World, WorldOptions, until};
use redis::aio::MultiplexedConnection;
use tokio::task::JoinSet;

const CALLERS: usize = 150;

/// The bodies that so many callers at once are given.
async fn all_at_once(client: &Client, path: &'static str) -> Vec<String> {
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let client = client.clone();
        callers.spawn(async move {
            let answer = client.get(path).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            answer.text
        });
    }
    callers.join_all().await
}

#[tokio::test]
async fn many_simultaneous_scrapes_share_few_renderings() {
    let world = World::working().await;
    let client = world.anonymous();
    client.get("/metrics").await.expect(200);
    // Each rendering is another: it counts the requests that were answered before.
    let renderings: BTreeSet<String> = all_at_once(&client, "/metrics").await.into_iter().collect();
    assert!(renderings.len() <= CALLERS / 3, "{} renderings for {CALLERS} callers", renderings.len());
}

#[tokio::test]
async fn the_metrics_are_no_older_than_the_question() {
    let world = World::working().await;
    let client = world.anonymous();
    let looked = async || {
        let text = client.get("/metrics").await.text;
        let line = text.lines().find(|line| {
            line.starts_with("http_requests_total{")
                && line.contains("/api/v1/airports/{code}")
                && line.contains("\"200\"")
        });
        line.and_then(|line| line.rsplit_once(' ')).map_or(0, |(_, count)| count.parse::<u64>().unwrap())
    };
    for asked in 0..5 {
        assert_eq!(looked().await, asked);
        client.get("/api/v1/airports/DEL").await.expect(200);
    }
}

#[tokio::test]
async fn compressed_metrics_are_the_same() {
    let world = World::working().await;
    let client = world.anonymous();
    for coding in ["gzip", "br", "zstd"] {
        let request = client.request(reqwest::Method::GET, "/metrics").header("accept-encoding", coding);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["content-encoding"], coding);
        assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        assert!(answer.headers().get_all("vary").iter().any(|name| name == "accept-encoding"));
        assert!(answer.bytes().await.unwrap().len() > 100);
    }
}

/// How many scripts it has run: each look whether it is there is one.
async fn scripts(redis: &mut MultiplexedConnection) -> u64 {
    let told: String = redis::cmd("INFO").arg("commandstats").query_async(redis).await.unwrap();
    let line = told.lines().find_map(|line| line.strip_prefix("cmdstat_eval:calls=").map(str::to_owned));
    line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
}

#[tokio::test]
async fn concurrent_health_requests_cause_few_calls_to_redis() {
    let own = OwnRedis::start().await;
    let options = WorldOptions::working().without_redis();
    let world = options.set("redis.url", &own.url()).set("redis.timeout_ms", "10000").start().await;
    let client = world.anonymous();
    until("it is healthy", async || client.get("/health").await.body["status"] == "healthy").await;
    let mut redis = own.connect().await;
    let before = scripts(&mut redis).await;
    for answer in all_at_once(&client, "/health").await {
        assert_eq!(answer, r#"{"status":"healthy"}"#);
    }
    let asked = scripts(&mut redis).await - before;
    assert!((1..=50).contains(&asked), "{asked} questions for {CALLERS} callers");
}
