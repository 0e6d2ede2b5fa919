//! What searches find is kept, and told as such; how much is counted.
use loadmaster_testkit::{Answer, NewFlight, OwnRedis, World, WorldOptions, until};
use serde_json::json;

use super::{direct, kept, put_back, question, search, search_for};

const SEARCH: &str = "/api/v1/routes/search";
const RANKED: &str = "/api/v1/routes?origin=DEL&destination=LHR&departure_date=2026-11-21";

/// The seconds that a hit tells.
#[track_caller]
fn hit(answer: &Answer) -> u64 {
    let status = answer.header("cache-status").expect("a Cache-Status");
    let seconds = status.strip_prefix("loadmaster; hit; ttl=").unwrap_or_else(|| panic!("{status} is no hit"));
    seconds.parse().expect("whole seconds")
}

#[track_caller]
fn assert_miss(answer: &Answer) {
    assert_eq!(answer.header("cache-status"), Some("loadmaster; fwd=miss"));
}

#[tokio::test]
async fn the_second_search_finds_what_the_first_has_left() {
    let world = World::working().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let client = world.anonymous();
    let first = client.post(SEARCH, question()).await;
    assert_miss(&first);
    let second = client.post(SEARCH, question()).await;
    assert!((290..=300).contains(&hit(&second)));
    assert_eq!(first.text, second.text);
    assert_eq!(second.header("content-type"), Some("application/json"));
    assert_eq!(second.header("cache-control"), Some("no-store"));
    // Whatever is to be carried, the network is the same.
    let heavy = client
        .post(
            SEARCH,
            json!({"origin": "DEL", "destination": "LHR", "departure_date": "2026-11-21",
        "weight_kg": 5000, "max_stops": 0, "limit": 1}),
        )
        .await;
    hit(&heavy);
    assert_eq!(heavy.body["direct_flights"][0]["reasons"], json!(["weight_exceeded"]));
    hit(&client.get(RANKED).await);
    assert_miss(&client.get(&RANKED.replace("LHR", "JFK")).await);
}

#[tokio::test]
async fn nothing_is_kept_too() {
    let world = World::working().await;
    let client = world.anonymous();
    assert_miss(&client.get(RANKED).await);
    let again = client.get(RANKED).await;
    hit(&again);
    assert_eq!(again.body, json!([]));
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    assert_eq!(direct(&search(&world, "DEL", "LHR", "2026-11-21").await), ["AI101"]);
}

#[tokio::test]
async fn search_results_of_one_instance_are_shared_through_redis() {
    let first = World::working().await;
    first.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let second = WorldOptions::working().on(&first.database).start().await;
    let found = first.anonymous().get(RANKED).await;
    until("it is in Redis", async || {
        // Another third knows nothing of its own.
        let third = WorldOptions::working().on(&first.database).start().await;
        let answer = third.anonymous().get(RANKED).await;
        assert_eq!(answer.text, found.text);
        answer.header("cache-status") != Some("loadmaster; fwd=miss")
    })
    .await;
    let answer = second.anonymous().get(RANKED).await;
    assert_eq!(answer.text, found.text);
    // A third installation has a network of its own.
    let other = World::working().await;
    assert_miss(&other.anonymous().get(RANKED).await);
}

/// The same with a part of it replaced by another.
fn altered(value: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = value.windows(from.len()).position(|part| part == from).expect("it is in there");
    [&value[..at], to, &value[at + from.len()..]].concat()
}

/// An instant after 1970 as it is kept: twice its microseconds, seven bits in a byte, the lowest first.
fn packed(instant: &str) -> Vec<u8> {
    let instant: chrono::DateTime<chrono::Utc> = instant.parse().unwrap();
    let mut rest = 2 * u64::try_from(instant.timestamp_micros()).unwrap();
    let mut bytes = Vec::new();
    while rest > 0x7f {
        bytes.push(0x80 | rest.to_le_bytes()[0]);
        rest >>= 7;
    }
    bytes.push(rest.to_le_bytes()[0]);
    bytes
}

#[tokio::test]
async fn a_redis_that_lies_is_not_believed() {
    const DATES: [&str; 5] = ["2026-11-21", "2026-11-22", "2026-11-23", "2026-11-24", "2026-11-25"];
    let redis = OwnRedis::start().await;
    // A slow machine is no Redis that is away.
    let options = WorldOptions::working().set("redis.url", &redis.url()).set("redis.timeout_ms", "20000");
    let world = options.clone().start().await;
    let options = options.on(&world.database);
    for (number, date) in DATES.iter().enumerate() {
        let new = NewFlight::new(&format!("AI{}", 101 + number), "DEL", "LHR");
        world.flight(new.departs(&format!("{date}T12:00:00Z")).takes_minutes(60)).await;
    }
    // Given the answers for these dates, all in Redis,
    let ask = async |world: &World, date: &str| world.anonymous().get(&RANKED.replace("2026-11-21", date)).await;
    let mut right = Vec::new();
    for date in DATES {
        right.push(ask(&world, date).await);
    }
    assert_eq!(right[0].body[0]["flights"][0]["flight_number"], "AI101");
    until("all are in Redis", async || kept(&redis).await.len() == DATES.len()).await;
    let entries = kept(&redis).await;
    let entry = |number: usize| entries.iter().find(|(key, _)| key.contains(DATES[number])).expect("that date's entry");
    // when Redis tells something else that reads as well, of each date another lie,
    let value = |number: usize| &entry(number).1;
    let lies = [
        ("another arrival", altered(value(0), &packed("2026-11-21T13:00:00Z"), &packed("2026-11-21T12:30:00Z"))),
        ("another flight", altered(value(1), b"AI102", b"AI999")),
        ("what is true of another date", value(0).clone()),
        ("half of it", value(3)[..value(3).len() / 2].to_vec()),
        ("nothing", Vec::new()),
    ];
    let told = lies.iter().enumerate().map(|(number, (_, told))| (entry(number).0.clone(), told.clone()));
    put_back(&redis, &told.collect::<Vec<_>>()).await;
    // then one that knows nothing else finds out by itself,
    let newcomer = options.clone().start().await;
    for (number, (lie, _)) in lies.iter().enumerate() {
        let answer = ask(&newcomer, DATES[number]).await;
        assert_eq!(answer.text, right[number].text, "{lie}");
        assert_eq!(answer.header("cache-status"), Some("loadmaster; fwd=miss"), "{lie}");
        // and puts it right for the others.
        until("it is put right", async || kept(&redis).await.contains(entry(number))).await;
    }
    let next = options.start().await;
    for (number, (lie, _)) in lies.iter().enumerate() {
        let answer = ask(&next, DATES[number]).await;
        assert_eq!(answer.text, right[number].text, "{lie}");
        hit(&answer);
    }
}

#[tokio::test]
async fn an_installation_that_keeps_nothing_reads_each_time() {
    let world = WorldOptions::working().set("search.cache_ttl_seconds", "0").start().await;
    for _ in 0..3 {
        assert_miss(&world.anonymous().get(RANKED).await);
    }
}

#[tokio::test]
async fn the_summary_counts_hits_and_misses() {
    let world = WorldOptions::working().without_redis().start().await;
    let operator = world.operator().await;
    for _ in 0..5 {
        search_for(&world, "DEL", "LHR", "2026-11-21", json!({})).await;
    }
    search(&world, "LHR", "DEL", "2026-11-21").await;
    world.anonymous().get("/api/v1/routes?origin=DEL").await.expect(400);
    let summary = operator.get("/api/metrics/summary").await.expect(200);
    assert_eq!(summary["cache"], json!({"hits": 4, "misses": 2}));
    assert_eq!(summary["routes"], json!({"searches": 6}));
}

#[tokio::test]
async fn metrics_tell_of_the_cache_and_the_index() {
    let world = World::working().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    for _ in 0..2 {
        world.anonymous().get(RANKED).await.expect(200);
    }
    let metrics = world.anonymous().get("/metrics").await.text;
    for name in [
        "loadmaster_route_cache_hits_total",
        "loadmaster_route_cache_misses_total",
        "loadmaster_route_cache_hit_ratio",
        "loadmaster_route_cache_fill_seconds_count",
        "loadmaster_route_cache_entries",
        "loadmaster_route_cache_bytes",
        "loadmaster_availability_staleness_seconds",
        "loadmaster_availability_flights",
    ] {
        assert!(metrics.lines().any(|line| line.starts_with(name)), "{name} is missing in\n{metrics}");
    }
}
