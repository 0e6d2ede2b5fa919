//! Recurring schedules: a season's lines are expanded to dated flights in local time, and compared with the schedule
//! before they are applied.
mod compare;
mod days;
mod differences;
mod expand;
mod expanding;
mod follow;
mod model;
mod read;
mod ssim;
mod times;

pub use days::DaysOfOperation;
pub use differences::{Differences, Effect, Group, LocalTime, Terms};
pub use follow::{AbsentFlight, FarFlight, FeedDifferences, FeedEffect, FeedRule, Followed};
pub use model::Season;
pub(crate) use read::{MOST_FLIGHTS, read_to};
pub(crate) use ssim::write::{TimeMode, Writer};
