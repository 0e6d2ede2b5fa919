//! The format in Redis: the found flights, and which of them form routes. Capacity is not stored, as it is not part of
//! the network.
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::model::RouteSet;
use crate::{
    features::flights::{Flight, FlightData},
    kernel::{AirportCode, FlightId},
};

/// Changes with the stored format or its meaning, so that program versions that differ in it keep apart.
pub(super) const FORM: u32 = 4;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    flights: Vec<StoredFlight>,
    /// Each route's flights, as indices.
    ways: Vec<Vec<usize>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredFlight {
    id: FlightId,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    data: FlightData,
}

impl From<&Flight> for StoredFlight {
    fn from(flight: &Flight) -> Self {
        let Flight { id, created_at, updated_at, .. } = *flight;
        Self { id, version: flight.room.version, created_at, updated_at, data: flight.into() }
    }
}

impl From<StoredFlight> for Flight {
    /// The booked capacity is not known.
    fn from(stored: StoredFlight) -> Self {
        stored.data.into_flight(stored.id, stored.version, stored.created_at, stored.updated_at)
    }
}

pub(super) fn to_bytes(ways: &RouteSet) -> Option<Vec<u8>> {
    let (mut places, mut flights) = (HashMap::new(), Vec::new());
    let mut place = |flight: &Flight| {
        *places.entry(flight.id).or_insert_with(|| {
            flights.push(StoredFlight::from(flight));
            flights.len() - 1
        })
    };
    let direct = ways.direct.iter().map(std::slice::from_ref);
    let all = direct.chain(ways.transit.iter().map(Vec::as_slice));
    let ways = all.map(|legs| legs.iter().map(&mut place).collect()).collect();
    serde_json::to_vec(&Stored { flights, ways }).ok()
}

/// Returns `None` for invalid text, or for routes that do not lead from `origin` to `destination`.
pub(super) fn from_bytes(bytes: &[u8], origin: AirportCode, destination: AirportCode) -> Option<RouteSet> {
    let stored: Stored = serde_json::from_slice(bytes).ok()?;
    let flights: Vec<Flight> = stored.flights.into_iter().map(Flight::from).collect();
    let mut ways = Vec::with_capacity(stored.ways.len());
    for places in stored.ways {
        let legs: Vec<Flight> =
            places.into_iter().map(|place| flights.get(place).cloned()).collect::<Option<Vec<_>>>()?;
        let ends = (legs.first().map(|first| first.origin), legs.last().map(|last| last.destination));
        let is_chain = legs.windows(2).all(|pair| pair[0].destination == pair[1].origin);
        if ends != (Some(origin), Some(destination)) || !is_chain {
            return None;
        }
        ways.push(legs);
    }
    Some(RouteSet::of(ways))
}
