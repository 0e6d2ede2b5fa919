//! The space on each flight, and the bookings and holds that take it. Decides whether freight fits; no other module changes
//! `flight_capacity` or writes the ledger. Every change of a row is a ledger entry with the resulting state, so that a
//! replay can prove that no flight was ever oversold.
mod allotted;
mod audit;
mod dto;
mod error;
mod index;
mod live;
mod metric;
mod model;
mod repository;
mod room;
mod service;
mod turn;

pub use allotted::{Allotted, AllottedSpaceIndex, OwnSpace};
pub use audit::has_ledger;
pub use dto::{Availability, OverbookingFields, SpaceFields};
pub use error::{CapacityError, code};
pub use index::AvailabilityIndex;
pub use model::{
    CapacityShortfall, Dimension, FLIGHT, FlightCapacity, FlightStatus, LAST_OFFERS, NewCapacity, OpenUntil,
    Overbooking, Shift, Shortfall, Space,
};
pub use room::ROOM;
pub use service::{
    ASIDE_FOR, CapacityService, allot_in_tx, await_in_tx, change_all_in_tx, change_in_tx, find_in_tx, keep_aside_in_tx,
    lock_free_in_tx, lock_in_tx, open, open_forgotten_in_tx, set_status_in_tx, shift_in_tx,
};
pub use turn::Path;
