//! Metrics are the process's: other tests count in them too, so that these look for what must be there and for growth.
use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::support::{NewFlight, World};

/// One line of the text format: a name, its labels, a value.
#[derive(Debug)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Sample {
    /// The labels that tell its series apart, but for the bucket's bound.
    fn series(&self) -> String {
        let labels: BTreeMap<_, _> = self.labels.iter().filter(|(name, _)| *name != "le").collect();
        format!("{labels:?}")
    }
}

/// Reads Prometheus' text format (version 0.0.4) and makes sure of its rules.
fn parse(text: &str) -> Vec<Sample> {
    let mut kinds = BTreeMap::new();
    let mut samples: Vec<Sample> = Vec::new();
    let mut seen = BTreeSet::new();
    assert!(text.ends_with('\n'));
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(comment) = line.strip_prefix("# TYPE ") {
            let (name, kind) = comment.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "{line}: twice");
        } else if !line.starts_with('#') {
            let sample = parse_sample(line);
            assert!(seen.insert(line.rsplit_once(' ').unwrap().0.to_owned()), "{line}: twice");
            let parts = ["_bucket", "_sum", "_count"];
            let family = parts.iter().find_map(|part| sample.name.strip_suffix(part)).unwrap_or(&sample.name);
            assert!(
                kinds.contains_key(&sample.name) || kinds.get(family).is_some_and(|it| it == "histogram"),
                "{line}"
            );
            samples.push(sample);
        }
    }
    samples
}

fn parse_sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
    let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
    let (name, labels) = match series.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}').unwrap_or_else(|| panic!("{line}"))),
        None => (series, ""),
    };
    let valid = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    assert!(!name.is_empty() && name.chars().all(valid), "{line}");
    // No label of ours holds a comma or a quote.
    let pair = |pair: &str| {
        let (label, quoted) = pair.split_once('=').unwrap_or_else(|| panic!("{line}"));
        let value = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        (label.to_owned(), value.unwrap_or_else(|| panic!("{line}")).to_owned())
    };
    let labels = labels.split(',').filter(|text| !text.is_empty()).map(pair).collect();
    Sample { name: name.to_owned(), labels, value }
}

async fn scrape(world: &World) -> Vec<Sample> {
    let answer = world.anonymous().get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    parse(&answer.text)
}

/// The sum over all series with these labels.
fn total(samples: &[Sample], name: &str, labels: &[(&str, &str)]) -> f64 {
    let fits =
        |sample: &&Sample| labels.iter().all(|(label, value)| sample.labels.get(*label).is_some_and(|it| it == value));
    samples.iter().filter(|sample| sample.name == name).filter(fits).map(|sample| sample.value).sum()
}

#[tokio::test]
async fn requests_are_counted_by_the_template_of_their_route() {
    let world = World::start().await;
    let customer = world.customer().await;
    let before = scrape(&world).await;
    customer.get("/api/v1/bookings/ACB123456789").await.expect(404);
    customer.get("/api/v1/airports/DEL").await.expect(200);
    customer.get("/nowhere/ACB123456789").await.expect(404);
    let invented = customer.request("INVENTED".parse().unwrap(), "/api/v1/airports/DEL");
    assert_eq!(invented.send().await.unwrap().status(), 405);
    let after = scrape(&world).await;
    for labels in [
        [("method", "GET"), ("route", "/api/v1/bookings/{ref_id}"), ("status", "404")],
        [("method", "GET"), ("route", "/api/v1/airports/{code}"), ("status", "200")],
        [("method", "GET"), ("route", "unmatched"), ("status", "404")],
        [("method", "other"), ("route", "/api/v1/airports/{code}"), ("status", "405")],
    ] {
        let count = |samples: &[Sample]| total(samples, "http_requests_total", &labels);
        assert!(count(&after) >= count(&before) + 1.0, "{labels:?}");
        let timed = |samples: &[Sample]| total(samples, "http_request_duration_seconds_count", &labels[..2]);
        assert!(timed(&after) >= timed(&before) + 1.0, "{labels:?}");
    }
    let values: BTreeSet<_> = after.iter().flat_map(|sample| sample.labels.values()).collect();
    assert!(values.iter().all(|value| !value.contains("ACB123456789") && !value.contains("INVENTED")), "{values:?}");
}

#[tokio::test]
async fn buckets_of_a_latency_grow_to_its_count() {
    let world = World::start().await;
    world.anonymous().get("/livez").await;
    let samples = scrape(&world).await;
    let mut least = BTreeMap::new();
    let buckets: Vec<_> =
        samples.iter().filter(|sample| sample.name == "http_request_duration_seconds_bucket").collect();
    assert!(buckets.len() >= 13);
    for bucket in &buckets {
        let before = least.insert(bucket.series(), bucket.value).unwrap_or_default();
        assert!(bucket.value >= before, "{bucket:?}");
    }
    for count in samples.iter().filter(|sample| sample.name == "http_request_duration_seconds_count") {
        let last = buckets.iter().rfind(|bucket| bucket.series() == count.series()).expect("its buckets");
        assert_eq!((last.labels["le"].as_str(), last.value), ("+Inf", count.value), "{count:?}");
    }
}

#[tokio::test]
async fn bookings_are_counted_by_their_outcome() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let before = scrape(&world).await;
    let operator = world.operator().await;
    let order = |weight: u32, destination: &str| {
        json!({"origin": "DEL", "destination": destination, "pieces": 1, "weight_kg": weight,
               "flight_ids": [flight["id"]]})
    };
    let booking = operator.post("/api/v1/bookings", order(10, "LHR")).await.expect(201);
    operator.post("/api/v1/bookings", order(1001, "LHR")).await.expect(409);
    operator.post("/api/v1/bookings", order(10, "JFK")).await.expect(409);
    operator.poke(&format!("/api/v1/bookings/{}/depart", booking["ref_id"].as_str().unwrap())).await.expect(200);
    let after = scrape(&world).await;
    for (name, label, value) in [
        ("loadmaster_bookings_total", "outcome", "created"),
        ("loadmaster_bookings_total", "outcome", "capacity_exceeded"),
        ("loadmaster_bookings_total", "outcome", "itinerary_invalid"),
        ("loadmaster_booking_actions_total", "action", "depart"),
    ] {
        let count = |samples: &[Sample]| total(samples, name, &[(label, value)]);
        assert!(count(&after) >= count(&before) + 1.0, "{name} {value}");
    }
}

#[tokio::test]
async fn the_pool_of_connections_is_measured() {
    let world = World::start().await;
    let samples = scrape(&world).await;
    assert!(total(&samples, "loadmaster_db_pool_max_connections", &[]) >= 1.0);
    let states: BTreeSet<_> = samples
        .iter()
        .filter(|sample| sample.name == "loadmaster_db_pool_connections")
        .map(|sample| sample.labels["state"].as_str())
        .collect();
    assert_eq!(states, BTreeSet::from(["idle", "used"]));
}
