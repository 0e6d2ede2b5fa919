//! The data of events: the first event holds the whole booking, each other one its changes.
use chrono::{DateTime, Utc};
use loadmaster_capacity::Space;
use loadmaster_kernel::{
    AirportCode, AwbNumber, BookingId, BookingRef, FlightId, FlightNumber, HandlingCode, HoldId, KeptDimensions, LegId,
    OrganizationId, Pieces, UserId,
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use super::{Bill, Booking, BookingStatus, Correction, Leg, LegStatus, OffloadReason, Texts};

/// Version of the data format; raised when it changes.
pub const DATA_VERSION: i32 = 1;

/// All of a booking except its free text, its status and the numbers derived from its events. A member unknown to this
/// build would be lost, and a missing one cannot be rebuilt: both are errors.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookingData {
    ref_id: BookingRef,
    organization_id: OrganizationId,
    created_by: UserId,
    origin: AirportCode,
    destination: AirportCode,
    #[serde(deserialize_with = "pieces")]
    pieces: Pieces,
    weight_hg: i64,
    volume_l: i64,
    volume_defaulted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dimensions: Option<KeptDimensions>,
    /// In the event alone: whoever made the change accepted pieces that do not fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    accept_oversize: Option<bool>,
    positions: i64,
    special_handling_codes: Vec<HandlingCode>,
    #[serde(deserialize_with = "Option::deserialize")]
    awb_number: Option<AwbNumber>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hold_id: Option<HoldId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bill: Option<Bill>,
    needs_rerouting: bool,
    legs: Vec<LegData>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LegData {
    id: LegId,
    sequence: i32,
    flight_id: FlightId,
    flight_number: FlightNumber,
    origin: AirportCode,
    destination: AirportCode,
    departure_at: DateTime<Utc>,
    arrival_at: DateTime<Utc>,
    status: LegStatus,
    #[serde(deserialize_with = "Option::deserialize")]
    offload_reason: Option<OffloadReason>,
    space_code: String,
    #[serde(deserialize_with = "pieces")]
    pieces: Pieces,
    weight_hg: i64,
    volume_l: i64,
    positions: i64,
}

fn pieces<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Pieces, D::Error> {
    let count = i32::deserialize(deserializer)?;
    Pieces::from_count(&count.to_string()).map_err(serde::de::Error::custom)
}

impl From<&Booking> for BookingData {
    fn from(booking: &Booking) -> Self {
        let [weight_hg, volume_l, positions] = booking.space.figures();
        Self {
            ref_id: booking.ref_id.clone(),
            organization_id: booking.organization_id,
            created_by: booking.created_by,
            origin: booking.origin,
            destination: booking.destination,
            pieces: booking.pieces,
            weight_hg,
            volume_l,
            volume_defaulted: booking.volume_defaulted,
            dimensions: booking.dimensions.as_ref().map(KeptDimensions::from),
            accept_oversize: None,
            positions,
            special_handling_codes: booking.special_handling_codes.clone(),
            awb_number: booking.awb_number.clone(),
            hold_id: booking.hold_id,
            bill: booking.bill.clone(),
            needs_rerouting: booking.needs_rerouting,
            legs: booking.legs.iter().map(LegData::from).collect(),
        }
    }
}

impl From<&Leg> for LegData {
    fn from(leg: &Leg) -> Self {
        let [weight_hg, volume_l, positions] = leg.space.figures();
        Self {
            id: leg.id,
            sequence: leg.sequence,
            flight_id: leg.flight_id,
            flight_number: leg.flight_number,
            origin: leg.origin,
            destination: leg.destination,
            departure_at: leg.departure,
            arrival_at: leg.arrival,
            status: leg.status,
            offload_reason: leg.offload_reason,
            space_code: leg.space_code.clone(),
            pieces: leg.pieces,
            weight_hg,
            volume_l,
            positions,
        }
    }
}

impl BookingData {
    /// The member of the data of an event whose author accepted pieces that do not fit.
    pub const ACCEPT_OVERSIZE: &'static str = "accept_oversize";

    /// Returns the same of a booking whose author has, or has not, accepted pieces that do not fit.
    pub fn accepting_oversize(self, accepts: bool) -> Self {
        Self { accept_oversize: accepts.then_some(true), ..self }
    }

    /// Returns the booking as of its first event; the caller adds the numbers derived from events.
    pub fn into_booking(self, id: BookingId, created_at: DateTime<Utc>) -> Booking {
        let mut legs: Vec<Leg> = self.legs.into_iter().map(Leg::from).collect();
        legs.sort_by_key(|leg| (leg.sequence, leg.id));
        Booking {
            id,
            ref_id: self.ref_id,
            organization_id: self.organization_id,
            created_by: self.created_by,
            status: BookingStatus::Booked,
            origin: self.origin,
            destination: self.destination,
            pieces: self.pieces,
            space: Space::from_columns(self.weight_hg, self.volume_l, self.positions),
            volume_defaulted: self.volume_defaulted,
            dimensions: self.dimensions.map(Into::into),
            special_handling_codes: self.special_handling_codes,
            awb_number: self.awb_number,
            hold_id: self.hold_id,
            product: None,
            bill: self.bill,
            needs_rerouting: self.needs_rerouting,
            event_sequence: 1,
            moved_at: None,
            version: 1,
            created_at,
            updated_at: created_at,
            texts: Texts::default(),
            legs,
        }
    }
}

impl From<LegData> for Leg {
    fn from(data: LegData) -> Self {
        Self {
            id: data.id,
            sequence: data.sequence,
            flight_id: data.flight_id,
            flight_number: data.flight_number,
            origin: data.origin,
            destination: data.destination,
            departure: data.departure_at,
            arrival: data.arrival_at,
            status: data.status,
            offload_reason: data.offload_reason,
            space_code: data.space_code,
            pieces: data.pieces,
            space: Space::from_columns(data.weight_hg, data.volume_l, data.positions),
            cutoff: None,
            carriage: None,
        }
    }
}

/// Returns the data of an event that contains all of a booking.
#[cfg(test)]
pub fn whole_data(booking: &Booking) -> Value {
    serde_json::to_value(BookingData::from(booking)).unwrap_or_default()
}

/// Returns the differences between two states of a booking: changed members with their new values, and for each changed
/// leg its id and the changed members; a new leg is included as a whole.
pub fn changed_data(before: &Booking, after: &Booking) -> Value {
    let (mut before, mut after) = (BookingData::from(before), BookingData::from(after));
    let (was, is) = (std::mem::take(&mut before.legs), std::mem::take(&mut after.legs));
    let changed = is.iter().filter_map(|leg| {
        let Some(was) = was.iter().find(|was| was.id == leg.id) else { return Some(members(leg)) };
        let mut changed = differences(was, leg);
        if changed.is_empty() {
            return None;
        }
        changed.insert("id".to_owned(), json!(leg.id));
        Some(changed)
    });
    let changed: Vec<Value> = changed.map(Value::Object).collect();
    let mut data = differences(&before, &after);
    if !changed.is_empty() {
        data.insert("legs".to_owned(), changed.into());
    }
    Value::Object(data)
}

/// Returns the whole data after another event.
pub fn folded(mut whole: Map<String, Value>, event: &Value) -> Result<Map<String, Value>, String> {
    let Value::Object(event) = event else { return Err("the data of this event is not an object".to_owned()) };
    let mut event = event.clone();
    // It says what the event is about, not what the booking is.
    event.remove(Correction::MEMBER);
    let changed = legs(event.remove("legs"));
    let mut all = legs(whole.remove("legs"));
    for leg in changed {
        match all.iter_mut().find(|known| known.get("id") == leg.get("id")) {
            Some(known) => known.extend(leg),
            None => all.push(leg),
        }
    }
    whole.extend(event);
    whole.insert("legs".to_owned(), all.into_iter().map(Value::Object).collect());
    Ok(whole)
}

/// The states of a booking, one event after another, without their free text and what is counted from events.
#[derive(Debug, Default)]
pub struct Folding {
    whole: Map<String, Value>,
}

impl Folding {
    /// Returns the state after the next event.
    pub fn after(&mut self, id: BookingId, at: DateTime<Utc>, event: &Value) -> Result<Booking, String> {
        self.whole = folded(std::mem::take(&mut self.whole), event)?;
        let data = BookingData::deserialize(&self.whole);
        let data = data.map_err(|error| format!("the data of an event of booking {id} cannot be read: {error}"))?;
        Ok(data.into_booking(id, at))
    }
}

/// Returns the members of `after` that `before` has not, or has differently; null for those that only `before` has.
fn differences<T: Serialize + PartialEq>(before: &T, after: &T) -> Map<String, Value> {
    if before == after {
        return Map::new();
    }
    let (before, mut after) = (members(before), members(after));
    let gone: Vec<String> = before.keys().filter(|name| !after.contains_key(*name)).cloned().collect();
    after.retain(|name, value| before.get(name) != Some(value));
    after.extend(gone.into_iter().map(|name| (name, Value::Null)));
    after
}

fn legs(legs: Option<Value>) -> Vec<Map<String, Value>> {
    let Some(Value::Array(legs)) = legs else { return Vec::new() };
    legs.iter().map(members).collect()
}

fn members<T: Serialize>(object: &T) -> Map<String, Value> {
    match serde_json::to_value(object) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}
