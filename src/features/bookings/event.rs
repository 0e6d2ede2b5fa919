use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

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

/// All of a booking but its free text and what its events count: what a new booking's event says. The event's `status` is
/// the booking's.
pub(super) fn whole_data(booking: &Booking) -> Value {
    let legs: Vec<Value> = booking.legs.iter().map(|leg| Value::Object(leg_data(leg))).collect();
    let mut data = booking_data(booking);
    data.insert("legs".to_owned(), legs.into());
    Value::Object(data)
}

/// What is different between two states of a booking: members with their new values, and of each leg that changed its id
/// and what changed; a new leg is there as a whole.
pub(super) fn changed_data(before: &Booking, after: &Booking) -> Value {
    let mut data = differences(&booking_data(before), booking_data(after));
    let changed = after.legs.iter().filter_map(|leg| {
        let Some(was) = before.legs.iter().find(|was| was.id == leg.id) else { return Some(leg_data(leg)) };
        let mut changed = differences(&leg_data(was), leg_data(leg));
        let is_changed = !changed.is_empty();
        changed.insert("id".to_owned(), json!(leg.id));
        is_changed.then_some(changed)
    });
    let legs: Vec<Value> = changed.map(Value::Object).collect();
    if !legs.is_empty() {
        data.insert("legs".to_owned(), legs.into());
    }
    Value::Object(data)
}

fn differences(before: &Map<String, Value>, mut after: Map<String, Value>) -> Map<String, Value> {
    after.retain(|name, value| before.get(name) != Some(value));
    after
}

fn booking_data(booking: &Booking) -> Map<String, Value> {
    members(json!({
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
        "needs_rerouting": booking.needs_rerouting,
    }))
}

fn leg_data(leg: &Leg) -> Map<String, Value> {
    members(json!({
        "id": leg.id,
        "sequence": leg.sequence,
        "flight_id": leg.flight_id,
        "flight_number": leg.flight_number,
        "origin": leg.origin,
        "destination": leg.destination,
        "departure_at": leg.departure,
        "arrival_at": leg.arrival,
        "status": leg.status,
        "offload_reason": leg.offload_reason,
        "space_code": leg.space_code,
        "pieces": leg.pieces,
        "weight_hg": leg.space.weight.hectograms(),
        "volume_l": leg.space.volume.litres(),
        "positions": leg.space.positions.count(),
    }))
}

fn members(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
