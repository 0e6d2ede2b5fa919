//! Whatever is done to some bookings on shared flights, in any order and by any role: the server answers as a small
//! model of the contract does, and what it keeps can be rebuilt from its events and ledgers.
mod model;
mod play;
mod replays;
mod steps;
mod told;

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

use chrono::TimeDelta;
use loadmaster_testkit::{World, WorldOptions, is_long, start_of_time};
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use tokio::runtime::Runtime;

use play::Tally;
use steps::Step;

/// So long everything that happened is still told to whoever asks: older messages are cleared away.
const LONGEST_STAY: TimeDelta = TimeDelta::days(4);
/// As many journeys in one world have flights of different names.
const JOURNEYS: usize = 20;

/// A world in which some journeys are played, one after the other, then another. When it is left, its books are looked at;
/// with time also after each journey, so that a disorder is told as that journey's.
struct Stage {
    runtime: Runtime,
    world: RefCell<Option<World>>,
    played: Cell<usize>,
}

impl Stage {
    fn new() -> Self {
        Self { runtime: Runtime::new().expect("a runtime"), world: RefCell::default(), played: Cell::default() }
    }

    fn play(&self, steps: &[Step]) -> Tally {
        let world = self.world.take();
        let world = world.unwrap_or_else(|| self.runtime.block_on(WorldOptions::patient().start()));
        let case = self.played.replace(self.played.get() + 1);
        let outcome =
            catch_unwind(AssertUnwindSafe(|| self.runtime.block_on(self.play_in(&world, case % JOURNEYS, steps))));
        match outcome {
            Ok((tally, stays)) => {
                if stays {
                    self.world.replace(Some(world));
                } else {
                    self.runtime.block_on(world.shutdown());
                }
                tally
            }
            // The books may be in disorder, which must not tell against the next journey.
            Err(failure) => {
                self.runtime.block_on(world.shutdown());
                resume_unwind(failure)
            }
        }
    }

    /// Answers also whether the next journey may be in the same world.
    async fn play_in(&self, world: &World, case: usize, steps: &[Step]) -> (Tally, bool) {
        let tally = play::play(world, case, steps).await;
        let stays = world.now() < start_of_time() + LONGEST_STAY && !self.played.get().is_multiple_of(JOURNEYS);
        if !stays || is_long() {
            world.audit_and_rebuild().await;
        }
        (tally, stays)
    }

    fn leave(self) {
        if let Some(world) = self.world.take() {
            self.runtime.block_on(async {
                world.audit_and_rebuild().await;
                world.shutdown().await;
            });
        }
    }
}

/// What the journeys must have come to: a model and a server that refuse everything would agree as well.
const SEEN: [&str; 40] = [
    "Book done",
    "Book already_exists",
    "Book capacity_exceeded",
    "Book flight_cancelled",
    "Book flight_closed",
    "Book forbidden",
    "Book itinerary_invalid",
    "Act done",
    "Act forbidden",
    "Act invalid_transition",
    "Act not_found",
    "Act validation_failed",
    "Act version_mismatch",
    "Amend done",
    "Amend already_exists",
    "Amend capacity_exceeded",
    "Amend flight_closed",
    "Amend invalid_transition",
    "Amend itinerary_invalid",
    "Amend not_found",
    "Amend version_mismatch",
    "Fly done",
    "Fly flight_mismatch",
    "Fly invalid_transition",
    "Fly validation_failed",
    "Fly version_mismatch",
    "Change done",
    "Change capacity_below_booked",
    "Change flight_mismatch",
    "Change invalid_transition",
    "Change validation_failed",
    "Change version_mismatch",
    "booking DELIVERED",
    "booking needs rerouting",
    "leg CANCELLED",
    "leg MISSED_CONNECTION",
    "leg NO_SHOW",
    "leg OFFLOADED",
    "leg RELEASED",
    "leg REPLACED",
];

/// Each seed, and what its journeys do not come to; the others' do. Without `--long`, two of them come to all.
const SEEDS: [(u8, &[&str]); 4] = [
    (
        1,
        &[
            "Book flight_cancelled",
            "Act not_found",
            "Act validation_failed",
            "Amend already_exists",
            "Amend flight_closed",
            "Change flight_mismatch",
        ],
    ),
    (4, &["Book flight_cancelled", "Book forbidden", "Amend flight_closed", "leg CANCELLED", "leg NO_SHOW"]),
    (5, &["Book flight_cancelled", "Act not_found", "Change flight_mismatch"]),
    (
        8,
        &[
            "Act not_found",
            "Amend already_exists",
            "Fly flight_mismatch",
            "Fly validation_failed",
            "Change capacity_below_booked",
            "Change validation_failed",
        ],
    ),
];

fn journeys_follow_the_model((seed, unseen): (u8, &[&str])) {
    let stage = Stage::new();
    let cases = if is_long() { 125 } else { 10 };
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 600, ..Config::default() };
    let seeded = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let total = RefCell::new(Tally::new());
    let outcome = TestRunner::new_with_rng(config, seeded).run(&steps::journey(), |steps| {
        for (what, count) in stage.play(&steps) {
            *total.borrow_mut().entry(what).or_default() += count;
        }
        Ok(())
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(reason, steps)) => {
            let steps: String = steps.iter().map(|step| format!("    {step:?},\n")).collect();
            panic!("{reason}\nThe shortest such journey, to be put among the replays:\n{steps}");
        }
        Err(error) => panic!("{error}"),
    }
    let total = total.into_inner();
    for what in SEEN.iter().filter(|what| !unseen.contains(what)) {
        assert!(total.contains_key(*what), "never seen: {what}; but {total:#?}");
    }
    stage.leave();
}

#[test]
fn journeys_of_the_first_seed_follow_the_model() {
    if is_long() {
        journeys_follow_the_model(SEEDS[0]);
    }
}

#[test]
fn journeys_of_the_second_seed_follow_the_model() {
    journeys_follow_the_model(SEEDS[1]);
}

#[test]
fn journeys_of_the_third_seed_follow_the_model() {
    if is_long() {
        journeys_follow_the_model(SEEDS[2]);
    }
}

#[test]
fn journeys_of_the_fourth_seed_follow_the_model() {
    journeys_follow_the_model(SEEDS[3]);
}

#[test]
fn seeds_that_always_run_cover_all_expected_states() {
    for what in SEEN {
        assert!([SEEDS[1], SEEDS[3]].iter().any(|(_, unseen)| !unseen.contains(&what)), "{what}");
    }
}
