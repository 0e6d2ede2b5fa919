//! The catalogue, the document and a server that has something to tell: they agree.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    process::{Command, Stdio},
    sync::LazyLock,
    time::{Duration, Instant},
};

use chrono::{DateTime, FixedOffset, TimeDelta};
use loadmaster::app;
use loadmaster_platform::telemetry::{Catalogue, Family, Kind, Label, Values};
use loadmaster_testkit::{
    freight::{order, path_of, text},
    until,
};
use serde_json::json;

use super::{Alone, Sample, scraped, tomorrow};

fn catalogue() -> &'static Catalogue {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(app::metrics);
    &CATALOGUE
}

fn families() -> impl Iterator<Item = &'static Family> {
    catalogue().families()
}

/// The family that a line of the text format belongs to.
fn family_of(sample: &Sample) -> &'static Family {
    let part_of = |family: &&Family| {
        let parts: &[&str] = if family.kind == Kind::Histogram { &["_bucket", "_sum", "_count"] } else { &[""] };
        parts.iter().any(|part| sample.name.strip_suffix(part) == Some(family.name))
    };
    families().find(part_of).unwrap_or_else(|| panic!("{} is not in the catalogue", sample.name))
}

/// Something of everything: jobs, messages, a search, a booking with its steps, a refusal, an alert.
async fn live(alone: &Alone) {
    let done = [("kind", "partitions_ahead"), ("outcome", "done")];
    alone.until("loadmaster_jobs_total", &done, |jobs| jobs > 0.0).await;
    let neighbour = alone.neighbour().await;
    let flight = neighbour.flight(tomorrow("AI101")).await;
    let departure: DateTime<FixedOffset> = text(&flight, "departure_datetime").parse().unwrap();
    // Local, at the origin.
    let date = (departure + TimeDelta::minutes(330)).date_naive();
    let operator = alone.here(neighbour.operator().await);
    operator.get(&format!("/api/v1/routes?origin=DEL&destination=LHR&departure_date={date}")).await.expect(200);
    let booking = operator.post("/api/v1/bookings", order(&[&flight])).await.expect(201);
    operator.poke(&format!("{}/depart", path_of(&booking))).await.expect(200);
    operator.get("/api/v1/bookings/ACB123456789").await.expect(404);
    let alert = json!({"kind": "SPACE", "origin": "DEL", "destination": "LHR", "weight_kg": 100});
    alone.here(neighbour.customer().await).post("/api/v1/alerts", alert).await.expect(201);
    alone.until("loadmaster_outbox_delivered_total", &[("sink", "redis_streams")], |messages| messages > 0.0).await;
}

fn names(samples: &[Sample]) -> BTreeSet<&'static str> {
    samples.iter().map(|sample| family_of(sample).name).collect()
}

#[tokio::test]
async fn all_of_the_catalogue_is_there_after_some_traffic_and_nothing_else() {
    let alone = Alone::start(&[]).await;
    live(&alone).await;
    // These need a standby, letters, and TLS: `replica`, `tls` and tests/around/post.rs have them.
    let elsewhere = [
        "loadmaster_replica_lag_seconds",
        "loadmaster_notification_delay_seconds",
        "loadmaster_tls_certificate_valid_until_seconds",
    ];
    let mut missing: BTreeSet<_> = families().map(|family| family.name).collect();
    missing.retain(|name| !elsewhere.contains(name));
    let began = Instant::now();
    while !missing.is_empty() {
        assert!(began.elapsed() < Duration::from_mins(1), "{missing:?} are not there");
        let there = names(&alone.samples().await);
        missing.retain(|name| !there.contains(name));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for sample in alone.samples().await {
        let family = family_of(&sample);
        let told: BTreeSet<_> = sample.labels.keys().map(String::as_str).filter(|label| *label != "le").collect();
        assert_eq!(told, family.labels.iter().map(|label| label.name).collect(), "{sample:?}");
        for label in family.labels {
            let value = sample.labels[label.name].as_str();
            assert!(catalogue().values(label).is_none_or(|all| all.contains(&value)), "{sample:?}");
        }
    }
}

#[tokio::test]
async fn prometheus_own_tool_finds_no_fault() {
    let alone = Alone::start(&[]).await;
    live(&alone).await;
    let text = scraped(&alone.client).await;
    let mut tool = Command::new("promtool");
    tool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = tool.spawn();
    let mut tool = started.expect("promtool is installed: `apt-get install --no-install-recommends prometheus` has it");
    tool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let found = tool.wait_with_output().unwrap();
    let complaints = String::from_utf8_lossy(&found.stdout) + String::from_utf8_lossy(&found.stderr);
    assert!(found.status.success() && complaints.is_empty(), "{complaints}\n{text}");
}

#[tokio::test]
async fn counters_without_events_are_0_and_not_missing() {
    let alone = Alone::start(&[]).await;
    let samples = alone.samples().await;
    for family in families().filter(|family| family.kind == Kind::Counter) {
        let Some(all) = family.labels.iter().map(|label| catalogue().values(label)).collect::<Option<Vec<_>>>() else {
            continue;
        };
        let expected: usize = all.iter().map(|values| values.len()).product();
        let series = samples.iter().filter(|sample| sample.name == family.name).count();
        // The process's processor time comes with the first scrape, too.
        assert_eq!(series, expected, "{}", family.name);
    }
    for (name, labels) in [
        ("loadmaster_bookings_total", &[("outcome", "created")][..]),
        ("loadmaster_capacity_takings_total", &[("path", "locking"), ("outcome", "conflict")]),
        ("loadmaster_problems_total", &[("code", "internal")]),
        ("loadmaster_unknown_outcomes_total", &[]),
        ("loadmaster_jobs_total", &[("kind", "erased_person"), ("outcome", "failed")]),
        ("loadmaster_outbox_failures_total", &[("sink", "redis_streams")]),
    ] {
        alone.until(name, labels, |value| value == 0.0).await;
        let there =
            |sample: &Sample| sample.name == name && labels.iter().all(|(label, it)| sample.labels[*label] == *it);
        until(&format!("{name} is there"), async || alone.samples().await.iter().any(there)).await;
    }
}

#[test]
fn names_and_values_in_the_catalogue_are_there_once() {
    let names: Vec<_> = families().map(|family| family.name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    for family in families() {
        // Another suffix would get no buckets.
        let has_buckets = ["_seconds", "_orders"].iter().any(|unit| family.name.ends_with(unit));
        assert!(family.kind != Kind::Histogram || has_buckets, "{}", family.name);
        for label in family.labels {
            let all = catalogue().values(label).unwrap_or_default();
            assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{} {}", family.name, label.name);
        }
    }
}

fn label_text(label: &Label) -> String {
    let all = catalogue().values(label).unwrap_or_default();
    match &label.values {
        Values::Closed(_) | Values::Declared(None) => {
            let quoted: Vec<_> = all.iter().map(|value| format!("`{value}`")).collect();
            format!("`{}`: {}", label.name, quoted.join(", "))
        }
        Values::Declared(Some(text)) | Values::Few(text) => format!("`{}`: {text}", label.name),
    }
}

fn row(family: &Family) -> String {
    let labels: Vec<_> = family.labels.iter().map(label_text).collect();
    let labels = labels.join("; ") + if labels.is_empty() { "" } else { " " };
    format!("| `{}` | {} | {labels}| {} |", family.name, family.kind.as_str(), family.help)
}

#[test]
fn the_document_shows_the_catalogue() {
    let document = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md")).unwrap();
    let mut documented = BTreeMap::<&str, Vec<&str>>::new();
    let mut group = "";
    for line in document.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            group = title;
        } else if line.starts_with("| `") {
            documented.entry(group).or_default().push(line);
        }
    }
    let rows = |families: &[&'static Family]| families.iter().map(|family| row(family)).collect::<Vec<_>>();
    let groups: Vec<_> = catalogue().groups.iter().map(|(group, families)| (*group, rows(families))).collect();
    let complete: String =
        groups.iter().map(|(group, rows)| format!("## {group}\n\n{}\n\n", rows.join("\n"))).collect();
    for (group, rows) in &groups {
        assert!(documented.get(group).is_some_and(|found| found == rows), "{group} differs; complete is\n\n{complete}");
    }
    assert_eq!(documented.len(), groups.len(), "{:?}", documented.keys());
}
