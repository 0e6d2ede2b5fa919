use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{FlightCapacity, Space};
use crate::{
    kernel::{FlightId, Positions, Volume, Weight},
    platform::web::{read, request},
};

/// The availability of a flight at `as_of`, read from the database.
#[derive(Debug, Serialize, ToSchema)]
pub struct Availability {
    pub flight_id: FlightId,
    /// The capacity that may be sold.
    pub capacity: Space,
    pub booked: Space,
    pub held: Space,
    pub available: Space,
    /// Utilization of the fullest dimension in percent, with one decimal.
    #[serde(serialize_with = "crate::kernel::short_number")]
    pub utilization_percent: f64,
    /// `locking` if the available weight is at or below the critical threshold: bookings then take capacity one after
    /// another. `optimistic` otherwise.
    pub mode: &'static str,
    /// The version of the flight; bookings do not change it.
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
    /// The three dimensions of capacity in a request; each is optional.
    #[derive(Copy, Default, PartialEq, Eq)]
    pub struct SpaceFields in patch {
        weight_kg: Patch<Weight> = read::weight,
        volume_m3: Patch<Volume> = read::volume,
        positions: Patch<Positions> = read::positions,
    }
}
