use loadmaster_capacity::FlightStatus;
use serde_json::{Value, json};

use super::{Flight, import::COLUMNS};

/// The columns of an export: those of an import.
pub(super) const EXPORTED: &[&str] = &COLUMNS;

/// Returns the row of a flight. An import would create a cancelled one anew, so that it is only given to those who ask.
pub(super) fn row(flight: &Flight, status: Option<FlightStatus>) -> Option<Value> {
    if status.is_none() && flight.space.status == FlightStatus::Cancelled {
        return None;
    }
    let capacity = flight.space.physical;
    Some(json!({
        "flight_number": flight.number,
        "origin": flight.origin,
        "destination": flight.destination,
        "departure_datetime": flight.departure,
        "arrival_datetime": flight.arrival,
        "aircraft_code": flight.aircraft,
        "weight_kg": capacity.weight,
        "volume_m3": capacity.volume,
        "positions": capacity.positions,
        "cutoff_minutes": (flight.departure - flight.space.cutoff).num_minutes(),
    }))
}
