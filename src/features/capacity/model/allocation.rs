use chrono::{DateTime, Utc};

use super::{EntryKind, Space};
use crate::kernel::{BookingId, FlightId, LegId};

/// The capacity a new flight starts with, not overbooked.
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

/// A change of the room that a leg takes on a flight: an entry of the flight's ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift {
    pub flight_id: FlightId,
    pub booking_id: BookingId,
    pub leg_id: LegId,
    kind: EntryKind,
    /// What the leg takes in addition; negative where it gives room back.
    pub more: Space,
}

impl Shift {
    /// A new leg takes all the room that it needs.
    pub const fn booked(flight_id: FlightId, booking_id: BookingId, leg_id: LegId, space: Space) -> Self {
        Self { flight_id, booking_id, leg_id, kind: EntryKind::Booked, more: space }
    }

    /// An existing leg takes the difference.
    pub const fn amended(flight_id: FlightId, booking_id: BookingId, leg_id: LegId, more: Space) -> Self {
        Self { flight_id, booking_id, leg_id, kind: EntryKind::Amended, more }
    }

    /// A leg gives back all its room.
    pub fn released(flight_id: FlightId, booking_id: BookingId, leg_id: LegId, space: Space) -> Self {
        Self { flight_id, booking_id, leg_id, kind: EntryKind::Released, more: Space::default() - space }
    }

    pub const fn kind(&self) -> &'static str {
        self.kind.as_str()
    }
}
