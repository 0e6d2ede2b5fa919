//! How much the server does, beside what its parts could do alone: `cargo bench --bench throughput`.
//!
//! Starts a PostgreSQL (`fsync` and `synchronous_commit` on) and a Redis of its own and a release server on them. In turns
//! it loads that server, PostgreSQL alone (`pgbench`, prepared statements, the same tables' shape) and bare axum servers
//! that answer with bodies of the same size. Each answer is checked, and after each round `loadmaster audit` proves the
//! books. Limits are raised; nothing else is switched off. Prints a table, and leaves the figures in
//! `target/bench/throughput.json`: rates, ratios (medians over the rounds), latencies, and processor time per request of
//! each process.
//!
//! `BENCH_SECONDS` is how long each run takes (2), `BENCH_RUNS` the number of rounds (5), and `BENCH_ONLY` limits the bench
//! to rows whose names contain one of these words, separated by commas. `BENCH_ONLY=desk` measures the booking desk alone,
//! under growing load and with growing tables; `BENCH_ONLY=messages` measures what webhooks and
//! e-mail cost those who book; `BENCH_ONLY=dimension` compares searches with dimensions of freight with those without, and
//! `BENCH_ONLY=booking` one booking by GraphQL with the same by REST.
//! `BENCH_AGAINST` is another build of `loadmaster`: each row is measured on both in turns, and the
//! table shows the ratios (`scripts/compare.sh`).
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
mod callers;
#[path = "../common/mod.rs"]
mod common;
mod compare;
mod contests;
mod desk;
mod doors;
mod messages;
mod pgbench;
mod plans;
mod sizes;
mod steady;
mod table;

use std::time::Duration;

use common::{
    bare, setting,
    site::{Site, Variant},
};
use contests::Bench;

/// Settings of the private PostgreSQL, for pgbench and server alike: no checkpoint falls into a short run. The statistics
/// of statements are off while anything is measured.
const TUNING: [&str; 5] = [
    "shared_buffers=512MB",
    "max_wal_size=4GB",
    "checkpoint_timeout=15min",
    "shared_preload_libraries=pg_stat_statements",
    "pg_stat_statements.track=none",
];

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
    let time = Duration::from_secs(setting("BENCH_SECONDS", 2));
    let rounds = setting("BENCH_RUNS", 5);
    let only = std::env::var("BENCH_ONLY").unwrap_or_default();
    if only == "desk" {
        let site = Site::start_tuned(&directory, &[Variant::plain("server"), Variant::plain("other")], &TUNING).await;
        desk::measure(&site, time).await;
        site.stop().await;
        return;
    }
    if only == "messages" {
        let site = Site::start_tuned(&directory, &[messages::variant()], &TUNING).await;
        messages::measure(&site, time, rounds).await;
        site.stop().await;
        return;
    }
    if only == "steady" {
        let site = Site::start_tuned(&directory, &[steady::variant()], &TUNING).await;
        steady::measure(&site, time).await;
        site.stop().await;
        return;
    }
    if let Some(other) = std::env::var_os("BENCH_AGAINST") {
        compare::measure(&directory, other.into(), &only, time, rounds).await;
        return;
    }
    let site = Site::start_tuned(&directory, &[Variant::plain("server")], &TUNING).await;
    let mut bench = Bench::prepare(&site, &directory, &only, time).await;
    for round in 1..=rounds {
        bench.round().await;
        site.audit();
        println!("round {round} of {rounds}");
    }
    let plans = plans::count(&site, &bench).await;
    site.audit();
    let report = table::report(&bench, &plans, time, rounds);
    let path = directory.join("throughput.json");
    std::fs::write(&path, serde_json::to_vec_pretty(&report).unwrap()).unwrap();
    println!("\n{}", path.display());
    site.stop().await;
}
