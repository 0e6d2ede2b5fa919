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

/// End of the sale of a flight's room: the cut-off for shippers, the departure for the carrier's staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenUntil {
    Cutoff,
    Departure,
}

/// Kind of the ledger entry written when room is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A new leg takes all the room that it needs.
    Booked,
    /// An existing leg takes the difference, which is negative if it needs less.
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

/// The way in which room is taken.
#[derive(Debug, Clone, Copy)]
pub enum AllocationPath {
    /// Without waiting, and only if more weight than this stays free.
    Optimistic { leaving: Weight },
    /// In turn, to the last kilogram.
    Locking,
    /// To the last kilogram, by an amendment, which locks the flight before it checks.
    Amending,
}

impl AllocationPath {
    /// Returns the label of `loadmaster_capacity_takings_total`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Optimistic { .. } => "optimistic",
            Self::Locking => "locking",
            Self::Amending => "amending",
        }
    }

    /// Returns the weight, in hectograms, above which the free weight must stay; -1 sets no bound.
    pub const fn leaving(self) -> i64 {
        match self {
            Self::Optimistic { leaving } => leaving.hectograms(),
            Self::Locking | Self::Amending => -1,
        }
    }
}

/// Room that a leg takes on a flight.
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
