use chrono::{DateTime, Utc};
use loadmaster_kernel::{FlightId, Positions, Volume, Weight};
use loadmaster_platform::web::{Patch, read, request};
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{FlightCapacity, Overbooking, Space};

/// The availability of a flight at `as_of`, read from the database.
#[derive(Debug, Serialize, ToSchema)]
pub struct Availability {
    /// The flight.
    pub flight_id: FlightId,
    /// The capacity that may be sold.
    pub capacity: Space,
    pub booked: Space,
    pub held: Space,
    pub available: Space,
    /// Utilization of the fullest dimension in percent, with one decimal.
    #[serde(serialize_with = "loadmaster_kernel::short_number")]
    pub utilization_percent: f64,
    /// `locking` if the available weight is at or below the critical threshold: bookings then take capacity one after
    /// another. `optimistic` otherwise.
    pub mode: &'static str,
    /// The version of the flight; bookings do not change it.
    pub version: i32,
    /// The moment whose figures these are.
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

request! {
    /// Percentages by which more may be sold than the flight carries; each is optional, and `null` is 0. At most
    /// `capacity.max_overbooking_percent`, 20 unless configured.
    #[derive(Copy, Default, PartialEq, Eq)]
    pub struct OverbookingFields in patch(most_percent: u8) {
        /// Percentage of the weight that is sold above capacity.
        #[schema(minimum = 0, maximum = 100)]
        weight_percent: Patch<u8> = read::integer(0, most_percent),
        /// Percentage of the volume that is sold above capacity.
        #[schema(minimum = 0, maximum = 100)]
        volume_percent: Patch<u8> = read::integer(0, most_percent),
        /// Percentage of the positions that are sold above capacity.
        #[schema(minimum = 0, maximum = 100)]
        positions_percent: Patch<u8> = read::integer(0, most_percent),
    }
}

impl OverbookingFields {
    /// Returns the overbooking that results when these figures are merged into it.
    pub fn merged(self, into: Overbooking) -> Overbooking {
        let merged = |patch: Patch<u8>, before: u8| match patch {
            Patch::Keep => before,
            Patch::Clear => 0,
            Patch::Set(percent) => percent,
        };
        Overbooking {
            weight_percent: merged(self.weight_percent, into.weight_percent),
            volume_percent: merged(self.volume_percent, into.volume_percent),
            positions_percent: merged(self.positions_percent, into.positions_percent),
        }
    }
}
