//! The routes of one day, with as much of their flights as is known.
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    features::flights::Flight,
    kernel::{AircraftCode, AirportCode, FlightId, FlightNumber},
};

/// The routes of one day, in no particular order.
#[derive(Debug, Default)]
pub struct RouteSet {
    /// Those that several routes share are there once.
    pub flights: Vec<Flight>,
    /// Each route's flights, by their places.
    pub routes: Vec<Vec<usize>>,
}

impl RouteSet {
    pub fn of(routes: impl IntoIterator<Item = Vec<Flight>>) -> Self {
        let (flights, routes) = shared(routes, |flight| flight.id);
        Self { flights, routes }
    }
}

/// Returns the legs of all routes, of each flight once, and each route's legs by their places among these.
pub fn shared<T>(
    routes: impl IntoIterator<Item = Vec<T>>,
    flight: impl Fn(&T) -> FlightId,
) -> (Vec<T>, Vec<Vec<usize>>) {
    let (mut all, mut places) = (Vec::new(), HashMap::new());
    let mut place = |leg: T| {
        *places.entry(flight(&leg)).or_insert_with(|| {
            all.push(leg);
            all.len() - 1
        })
    };
    let routes = routes.into_iter().map(|legs| legs.into_iter().map(&mut place).collect()).collect();
    (all, routes)
}

/// What is to be known of a flight to judge and to order its routes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brief {
    pub id: FlightId,
    /// All of this is as of this version of the flight.
    pub version: i32,
    pub number: FlightNumber,
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub departure: DateTime<Utc>,
    pub arrival: DateTime<Utc>,
    pub aircraft: Option<AircraftCode>,
    pub is_freighter: bool,
}

impl From<&Flight> for Brief {
    fn from(flight: &Flight) -> Self {
        let Flight { id, origin, destination, departure, arrival, aircraft, is_freighter, .. } = *flight;
        let (number, version) = (flight.number.clone(), flight.room.version);
        Self { id, version, number, origin, destination, departure, arrival, aircraft, is_freighter }
    }
}

/// The routes of one day, in no particular order, with as much as is known of their flights.
#[derive(Debug, Default)]
pub struct Ways {
    /// Those that several routes share are there once. What was read is there as a whole.
    pub flights: Vec<(Brief, Option<Flight>)>,
    /// Each route's flights, by their places.
    pub routes: Vec<Vec<usize>>,
}

impl From<RouteSet> for Ways {
    fn from(RouteSet { flights, routes }: RouteSet) -> Self {
        Self { flights: flights.into_iter().map(|flight| (Brief::from(&flight), Some(flight))).collect(), routes }
    }
}
