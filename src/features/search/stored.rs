//! What lies in Redis: the flights that were found, and which of them make ways. How much room they have does not: it is
//! not the network's.
use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::service::Ways;
use crate::{
    features::{
        capacity::{FlightCapacity, FlightStatus, Space},
        flights::Flight,
    },
    kernel::{AircraftCode, AirportCode, FlightId, FlightNumber},
};

/// Moves with what is stored or what it means, so that versions of this program that differ in it keep apart.
pub(super) const FORM: u32 = 2;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    flights: Vec<StoredFlight>,
    /// Each way's flights, by their places.
    ways: Vec<Vec<usize>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredFlight {
    id: FlightId,
    number: FlightNumber,
    origin: AirportCode,
    destination: AirportCode,
    departure: DateTime<Utc>,
    arrival: DateTime<Utc>,
    scheduled_departure: DateTime<Utc>,
    scheduled_arrival: DateTime<Utc>,
    scheduled_date: NaiveDate,
    aircraft: Option<AircraftCode>,
    is_freighter: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    cutoff: DateTime<Utc>,
    capacity: [i64; 3],
    version: i32,
}

impl StoredFlight {
    fn of(flight: &Flight) -> Self {
        Self {
            id: flight.id,
            number: flight.number.clone(),
            origin: flight.origin,
            destination: flight.destination,
            departure: flight.departure,
            arrival: flight.arrival,
            scheduled_departure: flight.scheduled_departure,
            scheduled_arrival: flight.scheduled_arrival,
            scheduled_date: flight.scheduled_date,
            aircraft: flight.aircraft,
            is_freighter: flight.is_freighter,
            created_at: flight.created_at,
            updated_at: flight.updated_at,
            cutoff: flight.room.cutoff,
            capacity: flight.room.capacity.figures(),
            version: flight.room.version,
        }
    }

    /// Only scheduled flights are found; those have no actual times. What is booked is not known.
    fn flight(self) -> Flight {
        let [weight, volume, positions] = self.capacity;
        let capacity = Space::from_columns(weight, volume, positions);
        let opened = FlightCapacity::opened(self.id, capacity, self.cutoff);
        Flight {
            id: self.id,
            number: self.number,
            origin: self.origin,
            destination: self.destination,
            departure: self.departure,
            arrival: self.arrival,
            scheduled_departure: self.scheduled_departure,
            scheduled_arrival: self.scheduled_arrival,
            scheduled_date: self.scheduled_date,
            actual_departure: None,
            actual_arrival: None,
            aircraft: self.aircraft,
            is_freighter: self.is_freighter,
            created_at: self.created_at,
            updated_at: self.updated_at,
            room: FlightCapacity { status: FlightStatus::Scheduled, version: self.version, ledger_seq: 0, ..opened },
        }
    }
}

pub(super) fn to_bytes(ways: &Ways) -> Option<Vec<u8>> {
    let (mut places, mut flights) = (HashMap::new(), Vec::new());
    let mut place = |flight: &Flight| {
        *places.entry(flight.id).or_insert_with(|| {
            flights.push(StoredFlight::of(flight));
            flights.len() - 1
        })
    };
    let direct = ways.direct.iter().map(std::slice::from_ref);
    let all = direct.chain(ways.transit.iter().map(Vec::as_slice));
    let ways = all.map(|legs| legs.iter().map(&mut place).collect()).collect();
    serde_json::to_vec(&Stored { flights, ways }).ok()
}

/// None for what is no such text, or holds ways that do not lead from `origin` to `destination`.
pub(super) fn from_bytes(bytes: &[u8], origin: AirportCode, destination: AirportCode) -> Option<Ways> {
    let stored: Stored = serde_json::from_slice(bytes).ok()?;
    let flights: Vec<Flight> = stored.flights.into_iter().map(StoredFlight::flight).collect();
    let mut ways = Ways::default();
    for places in stored.ways {
        let legs: Vec<Flight> =
            places.into_iter().map(|place| flights.get(place).cloned()).collect::<Option<Vec<_>>>()?;
        let ends = (legs.first().map(|first| first.origin), legs.last().map(|last| last.destination));
        let is_chain = legs.windows(2).all(|pair| pair[0].destination == pair[1].origin);
        if ends != (Some(origin), Some(destination)) || !is_chain {
            return None;
        }
        match <[Flight; 1]>::try_from(legs) {
            Ok([flight]) => ways.direct.push(flight),
            Err(legs) => ways.transit.push(legs),
        }
    }
    Some(ways)
}
