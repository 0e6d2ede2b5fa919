//! What `/metrics` says: that it counts right, that nothing of it is without documentation, and that Prometheus' own tool
//! finds no fault with it.
#![allow(clippy::float_cmp, reason = "counts are whole numbers")]
mod catalogue;
mod counts;
mod dependencies;
mod steps;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_testkit::{Client, NewFlight, OwnRedis, Process, TestDatabase, World, WorldOptions, until};

/// One line of the text format: a name, its labels, a value.
#[derive(Debug)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

impl Sample {
    /// The labels that tell its series apart, but for the bucket's bound.
    fn series(&self) -> String {
        let labels: BTreeMap<_, _> = self.labels.iter().filter(|(name, _)| *name != "le").collect();
        format!("{labels:?}")
    }
}

/// Reads Prometheus' text format (version 0.0.4) and makes sure of its rules.
pub fn parse(text: &str) -> Vec<Sample> {
    let (mut kinds, mut helped) = (BTreeMap::new(), BTreeSet::new());
    let mut samples: Vec<Sample> = Vec::new();
    let mut seen = BTreeSet::new();
    assert!(text.ends_with('\n'));
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(comment) = line.strip_prefix("# TYPE ") {
            let (name, kind) = comment.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(helped.contains(name), "{line}: without help");
            assert!(kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "{line}: twice");
        } else if let Some(comment) = line.strip_prefix("# HELP ") {
            let (name, help) = comment.split_once(' ').unwrap();
            assert!(!help.is_empty() && helped.insert(name.to_owned()), "{line}: empty or twice");
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
    parse(&scraped(&world.anonymous()).await)
}

async fn scraped(client: &Client) -> String {
    let answer = client.get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    answer.text
}

/// The sum over all series with these labels.
fn total(samples: &[Sample], name: &str, labels: &[(&str, &str)]) -> f64 {
    let fits =
        |sample: &&Sample| labels.iter().all(|(label, value)| sample.labels.get(*label).is_some_and(|it| it == value));
    samples.iter().filter(|sample| sample.name == name).filter(fits).map(|sample| sample.value).sum()
}

/// A server in a process of its own: nobody else counts in its metrics.
struct Alone {
    process: Process,
    client: Client,
    database: TestDatabase,
    redis: OwnRedis,
}

impl Alone {
    async fn start(settings: &[&str]) -> Self {
        let (database, redis) = (TestDatabase::create().await, OwnRedis::start().await);
        let process = Process::start(&database, &redis, settings).await;
        Self { client: Client::anonymous(&process.base), process, database, redis }
    }

    async fn samples(&self) -> Vec<Sample> {
        parse(&scraped(&self.client).await)
    }

    async fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        total(&self.samples().await, name, labels)
    }

    async fn until(&self, name: &str, labels: &[(&str, &str)], is_so: impl Fn(f64) -> bool) {
        until(&format!("{name} {labels:?} is so"), async || {
            let is_so = is_so(self.value(name, labels).await);
            if !is_so {
                // Telling all metrics takes a server of a test build longer than most requests.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            is_so
        })
        .await;
    }

    /// Another server on the same database, for what tests do behind the API; with this one's clock.
    async fn neighbour(&self) -> World {
        let options = WorldOptions::patient().with_workers().without_redis();
        let world = options.on(&self.database).start().await;
        world.clock.set(Utc::now());
        world
    }

    /// A caller of the neighbour's, who calls here.
    fn here(&self, caller: Client) -> Client {
        Client { base: self.process.base.clone(), ..caller }
    }
}

/// A flight from DEL to LHR, a day from now by the machine's clock.
fn tomorrow(number: &str) -> NewFlight {
    let now = DateTime::from_timestamp(Utc::now().timestamp(), 0).unwrap();
    NewFlight::new(number, "DEL", "LHR").departs(&(now + TimeDelta::hours(24)).to_rfc3339())
}
