//! The flights and routes of a prepared result.
use std::sync::OnceLock;

use chrono::{DateTime, Utc};

use super::super::{
    dto::{RouteOption, Search},
    route_set::Brief,
    spliced::Halves,
};
use crate::features::{
    embargoes::JudgedLeg,
    flights::{Flight, FlightBody},
    pricing::PricedLeg,
    reference::Reference,
};

#[derive(Debug)]
pub(super) struct PreparedFlight {
    pub leg: JudgedLeg,
    pub version: i32,
    pub departure: DateTime<Utc>,
    pub arrival: DateTime<Utc>,
    /// What is shown of it: there once it was read.
    pub text: OnceLock<Halves>,
}

#[derive(Debug)]
pub(super) struct PreparedRoute {
    /// Indices of its flights.
    pub legs: Vec<usize>,
    pub departure: DateTime<Utc>,
    pub arrival: DateTime<Utc>,
    pub text: OnceLock<Halves>,
}

impl PreparedRoute {
    pub fn new(legs: Vec<usize>, flights: &[PreparedFlight]) -> Option<Self> {
        let (first, last) = (&flights[*legs.first()?], &flights[*legs.last()?]);
        Some(Self { departure: first.departure, arrival: last.arrival, legs, text: OnceLock::new() })
    }

    pub fn text(&self, flights: &[PreparedFlight]) -> &Halves {
        self.text.get_or_init(|| {
            let stops = self.legs.iter().map(|leg| {
                let PreparedFlight { leg, departure, arrival, .. } = &flights[*leg];
                (leg.origin, *departure, *arrival)
            });
            Halves::of_option(&RouteOption::frame(&stops.collect::<Vec<_>>())).unwrap_or_default()
        })
    }

    pub fn has_at_most(&self, stops: u8) -> bool {
        self.legs.len() <= usize::from(stops) + 1
    }

    /// Returns whether it has no more stops than the search allows, and leaves no earlier.
    pub fn is_within(&self, search: &Search) -> bool {
        self.has_at_most(search.max_stops) && search.earliest.is_none_or(|earliest| self.departure >= earliest)
    }
}

impl PreparedFlight {
    pub fn priced(&self) -> PricedLeg {
        let JudgedLeg { flight_id, number, origin, destination, date, .. } = &self.leg;
        PricedLeg {
            flight_id: *flight_id,
            flight_number: number.clone(),
            origin: *origin,
            destination: *destination,
            date: *date,
        }
    }

    pub fn new(brief: Brief, flight: Option<&Flight>, reference: &Reference) -> Self {
        let Brief { id, version, number, origin, destination, departure, arrival, aircraft, is_freighter } = brief;
        let date = reference.local_date(origin, departure);
        let leg = JudgedLeg { flight_id: id, number, origin, destination, date, aircraft, is_freighter };
        let prepared = Self { leg, version, departure, arrival, text: OnceLock::new() };
        if let Some(flight) = flight {
            prepared.write(flight, reference);
        }
        prepared
    }

    pub fn brief(&self) -> Brief {
        let JudgedLeg { flight_id: id, origin, destination, aircraft, is_freighter, .. } = self.leg;
        let Self { version, departure, arrival, .. } = *self;
        let number = self.leg.number.clone();
        Brief { id, version, number, origin, destination, departure, arrival, aircraft, is_freighter }
    }

    /// Serializes what is shown of it.
    pub fn write(&self, flight: &Flight, reference: &Reference) {
        self.text.get_or_init(|| Halves::of_flight(&FlightBody::new(flight, reference)).unwrap_or_default());
    }
}
