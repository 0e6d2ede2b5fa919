//! The figures, for people and for programs.
use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    callers::KINDS,
    common::{load::Load, median},
    contests::{Against, Bench, Contest, What},
    doors,
    plans::Plans,
    sizes,
};

const QUANTILES: [(&str, f64); 3] = [("p50_ms", 0.5), ("p99_ms", 0.99), ("p99_9_ms", 0.999)];

pub fn report(bench: &Bench<'_>, plans: &[Plans], time: Duration, rounds: u64) -> Value {
    println!(
        "\n{:32} {:>7} {:>8} {:>8} {:>6} {:>5} {:>8} {:>8} {:>8}  {:>6} {:>6} {:>6} {:>6}",
        "",
        "clients",
        "per s",
        "other/s",
        "ratio",
        "goal",
        "p50 ms",
        "p99 ms",
        "p99.9 ms",
        "server",
        "PG",
        "Redis",
        "client"
    );
    let rows: Vec<Value> = bench.contests.iter().map(row).collect();
    println!("The last four columns: microseconds of processor time per request.");
    if let Some(hot) =
        bench.contests.iter().find(|contest| contest.name == "create, one flight" && contest.clients == 64)
    {
        let ratios = hot.ours.iter().zip(&bench.best_hot).map(|(ours, best)| ours.per_second() / best);
        println!(
            "one flight, 64 clients, to pgbench's best of 1, 4, 16 and 64 clients: {:.2} (goal 4)",
            median(ratios)
        );
    }
    if let Some(ratio) = holds_to_bookings(bench) {
        println!("one flight, 64 clients, holds to bookings: {ratio:.2} (goal 0.9)");
    }
    let dimensions = sizes::report(bench);
    let doors = doors::report(bench);
    plans.iter().for_each(Plans::print);
    json!({
        "seconds": time.as_secs(),
        "rounds": rounds,
        "rows": rows,
        "best_hot": bench.best_hot,
        "holds_to_bookings": holds_to_bookings(bench),
        "dimensions": dimensions,
        "doors": doors,
        "plans": plans.iter().map(|plan| json!({"what": plan.name, "requests": plan.requests,
            "statements": plan.statements, "plans": plan.made, "pages": plan.pages})).collect::<Vec<_>>(),
    })
}

/// How many holds are made on one flight for each booking, by as many clients in the same rounds.
fn holds_to_bookings(bench: &Bench<'_>) -> Option<f64> {
    let of = |name: &str| bench.contests.iter().find(|contest| contest.name == name && contest.clients == 64);
    let (holds, bookings) = (of("hold, one flight")?, of("create, one flight")?);
    Some(median(holds.ratios(bookings, Load::per_second).into_iter()))
}

fn row(contest: &Contest) -> Value {
    let per_second = median(contest.ours.iter().map(Load::per_second));
    let other = median(contest.theirs.iter().copied());
    let ratio = median(contest.ours.iter().zip(&contest.theirs).map(|(ours, theirs)| ours.per_second() / theirs));
    let answers: usize = contest.ours.iter().map(|load| load.answers).sum();
    let per_answer = |seconds: f64| seconds * 1e6 / answers.max(1) as f64;
    let times = QUANTILES.map(|(_, part)| median(contest.ours.iter().map(|load| load.quantile(part))));
    let cpu = [contest.cpu.server, contest.cpu.postgres, contest.cpu.redis, contest.cpu.client].map(per_answer);
    let has_other = !contest.theirs.is_empty();
    let (other_text, ratio_text) =
        if has_other { (format!("{other:.0}"), format!("{ratio:.2}")) } else { Default::default() };
    let goal = contest.goal.map(|goal| goal.to_string()).unwrap_or_default();
    print!("{:32} {:>7} {per_second:>8.0} {other_text:>8} {ratio_text:>6} {goal:>5}", contest.name, contest.clients);
    print!(" {:>8.2} {:>8.2} {:>8.2} ", times[0], times[1], times[2]);
    println!(" {:>6.0} {:>6.0} {:>6.0} {:>6.0}", cpu[0], cpu[1], cpu[2], cpu[3]);
    let mut value = json!({"what": contest.name, "clients": contest.clients, "per_second": per_second.round(),
        "goal": contest.goal, "server_us": cpu[0], "postgres_us": cpu[1], "redis_us": cpu[2], "client_us": cpu[3],
        "rates": contest.ours.iter().map(Load::per_second).collect::<Vec<_>>()});
    for ((name, _), time) in QUANTILES.iter().zip(times) {
        value[*name] = json!(time);
    }
    if has_other {
        value["other_per_second"] = json!(other.round());
        value["ratio"] = json!(ratio);
    }
    if let Against::Bare(bare) = &contest.against {
        value["body_bytes"] = json!(bare.bytes);
    }
    if matches!(contest.what, What::Day) {
        value["kinds"] = kinds(contest);
    }
    value
}

fn kinds(contest: &Contest) -> Value {
    let kind = |(number, name): (usize, &&str)| {
        let times = QUANTILES.map(|(_, part)| median(contest.ours.iter().map(|load| load.quantile_of(number, part))));
        let answers: usize = contest.ours.iter().map(|load| load.answers_of(number)).sum();
        println!("  {name:30} {:>7} {answers:>8} {:>21} {:>8.2} {:>8.2} {:>8.2}", "", "", times[0], times[1], times[2]);
        json!({"what": name, "answers": answers, "p50_ms": times[0], "p99_ms": times[1], "p99_9_ms": times[2]})
    };
    KINDS.iter().enumerate().map(kind).collect()
}
