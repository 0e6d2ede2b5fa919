use chrono::{DateTime, Utc};

use super::{EntryKind, Space};
use crate::kernel::{BookingId, FlightId, LegId, Weight};

/// The capacity a new flight starts with.
#[derive(Debug, Clone, Copy)]
pub struct NewCapacity {
    pub flight_id: FlightId,
    pub capacity: Space,
    pub cutoff: DateTime<Utc>,
}

/// How long a flight's room is open: to shippers until the cut-off, to the carrier's staff until it departs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenUntil {
    Cutoff,
    Departure,
}

/// What the ledger calls it when room is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// By a new leg: all that it needs.
    Booked,
    /// By a leg that has room: what it needs more, or, negative, less.
    Amended,
}

impl Entry {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Booked => EntryKind::Booked.as_str(),
            Self::Amended => EntryKind::Amended.as_str(),
        }
    }
}

/// How room is taken.
#[derive(Debug, Clone, Copy)]
pub enum AllocationPath {
    /// Straight, and only if more weight than this stays free.
    Optimistic { leaving: Weight },
    /// In turn, to the last kilogram.
    Locking,
    /// To the last kilogram, by an amendment, which has locked the flight before it judged.
    Amending,
}

impl AllocationPath {
    /// The label of `loadmaster_capacity_takings_total`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Optimistic { .. } => "optimistic",
            Self::Locking => "locking",
            Self::Amending => "amending",
        }
    }

    /// More weight than this must stay free; none is negative.
    pub const fn leaving(self) -> i64 {
        match self {
            Self::Optimistic { leaving } => leaving.hectograms(),
            Self::Locking | Self::Amending => -1,
        }
    }
}

/// Room that a leg takes of a flight.
#[derive(Debug, Clone, Copy)]
pub struct Allocation {
    pub flight_id: FlightId,
    /// The flight's version that the itinerary was validated against.
    pub version: i32,
    pub booking_id: BookingId,
    pub leg_id: LegId,
    pub space: Space,
    pub entry: Entry,
    pub until: OpenUntil,
    pub path: AllocationPath,
}

/// Room that a leg gives back.
#[derive(Debug, Clone, Copy)]
pub struct Release {
    pub flight_id: FlightId,
    pub booking_id: BookingId,
    pub leg_id: LegId,
    pub space: Space,
}
