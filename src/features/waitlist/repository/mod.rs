//! All SQL of this room.
pub(super) mod audit;
mod read;
mod write;

pub(super) use read::{
    Unserved, affected, awaited, awaited_by, ended_offers, find, list, lock, no_longer_served, oldest_aside, place,
    queue, to_match, waiting,
};
pub(super) use write::{insert, leave, move_before, pass_over, save};
