mod history;
mod invented;
mod lanes;
mod sampled;
mod window;

pub use history::{Change, History, Level, PeriodSums, Series, Trend};
pub use invented::Invented;
pub use lanes::{due, left, slot_of};
pub use sampled::{Answer, Answered, Answers, DaySums, changed, day_sums};
pub use window::{BookingWindow, SamplingDay, WindowSums};

use chrono::NaiveDate;
use loadmaster_flights::Lane;
use loadmaster_kernel::{Currency, Rate, words};

/// Minutes from one run to the next: a slot.
pub const EVERY_MINUTES: i64 = 15;
/// Number of days after today, at the origin, up to the last departure date that is sampled.
pub const DAYS_AHEAD: u64 = 30;
/// The source of what was offered here.
pub const OFFERED: &str = "offered";
/// The source of what was invented for a demonstration.
pub const DEMO: &str = "demo";
/// The source of rates that others publish.
pub const REFERENCE: &str = "reference";

/// The lane and the standard weight that prices are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    pub lane: Lane,
    /// One of those that are asked for.
    pub weight_kg: i32,
}

/// What a kilogram cost on a lane, on a day, as others publish it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReferenceRate {
    pub lane: Lane,
    pub day: NaiveDate,
    pub weight_kg: i32,
    pub currency: Currency,
    pub per_kg: Rate,
}

/// Local dates at the origin, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub from: NaiveDate,
    pub to: NaiveDate,
}

words! {
    /// What a point of a history is about.
    pub enum Period {
        Day = "day",
        /// From Monday, as in ISO 8601.
        Week = "week",
        Month = "month",
    }
}

/// Mixes the codes of a lane into a number, which differs from lane to lane.
fn mixed((origin, destination): Lane, seed: i64, factor: i64) -> i64 {
    let bytes = origin.as_str().bytes().chain(destination.as_str().bytes());
    bytes.fold(seed, |mixed, byte| (mixed * factor + i64::from(byte)) % 1_000_003)
}
