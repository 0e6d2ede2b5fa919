use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{FlightCapacity, Space};
use crate::{
    kernel::{FlightId, Positions, Volume, Weight},
    platform::web::{read, request},
};

/// A flight's room as it is at `as_of`, read from the book of record.
#[derive(Debug, Serialize, ToSchema)]
pub struct Availability {
    pub flight_id: FlightId,
    /// What may be sold.
    pub capacity: Space,
    pub booked: Space,
    pub held: Space,
    pub available: Space,
    /// How full the fullest dimension is, one decimal.
    #[serde(serialize_with = "crate::kernel::short_number")]
    pub utilization_percent: f64,
    /// `locking` when the available weight is at or below the critical threshold: the last kilograms are handed out
    /// in order. `optimistic` above it.
    pub mode: &'static str,
    /// The flight's version; bookings leave it alone.
    pub version: i32,
    pub as_of: DateTime<Utc>,
}

impl Availability {
    pub fn new(capacity: &FlightCapacity, is_critical: bool, as_of: DateTime<Utc>) -> Self {
        Self {
            flight_id: capacity.flight_id,
            capacity: capacity.capacity,
            booked: capacity.booked,
            held: capacity.held,
            available: capacity.available(),
            utilization_percent: capacity.utilization_percent(),
            mode: if is_critical { "locking" } else { "optimistic" },
            version: capacity.version,
            as_of,
        }
    }
}

request! {
    /// The three figures as a client may send them, each of them or none.
    #[derive(Copy, Default, PartialEq, Eq)]
    pub struct SpaceFields in patch {
        weight_kg: Patch<Weight> = read::weight,
        volume_m3: Patch<Volume> = read::volume,
        positions: Patch<Positions> = read::positions,
    }
}
