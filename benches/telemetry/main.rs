//! What it costs to tell of oneself: `cargo bench --bench telemetry`.
//!
//! Starts a PostgreSQL and a Redis of its own (`fsync` on) and four release servers on them that differ only in what they
//! tell: without metrics, with metrics, with traces of one request in a hundred, and of each. By turns they answer kept
//! searches and make bookings. Prints a table, and leaves the figures in `target/bench/telemetry.json`. `BENCH_SECONDS` is
//! how long each run takes (4), `BENCH_RUNS` how many there are of each (9).
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::large_futures,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::zombie_processes,
    reason = "a bench prints figures, and fails by panicking"
)]
mod collector;
#[path = "../common/mod.rs"]
mod common;
mod server;

use std::time::Duration;

use serde_json::{Value, json};

use collector::Collector;
use common::{
    load::{self, Load, run},
    median, network, setting,
    site::{Site, Variant},
};

const CLIENTS: usize = 32;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "server") {
        return server::serve(arguments.get(at + 1).is_some_and(|argument| argument == "with-metrics"));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure());
}

/// The same server each time: this program.
fn variant(name: &'static str, metrics: &'static str, environment: Vec<(&'static str, String)>) -> Variant {
    Variant { name, program: std::env::current_exe().unwrap(), arguments: vec!["server", metrics], environment }
}

fn traced(name: &'static str, collector: &Collector, share: &str) -> Variant {
    let environment = vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint()),
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio".to_owned()),
        ("OTEL_TRACES_SAMPLER_ARG", share.to_owned()),
    ];
    variant(name, "with-metrics", environment)
}

async fn measure() {
    let directory = std::env::current_dir().unwrap().join("target/bench");
    std::fs::create_dir_all(&directory).unwrap();
    let collector = Collector::start().await;
    let variants = [
        variant("nothing", "without-metrics", Vec::new()),
        variant("metrics", "with-metrics", Vec::new()),
        traced("metrics, traces of 1 %", &collector, "0.01"),
        traced("metrics, traces of 100 %", &collector, "1"),
    ];
    let site = Site::start(&directory, &variants).await;
    let time = Duration::from_secs(setting("BENCH_SECONDS", 4));
    let runs = setting("BENCH_RUNS", 9);
    let (searches, orders) = (network::rankings(), network::orders(&site).await);
    for address in &site.addresses {
        load::each_once(*address, &searches).await;
    }
    let mut report = Vec::new();
    for (what, requests, status) in
        [("GET /routes, cached", &searches, 200), ("POST /bookings, 1 000 flights", &orders, 201)]
    {
        let mut loads: Vec<Vec<Load>> = variants.iter().map(|_| Vec::new()).collect();
        for round in 0..runs as usize {
            for turn in 0..variants.len() {
                // Who comes first has no advantage.
                let at = (round + turn) % variants.len();
                loads[at].push(run(site.addresses[at], requests, status, CLIENTS, time).await);
            }
        }
        println!("\n{what:36} {:>10} {:>14} {:>9} {:>9}", "per second", "of the first", "p50 ms", "p99 ms");
        for (variant, of_variant) in variants.iter().zip(&loads) {
            report.push(row(what, variant.name, of_variant, &loads[0]));
        }
    }
    println!("\nspans received: {}", collector.received());
    let report = json!({"clients": CLIENTS, "seconds": time.as_secs(), "runs": runs, "cost": report,
        "spans": collector.received()});
    let path = directory.join("telemetry.json");
    std::fs::write(&path, serde_json::to_vec_pretty(&report).unwrap()).unwrap();
    println!("{}", path.display());
    site.stop().await;
}

fn row(what: &str, name: &str, ours: &[Load], first: &[Load]) -> Value {
    let per_second = median(ours.iter().map(Load::per_second));
    let ratios = || ours.iter().zip(first).map(|(ours, first)| ours.per_second() / first.per_second());
    let ratio = median(ratios());
    let (p50, p99) =
        (median(ours.iter().map(|load| load.quantile(0.5))), median(ours.iter().map(|load| load.quantile(0.99))));
    println!("  {name:34} {per_second:>10.0} {ratio:>14.3} {p50:>9.2} {p99:>9.2}");
    json!({"what": what, "telling": name, "per_second": per_second.round(), "ratio": ratio, "p50_ms": p50, "p99_ms": p99,
        "ratios": ratios().collect::<Vec<_>>()})
}
