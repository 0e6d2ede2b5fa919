//! All SQL of this room.
pub(super) mod audit;
mod read;
mod write;

pub(super) use read::{
    Stretch, Unserved, affected, awaited, awaited_by, by_date, ended_offers, find, list, lock, no_longer_served,
    oldest_aside, places, queue, to_match, waiting,
};
pub(super) use write::{count_lapses, insert, keep, leave, move_before, pass_over, save, widen};
