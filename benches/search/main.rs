//! How fast searches are answered, and how soon they tell what others have changed: `cargo bench --bench search`.
//!
//! Starts a PostgreSQL and a Redis of its own (`fsync` on), two release servers on them, and beside them a bare axum server
//! that answers with a body of the same size. Prints tables, and leaves the figures in `target/bench/search.json`.
//! `BENCH_SECONDS` is how long each run takes (4), `BENCH_RUNS` how many there are of each (5).
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
#[path = "../common/mod.rs"]
mod common;
mod mixed;
mod prices;
mod staleness;

use std::time::Duration;

use serde_json::{Value, json};

use common::{
    bare::{self, Bare},
    load::{self, Load, run},
    median, network, setting,
    site::{Site, Variant},
};

const CLIENTS: usize = 32;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match arguments.iter().position(|argument| argument == "bare") {
        Some(at) => runtime.block_on(bare::serve(&arguments[at + 1], arguments[at + 2].parse().unwrap())),
        None => runtime.block_on(measure()),
    }
}

async fn measure() {
    let directory = std::env::current_dir().unwrap().join("target/bench");
    std::fs::create_dir_all(&directory).unwrap();
    let site = Site::start(&directory, &[Variant::plain("here"), Variant::plain("there")]).await;
    let time = Duration::from_secs(setting("BENCH_SECONDS", 4));
    let runs = setting("BENCH_RUNS", 5);
    let searching = throughput(&site, time, runs).await;
    let priced = prices::measure(&site, time, runs).await;
    let mixed = mixed::measure(&site).await;
    let stale = staleness::measure(&site).await;
    let report = json!({"clients": CLIENTS, "seconds": time.as_secs(), "runs": runs,
        "throughput": searching, "prices": priced, "mixed_day": mixed,
        "staleness": stale});
    let path = directory.join("search.json");
    std::fs::write(&path, serde_json::to_vec_pretty(&report).unwrap()).unwrap();
    println!("\n{}", path.display());
    site.stop().await;
}

/// A thing that is measured beside a bare server that answers as much.
struct Contest {
    name: &'static str,
    requests: Vec<Vec<u8>>,
    bare: Bare,
    ours: Vec<Load>,
    theirs: Vec<Load>,
}

async fn throughput(site: &Site, time: Duration, runs: u64) -> Vec<Value> {
    let mut contests = Vec::new();
    for (name, requests) in [
        ("GET /routes, cached", network::rankings()),
        ("POST /routes/search, cached", network::searches()),
        ("GET /airports/search", network::completions()),
    ] {
        // Each once: what can be kept is kept from now on.
        let first = load::each_once(site.here, &requests).await;
        let bare = Bare::start(&site.directory, name, first.body_bytes / requests.len()).await;
        contests.push(Contest { name, requests, bare, ours: Vec::new(), theirs: Vec::new() });
    }
    println!("{} options an answer", network::options(site).await);
    for _ in 0..runs {
        for contest in &mut contests {
            contest.theirs.push(run(contest.bare.address, &contest.requests, 200, CLIENTS, time).await);
            contest.ours.push(run(site.here, &contest.requests, 200, CLIENTS, time).await);
        }
    }
    println!(
        "\n{:28} {:>9} {:>10} {:>10} {:>7} {:>9} {:>9}",
        "", "bytes", "answers/s", "bare/s", "ratio", "p50 ms", "p99 ms"
    );
    let mut rows = Vec::new();
    for contest in &contests {
        rows.push(row(contest));
    }
    rows
}

fn row(contest: &Contest) -> Value {
    let (ours, theirs) =
        (median(contest.ours.iter().map(Load::per_second)), median(contest.theirs.iter().map(Load::per_second)));
    let ratio =
        median(contest.ours.iter().zip(&contest.theirs).map(|(ours, theirs)| ours.per_second() / theirs.per_second()));
    let (p50, p99) = (
        median(contest.ours.iter().map(|load| load.quantile(0.5))),
        median(contest.ours.iter().map(|load| load.quantile(0.99))),
    );
    let bytes = contest.bare.bytes;
    println!("{:28} {bytes:>9} {ours:>10.0} {theirs:>10.0} {ratio:>7.2} {p50:>9.2} {p99:>9.2}", contest.name);
    json!({"what": contest.name, "keys": contest.requests.len(), "body_bytes": bytes, "per_second": ours.round(),
        "bare_per_second": theirs.round(), "ratio": (ratio * 1000.0).round() / 1000.0, "p50_ms": p50, "p99_ms": p99,
        "ratios": contest.ours.iter().zip(&contest.theirs).map(|(a, b)| a.per_second() / b.per_second()).collect::<Vec<_>>()})
}
