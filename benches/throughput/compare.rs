//! This build beside another one: each row on both, by turns.
use std::{path::PathBuf, time::Duration};

use serde_json::{Value, json};

use crate::{
    TUNING,
    common::{
        load::Load,
        median,
        site::{Site, Variant},
    },
    contests::{Bench, Contest},
    plans,
};

pub async fn measure(directory: &std::path::Path, other: PathBuf, only: &str, time: Duration, rounds: u64) {
    assert_eq!(other.file_name(), Some("loadmaster".as_ref()), "processor time is counted by the names of processes");
    let before = Site::start_by(directory, other.clone(), &[Variant::of("other", other)], &TUNING).await;
    let after = Site::start_tuned(directory, &[Variant::plain("server")], &TUNING).await;
    before.accept_freight().await;
    after.accept_freight().await;
    let mut before_bench = Bench::prepare(&before, directory, only, time).await;
    let mut after_bench = Bench::prepare(&after, directory, only, time).await;
    // Rows for what the other build does not know.
    let is_in_both = |row: &Contest| {
        before_bench.contests.iter().any(|other| (other.name, other.clients) == (row.name, row.clients))
    };
    after_bench.contests.retain(is_in_both);
    for round in 1..=rounds {
        for row in 0..after_bench.contests.len() {
            // Neither always comes first: what one leaves to do, the next would pay for.
            if round % 2 == 0 {
                before_bench.measure(row).await;
                after_bench.measure(row).await;
            } else {
                after_bench.measure(row).await;
                before_bench.measure(row).await;
            }
        }
        before.audit();
        after.audit();
        println!("round {round} of {rounds}");
    }
    println!(
        "\n{:32} {:>7} {:>8} {:>8}  ratio (least, most)   server     PG    p99",
        "", "clients", "before/s", "after/s"
    );
    let pairs = before_bench.contests.iter().zip(&after_bench.contests);
    let rows: Vec<Value> = pairs.map(|(before, after)| row(before, after)).collect();
    println!("The last columns: processor time per request and the median of p99, after to before.");
    let path = directory.join("compare.json");
    let report = json!({"seconds": time.as_secs(), "rounds": rounds, "rows": rows});
    std::fs::write(&path, serde_json::to_vec_pretty(&report).unwrap()).unwrap();
    println!("\n{}", path.display());
    for (name, site, bench) in [("before", &before, &before_bench), ("after", &after, &after_bench)] {
        println!("\n{name}:");
        plans::count(site, bench).await.iter().for_each(plans::Plans::print);
    }
    drop((before_bench, after_bench));
    before.stop().await;
    after.stop().await;
}

fn row(before: &Contest, after: &Contest) -> Value {
    let rate = |contest: &Contest| median(contest.ours.iter().map(Load::per_second));
    let ratios = after.ratios(before, Load::per_second);
    let ratio = median(ratios.iter().copied());
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let most = ratios.iter().copied().fold(0.0, f64::max);
    let answers = |contest: &Contest| contest.ours.iter().map(|load| load.answers).sum::<usize>().max(1) as f64;
    let of = |spent: fn(&Contest) -> f64| (spent(after) / answers(after)) / (spent(before) / answers(before));
    let (server, postgres) = (of(|contest| contest.cpu.server), of(|contest| contest.cpu.postgres));
    let p99 = median(after.ratios(before, |load| load.quantile(0.99)).into_iter());
    let (before_rate, after_rate) = (rate(before), rate(after));
    println!(
        "{:32} {:>7} {before_rate:>8.0} {after_rate:>8.0}  {ratio:.2} ({least:.2}, {most:.2}) {server:>10.2} {postgres:>6.2} {p99:>6.2}",
        after.name, after.clients
    );
    json!({"what": after.name, "clients": after.clients, "before": before_rate.round(), "after": after_rate.round(),
        "ratio": ratio, "least": least, "most": most, "ratios": ratios, "server": server, "postgres": postgres, "p99": p99})
}
