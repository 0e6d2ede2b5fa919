//! A route as a master may take it: what decides how the routes of several origins are combined.
use chrono::{DateTime, Utc};
use loadmaster_capacity::Space;
use loadmaster_kernel::{AirportCode, FlightId, Money};
use smallvec::SmallVec;

use super::model::Itinerary;

/// A route of the freight of one origin, which travels as one master.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterRoute {
    /// In order, each with the version of which the rest is true.
    pub flights: SmallVec<[(FlightId, i32); 2]>,
    /// Where the last flight departs.
    pub hub: AirportCode,
    /// That of the first flight.
    pub cutoff: DateTime<Utc>,
    pub arrival: DateTime<Utc>,
    /// The space on the last flight.
    pub last_available: Space,
    /// Whether the master can be booked if no other freight joins it.
    pub is_bookable: bool,
    /// `None`: prices are not asked for, or no rate applies.
    pub price: Option<Money>,
}

impl MasterRoute {
    /// Returns `None` for a route without flights.
    pub fn of(itinerary: &Itinerary) -> Option<Self> {
        let (first, last) = (itinerary.legs().first()?, itinerary.legs().last()?);
        Some(Self {
            flights: itinerary.legs().iter().map(|flight| (flight.id, flight.space.version)).collect(),
            hub: last.origin,
            cutoff: first.space.cutoff,
            arrival: last.arrival,
            last_available: last.space.available(),
            is_bookable: itinerary.is_bookable(),
            price: itinerary.price().map(|price| price.sums.total()),
        })
    }

    /// Returns the last flight; `None` without flights.
    pub fn last_flight(&self) -> Option<FlightId> {
        self.flights.last().map(|(flight, _)| *flight)
    }
}
