//! The routes of one day, with as much of their flights as is known.
use std::collections::HashMap;

use chrono::{DateTime, Utc, serde::ts_microseconds};
use loadmaster_flights::Flight;
use loadmaster_kernel::{AircraftCode, AirportCode, FlightId, FlightNumber};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// The legs of a route, by the places of their flights. They take no memory of their own: there may be thousands of routes.
pub type Places = SmallVec<[usize; 4]>;

/// The routes of one day, in no particular order.
#[derive(Debug, Default)]
pub struct RouteSet {
    /// Those that several routes share are there once.
    pub flights: Vec<Flight>,
    pub routes: Vec<Places>,
}

impl RouteSet {
    pub fn of(routes: impl IntoIterator<Item = Vec<Flight>>) -> Self {
        let (mut flights, mut places) = (Vec::new(), HashMap::new());
        let mut place = |flight: Flight| {
            *places.entry(flight.id).or_insert_with(|| {
                flights.push(flight);
                flights.len() - 1
            })
        };
        let routes = routes.into_iter().map(|legs| legs.into_iter().map(&mut place).collect()).collect();
        Self { flights, routes }
    }
}

/// What is to be known of a flight to judge and to order its routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brief {
    pub id: FlightId,
    /// All of this is as of this version of the flight.
    pub version: i32,
    pub number: FlightNumber,
    pub origin: AirportCode,
    pub destination: AirportCode,
    #[serde(with = "ts_microseconds")]
    pub departure: DateTime<Utc>,
    #[serde(with = "ts_microseconds")]
    pub arrival: DateTime<Utc>,
    pub aircraft: Option<AircraftCode>,
    pub is_freighter: bool,
}

impl From<&Flight> for Brief {
    fn from(flight: &Flight) -> Self {
        let Flight { id, origin, destination, departure, arrival, aircraft, is_freighter, .. } = *flight;
        let (number, version) = (flight.number, flight.space.version);
        Self { id, version, number, origin, destination, departure, arrival, aircraft, is_freighter }
    }
}

/// The routes of one day, in no particular order, with as much as is known of their flights.
#[derive(Debug, Default)]
pub struct Ways {
    /// Those that several routes share are there once. What was read is there as a whole.
    pub flights: Vec<(Brief, Option<Flight>)>,
    pub routes: Vec<Places>,
}

impl From<RouteSet> for Ways {
    fn from(RouteSet { flights, routes }: RouteSet) -> Self {
        Self { flights: flights.into_iter().map(|flight| (Brief::from(&flight), Some(flight))).collect(), routes }
    }
}
