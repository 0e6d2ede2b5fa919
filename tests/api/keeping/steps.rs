use super::model::{CAPACITY, FLIGHTS, Model};
use crate::support::Dice;

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

/// The next step: of what there is, whatever its state.
pub fn next(dice: &mut Dice, model: &Model) -> Step {
    loop {
        let number = |dice: &mut Dice, end: usize| usize::try_from(dice.below(end as u64)).expect("a number");
        let flight = number(dice, FLIGHTS);
        let weight = 1 + i64::try_from(dice.below(CAPACITY as u64)).expect("a weight");
        let small = 1 + weight / 3;
        let seconds = *dice.pick(&[10, 120, 900]);
        let (holds, bookings, entries) = (model.holds.len(), model.bookings.len(), model.entries.len());
        // What was made last is looked at most.
        let recent = |dice: &mut Dice, all: usize| all - 1 - number(dice, all.min(6));
        match dice.below(27) {
            0..4 => return Step::Hold { flight, weight: small, seconds },
            4 if holds > 0 => return Step::AmendHold { hold: recent(dice, holds), weight },
            5 if holds > 0 => return Step::MoveHold { hold: recent(dice, holds), flight },
            6 if holds > 0 => return Step::Extend { hold: recent(dice, holds), seconds },
            7 if holds > 0 => return Step::Release { hold: recent(dice, holds) },
            8..10 if holds > 0 => return Step::Commit { hold: recent(dice, holds) },
            10..12 => return Step::Book { flight, weight },
            12 if bookings > 0 => return Step::AmendBooking { booking: recent(dice, bookings), weight },
            13..15 if bookings > 0 => return Step::Cancel { booking: recent(dice, bookings) },
            15..18 => return Step::Join { flight, weight },
            18 if entries > 0 => return Step::Leave { entry: recent(dice, entries) },
            19 if entries > 0 => {
                let priority = 1 + i64::try_from(dice.below(9)).expect("a priority");
                return Step::Prefer { entry: recent(dice, entries), priority };
            }
            20 if entries > 0 => return Step::BookOffer { entry: recent(dice, entries) },
            21 if entries > 0 => return Step::Decline { entry: recent(dice, entries) },
            22 => {
                // Which of the holds that have drawn from it would end is not the model's.
                let releases = dice.below(2) == 0 && model.flights[flight].allotment.is_none();
                return Step::SetCapacity { flight, weight: weight + small, releases };
            }
            24..26 => {
                let (freight, kept) = model.flights[flight].allotment.map_or((0, 0), |all| (all.freight, all.kept));
                // Those that do not fit are tried again after minutes.
                let (least, most) = ((freight - kept).max(1), freight + model.available(flight));
                if least <= most {
                    return Step::Allot { flight, weight: weight.clamp(least, most) };
                }
            }
            26 if model.flights[flight].allotment.is_some() => return Step::EndAllotment { flight },
            23 => return Step::Wait { seconds: *dice.pick(&[1, 10, 120, 600]) },
            _ => {}
        }
    }
}
