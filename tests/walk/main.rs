//! A seeded walk over the API: callers of all kinds take random steps with random members, against the real router, PostgreSQL and
//! the provider `test`, and a model of the contract judges each answer. See `docs/checker.md`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests fail by panicking"
)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::needless_pass_by_value,
    clippy::print_stdout,
    reason = "tests read as one story each"
)]
#![allow(clippy::option_option, reason = "a member is left out, null, or has a value")]
mod callers;
mod compare;
mod members;
mod model;
mod play;
mod settle;
mod steps;
mod wire;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use loadmaster_testkit::is_long;

use play::Walk;

/// Steps in one world. So a failure is repeated soon, by its seed.
const STEPS: usize = 400;

/// What becomes of a walk: what was seen, or what contradicts the model.
type Outcome = Result<BTreeMap<String, usize>, String>;

/// `fault`: a statement that is run behind the server before the walk begins.
async fn walk(seed: u64, steps: usize, fault: Option<&str>) -> Outcome {
    let mut walk = Walk::begin(seed).await;
    if let Some(fault) = fault {
        walk.world.sql(fault).await;
    }
    for number in 1..=steps {
        if let Err(contradiction) = walk.step().await {
            let calls = walk.recent_calls();
            let repeat =
                format!("LOADMASTER_TEST_SEED={seed} LOADMASTER_TEST_STEPS={number} ./test no_answer_contradicts");
            return Err(format!("step {number}: {contradiction}\nrepeat it by: {repeat}\nthe last requests:\n{calls}"));
        }
    }
    if let Err(contradiction) = walk.compare_all().await {
        return Err(format!("seed {seed}, {steps} steps: in the end: {contradiction}\n{}", walk.recent_calls()));
    }
    walk.world.audit().await;
    let tally = std::mem::take(&mut walk.tally);
    walk.world.shutdown().await;
    Ok(tally)
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Takes a minute by intent, and an hour in `./test --long`: what a random walk finds grows with its time. Each world is one seed;
/// the first is printed, and `LOADMASTER_TEST_SEED` and `LOADMASTER_TEST_STEPS` repeat one.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_answer_contradicts_the_model() {
    let steps = from_environment("LOADMASTER_TEST_STEPS").map_or(STEPS, |steps| usize::try_from(steps).unwrap());
    if let Some(seed) = from_environment("LOADMASTER_TEST_SEED") {
        let tally = Box::pin(walk(seed, steps, None)).await.unwrap_or_else(|error| panic!("{error}"));
        println!("seed {seed}: {tally:#?}");
        return;
    }
    let (budget, mut seed) = if is_long() { (Duration::from_hours(1), now()) } else { (Duration::from_secs(20), 1) };
    println!("the first seed is {seed}");
    let (began, mut total) = (Instant::now(), BTreeMap::<String, usize>::new());
    while began.elapsed() < budget {
        let tally = Box::pin(walk(seed, steps, None)).await.unwrap_or_else(|error| panic!("{error}"));
        for (what, count) in tally {
            *total.entry(what).or_default() += count;
        }
        seed += 1;
    }
    println!("up to seed {seed}: {total:#?}");
}

/// Another seed each time.
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map(|since| since.as_secs()).unwrap_or_default()
}

/// Plants a fault in a table, behind the server. What was never seen failing proves nothing.
async fn is_found(table: &str, fault: &str) {
    let function =
        format!("create function planted() returns trigger language plpgsql as $$ begin {fault}; return new; end $$");
    let trigger = format!("create trigger planted before update on {table} for each row execute function planted()");
    let planted = format!("{function}; {trigger}");
    for seed in 1..=5 {
        if let Err(contradiction) = Box::pin(walk(seed, STEPS, Some(&planted))).await {
            return println!("{contradiction}");
        }
    }
    panic!("{fault} was not found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn space_that_a_hold_keeps_after_its_end_is_found() {
    is_found("flight_capacity", "new.held_weight_hg := greatest(new.held_weight_hg, old.held_weight_hg)").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refund_that_is_not_recorded_is_found() {
    is_found("payments", "new.refunded := old.refunded").await;
}
