use loadmaster_testkit::Dice;

use super::model::{CAPACITY, FLIGHTS, Held, Model, Waits};

/// The code of the problem that a step is refused with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal(pub &'static str);

/// Things are named by their numbers, in the order of their making.
#[derive(Debug, Clone)]
pub enum Step {
    Hold {
        flight: usize,
        weight: i64,
        seconds: i64,
    },
    AmendHold {
        hold: usize,
        weight: i64,
    },
    MoveHold {
        hold: usize,
        flight: usize,
    },
    Extend {
        hold: usize,
        seconds: i64,
    },
    Release {
        hold: usize,
    },
    Commit {
        hold: usize,
    },
    Book {
        flight: usize,
        weight: i64,
    },
    AmendBooking {
        booking: usize,
        weight: i64,
    },
    Cancel {
        booking: usize,
    },
    Join {
        flight: usize,
        weight: i64,
    },
    Leave {
        entry: usize,
    },
    Prefer {
        entry: usize,
        priority: i64,
    },
    BookOffer {
        entry: usize,
    },
    Decline {
        entry: usize,
    },
    SetCapacity {
        flight: usize,
        weight: i64,
        releases: bool,
    },
    /// Keeps so much for the organization that takes and waits, newly or instead of what is kept.
    Allot {
        flight: usize,
        weight: i64,
    },
    EndAllotment {
        flight: usize,
    },
    Wait {
        seconds: i64,
    },
}

/// Longer than offers live.
const LONG_WAIT: i64 = 25 * 3600;
/// Until then allotments are kept.
const LATEST: i64 = 150 * 3600;

/// The next step: of what there is, whatever its state.
pub fn next(dice: &mut Dice, model: &Model) -> Step {
    loop {
        let number = |dice: &mut Dice, end: usize| usize::try_from(dice.below(end as u64)).expect("a number");
        // Mostly the first: it shall be full.
        let flight = number(dice, FLIGHTS) * number(dice, 2);
        let weight = 1 + i64::try_from(dice.below(CAPACITY as u64)).expect("a weight");
        let small = 1 + weight / 3;
        let either = *dice.pick(&[weight, small]);
        let seconds = *dice.pick(&[10, 120, 900, 900]);
        // Mostly of those that can be changed. What was made last is looked at most.
        let recent = |dice: &mut Dice, all: usize, is_open: &dyn Fn(usize) -> bool| {
            let mut some: Vec<usize> = (0..all).rev().filter(|each| is_open(*each)).take(6).collect();
            if some.is_empty() || dice.below(4) == 0 {
                some = (0..all).rev().take(6).collect();
            }
            if some.is_empty() { None } else { Some(*dice.pick(&some)) }
        };
        let hold = |dice: &mut Dice| recent(dice, model.holds.len(), &|hold| model.holds[hold].status == Held::Active);
        let booking = |dice: &mut Dice| recent(dice, model.bookings.len(), &|booking| model.bookings[booking].in_force);
        let entry = |dice: &mut Dice, status: Waits| {
            recent(dice, model.entries.len(), &|entry| model.entries[entry].status == status)
        };
        let step = match dice.below(36) {
            0..4 => Some(Step::Hold { flight, weight: small, seconds }),
            4..6 => hold(dice).map(|hold| Step::AmendHold { hold, weight: either }),
            6 => hold(dice).map(|hold| Step::MoveHold { hold, flight }),
            7..9 => hold(dice).map(|hold| Step::Extend { hold, seconds }),
            9 => hold(dice).map(|hold| Step::Release { hold }),
            10 => hold(dice).map(|hold| Step::Commit { hold }),
            11..15 => Some(Step::Book { flight, weight: either }),
            15..17 => booking(dice).map(|booking| Step::AmendBooking { booking, weight: either }),
            17..19 => booking(dice).map(|booking| Step::Cancel { booking }),
            19..24 => Some(Step::Join { flight, weight: either }),
            24 => entry(dice, Waits::Waiting).map(|entry| Step::Leave { entry }),
            25 => {
                let priority = 1 + i64::try_from(dice.below(9)).expect("a priority");
                entry(dice, Waits::Waiting).map(|entry| Step::Prefer { entry, priority })
            }
            26 => entry(dice, Waits::Offered).map(|entry| Step::BookOffer { entry }),
            27 => entry(dice, Waits::Offered).map(|entry| Step::Decline { entry }),
            28..30 => {
                // Which of the holds that have drawn from it would end is not the model's.
                let releases = dice.below(2) == 0 && model.flights[flight].allotment.is_none();
                let taken = model.booked(flight) + model.held(flight);
                let weight = *dice.pick(&[4 + weight, 4 + small, taken, taken - small]);
                Some(Step::SetCapacity { flight, weight: weight.max(1), releases })
            }
            30..32 => {
                let (kept, drawn) = model.flights[flight].allotment.map_or((0, 0), |all| (all.kept, all.drawn));
                // Those that do not fit are tried again after minutes.
                let most = kept + drawn + model.available(flight);
                (most > 0).then(|| Step::Allot { flight, weight: small.min(most) })
            }
            32 => model.flights[flight].allotment.map(|_| Step::EndAllotment { flight }),
            33 if dice.below(4) == 0 && model.now + LONG_WAIT < LATEST => Some(Step::Wait { seconds: LONG_WAIT }),
            _ => Some(Step::Wait { seconds: *dice.pick(&[1, 10, 120, 600]) }),
        };
        if let Some(step) = step {
            return step;
        }
    }
}
