use chrono::{DateTime, Utc};
use loadmaster_kernel::{BookingId, FlightId, HoldId, LegId};
use uuid::Uuid;

use super::{EntryKind, Space};

/// The capacity a new flight starts with, not overbooked.
#[derive(Debug, Clone, Copy)]
pub struct NewCapacity {
    pub flight_id: FlightId,
    pub capacity: Space,
    pub cutoff: DateTime<Utc>,
}

/// End of the sale of a flight's space: the cut-off for shippers, the departure for the carrier's staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenUntil {
    Cutoff,
    Departure,
}

/// A change of the space that a leg or a hold takes on a flight: an entry of the flight's ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift {
    pub flight_id: FlightId,
    pub booking_id: Option<BookingId>,
    pub leg_id: Option<LegId>,
    pub hold_id: Option<HoldId>,
    pub(super) kind: EntryKind,
    /// What is taken in addition; negative where space is given back.
    pub more: Space,
    /// The part of what is given back that is taken again at once.
    stays: Space,
}

const NOTHING: Space = Space::from_columns(0, 0, 0);

impl Shift {
    const fn of_leg(flight_id: FlightId, leg: (BookingId, LegId), kind: EntryKind, more: Space) -> Self {
        let (booking_id, leg_id) = (Some(leg.0), Some(leg.1));
        Self { flight_id, booking_id, leg_id, hold_id: None, kind, more, stays: NOTHING }
    }

    const fn of_hold(flight_id: FlightId, hold_id: Option<HoldId>, kind: EntryKind, more: Space) -> Self {
        Self { flight_id, booking_id: None, leg_id: None, hold_id, kind, more, stays: NOTHING }
    }

    /// A new leg takes all the space that it needs.
    pub const fn booked(flight_id: FlightId, booking_id: BookingId, leg_id: LegId, space: Space) -> Self {
        Self::of_leg(flight_id, (booking_id, leg_id), EntryKind::Booked, space)
    }

    /// An existing leg takes the difference.
    pub const fn amended(flight_id: FlightId, booking_id: BookingId, leg_id: LegId, more: Space) -> Self {
        Self::of_leg(flight_id, (booking_id, leg_id), EntryKind::Amended, more)
    }

    /// A leg gives back all its space.
    pub fn released(flight_id: FlightId, booking_id: BookingId, leg_id: LegId, space: Space) -> Self {
        Self::of_leg(flight_id, (booking_id, leg_id), EntryKind::Released, NOTHING - space)
    }

    /// A new hold takes space.
    pub const fn held(flight_id: FlightId, hold_id: HoldId, space: Space) -> Self {
        Self::of_hold(flight_id, Some(hold_id), EntryKind::Held, space)
    }

    /// A hold takes the difference.
    pub const fn hold_amended(flight_id: FlightId, hold_id: HoldId, more: Space) -> Self {
        Self::of_hold(flight_id, Some(hold_id), EntryKind::HoldAmended, more)
    }

    /// A hold gives its space to a booking, which takes it by the next entry.
    pub fn hold_posted(flight_id: FlightId, hold_id: HoldId, space: Space) -> Self {
        Self::of_hold(flight_id, Some(hold_id), EntryKind::HoldPosted, NOTHING - space)
    }

    pub fn hold_released(flight_id: FlightId, hold_id: HoldId, space: Space) -> Self {
        Self::of_hold(flight_id, Some(hold_id), EntryKind::HoldReleased, NOTHING - space)
    }

    pub fn hold_expired(flight_id: FlightId, hold_id: HoldId, space: Space) -> Self {
        Self::of_hold(flight_id, Some(hold_id), EntryKind::HoldExpired, NOTHING - space)
    }

    /// Space that was set aside becomes free.
    pub fn opened(flight_id: FlightId, space: Space) -> Self {
        Self::of_hold(flight_id, None, EntryKind::Opened, NOTHING - space)
    }

    /// Space that became free is set aside.
    pub const fn set_aside(flight_id: FlightId, space: Space) -> Self {
        Self::of_hold(flight_id, None, EntryKind::SetAside, space)
    }

    /// What is given back is taken again in the same transaction: it is not set aside.
    #[must_use]
    pub fn staying(self) -> Self {
        Self { stays: (NOTHING - self.more).most(NOTHING), ..self }
    }

    /// This part of what is given back is taken again in the same transaction: it is not set aside.
    #[must_use]
    pub fn staying_in_part(self, part: Space) -> Self {
        Self { stays: self.stays.most(part), ..self }
    }

    /// Returns the id of the leg or hold that takes the space or gives it back.
    pub fn taker(&self) -> Option<Uuid> {
        self.leg_id.map(LegId::uuid).or(self.hold_id.map(HoldId::uuid))
    }

    pub const fn kind(&self) -> &'static str {
        self.kind.as_str()
    }

    /// Returns the space that a hold gives to a booking, if it does.
    pub fn posted(&self) -> Option<Space> {
        (self.kind == EntryKind::HoldPosted).then(|| NOTHING - self.more)
    }

    /// Returns the space that becomes free for others, if any does.
    pub fn freed(&self) -> Option<Space> {
        let gives_back = match self.kind {
            EntryKind::Amended
            | EntryKind::Released
            | EntryKind::HoldAmended
            | EntryKind::HoldReleased
            | EntryKind::HoldExpired => true,
            EntryKind::CapacitySet
            | EntryKind::Booked
            | EntryKind::Held
            | EntryKind::HoldPosted
            | EntryKind::SetAside
            | EntryKind::Opened => false,
        };
        let freed = (NOTHING - self.more - self.stays).most(NOTHING);
        (gives_back && freed != NOTHING).then_some(freed)
    }
}
