use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::model::{Booking, BookingStatus, Leg};
use crate::kernel::{AirportCode, EventId, FlightId, FlightNumber, LegId, Pieces, UserId, Weight, words};

/// The shape of `data`; raised when it changes.
pub(super) const DATA_VERSION: i32 = 1;

words! {
    /// What happened to a shipment. The first five change its status, the others do not.
    pub enum EventType {
        Booked = "BOOKED",
        Departed = "DEPARTED",
        Arrived = "ARRIVED",
        Delivered = "DELIVERED",
        Cancelled = "CANCELLED",
        Amended = "AMENDED",
        Rerouted = "REROUTED",
        Offloaded = "OFFLOADED",
        FlightRetimed = "FLIGHT_RETIMED",
        FlightCancelled = "FLIGHT_CANCELLED",
    }
}

impl EventType {
    /// The IATA freight status update code, where there is one.
    pub const fn fsu_code(self) -> Option<&'static str> {
        match self {
            Self::Booked => Some("BKD"),
            Self::Departed => Some("DEP"),
            Self::Arrived => Some("ARR"),
            Self::Delivered => Some("DLV"),
            _ => None,
        }
    }
}

/// One entry of a shipment's history.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub id: EventId,
    pub sequence: i32,
    pub event_type: EventType,
    /// The booking's status after it.
    pub status: BookingStatus,
    pub location: Option<AirportCode>,
    pub flight_id: Option<FlightId>,
    pub flight_number: Option<FlightNumber>,
    pub leg_id: Option<LegId>,
    pub pieces: Pieces,
    pub weight: Weight,
    /// The user who did it.
    pub actor: Option<UserId>,
    /// Free text, kept beside the event where erasure can reach it.
    pub notes: Option<String>,
    /// Enough to rebuild the booking's state from its events.
    pub data: Value,
    pub occurred_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

/// All of a new booking but its free text.
pub(super) fn booked_data(booking: &Booking) -> Value {
    json!({
        "ref_id": booking.ref_id,
        "organization_id": booking.organization_id,
        "created_by": booking.created_by,
        "origin": booking.origin,
        "destination": booking.destination,
        "pieces": booking.pieces,
        "weight_hg": booking.space.weight.hectograms(),
        "volume_l": booking.space.volume.litres(),
        "volume_defaulted": booking.volume_defaulted,
        "positions": booking.space.positions.count(),
        "special_handling_codes": booking.special_handling_codes,
        "awb_number": booking.awb_number,
        "legs": booking.legs.iter().map(leg_data).collect::<Vec<_>>(),
    })
}

fn leg_data(leg: &Leg) -> Value {
    json!({
        "id": leg.id,
        "sequence": leg.sequence,
        "flight_id": leg.flight_id,
        "flight_number": leg.flight_number,
        "origin": leg.origin,
        "destination": leg.destination,
        "departure_at": leg.departure,
        "arrival_at": leg.arrival,
        "status": leg.status,
        "space_code": leg.space_code,
        "pieces": leg.pieces,
        "weight_hg": leg.space.weight.hectograms(),
        "volume_l": leg.space.volume.litres(),
        "positions": leg.space.positions.count(),
    })
}

/// The new status of each leg that an event changed.
pub(super) fn legs_data<'a>(legs: impl Iterator<Item = &'a Leg>) -> Value {
    let legs: Vec<_> = legs.map(|leg| json!({"id": leg.id, "status": leg.status})).collect();
    json!({ "legs": legs })
}
