//! All SQL of this room.
pub(super) mod audit;
mod keep;
mod read;
mod write;

pub(super) use keep::{counts, due, follow, hold_on, note, until};
pub(super) use read::{find, flights, list, lock, organization_exists};
pub(super) use write::{insert, save};
