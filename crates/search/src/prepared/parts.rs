//! The flights and routes of a prepared result.
use std::{cmp::Ordering, sync::OnceLock};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_embargoes::JudgedLeg;
use loadmaster_flights::{Flight, FlightBody};
use loadmaster_pricing::PricedLeg;
use loadmaster_reference::{Carriage, EmissionLeg, Reference};

use super::super::{
    dto::{RouteOption, Search},
    judge::SuitableAircraft,
    route_set::{Brief, Places},
    spliced::Halves,
};

#[derive(Debug)]
pub(super) struct PreparedFlight {
    pub leg: JudgedLeg,
    pub version: i32,
    pub departure: DateTime<Utc>,
    pub arrival: DateTime<Utc>,
    /// What is shown of it: there once it was read.
    pub text: OnceLock<Halves>,
    /// What it adds to emissions: there once freight with a weight was judged. Inside, `None`: it is not known.
    emission: OnceLock<Option<EmissionLeg>>,
}

#[derive(Debug)]
pub(super) struct PreparedRoute {
    pub legs: Places,
    pub departure: DateTime<Utc>,
    pub arrival: DateTime<Utc>,
    pub duration: TimeDelta,
    /// Most are never shown.
    pub text: OnceLock<Box<Halves>>,
}

impl PreparedRoute {
    pub fn new(legs: Places, flights: &[PreparedFlight]) -> Option<Self> {
        let (first, last) = (&flights[*legs.first()?], &flights[*legs.last()?]);
        let (departure, arrival) = (first.departure, last.arrival);
        Some(Self { departure, arrival, duration: arrival - departure, legs, text: OnceLock::new() })
    }

    /// Compares by arrival, number of stops, duration and ids.
    pub fn compare(&self, other: &Self, flights: &[PreparedFlight]) -> Ordering {
        let id = |leg: &usize| flights[*leg].leg.flight_id;
        let by_figures = self.arrival.cmp(&other.arrival).then_with(|| self.legs.len().cmp(&other.legs.len()));
        by_figures
            .then_with(|| self.duration.cmp(&other.duration))
            .then_with(|| self.legs.iter().map(id).cmp(other.legs.iter().map(id)))
    }

    /// Returns whether all of its aircraft are among the suitable ones.
    pub fn is_suitable(&self, flights: &[PreparedFlight], aircraft: &SuitableAircraft) -> bool {
        let mut legs = self.legs.iter().map(|leg| &flights[*leg].leg);
        aircraft.includes_all() || legs.all(|leg| aircraft.includes(leg.aircraft, leg.is_freighter))
    }

    pub fn is_direct(&self) -> bool {
        self.legs.len() == 1
    }

    pub fn text(&self, flights: &[PreparedFlight]) -> &Halves {
        self.text.get_or_init(|| {
            let stops = self.legs.iter().map(|leg| {
                let PreparedFlight { leg, departure, arrival, .. } = &flights[*leg];
                (leg.origin, *departure, *arrival)
            });
            Box::new(Halves::of_option(&RouteOption::frame(&stops.collect::<Vec<_>>())).unwrap_or_default())
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
        let JudgedLeg { flight_id, number, origin, destination, date, aircraft, is_freighter } = &self.leg;
        PricedLeg {
            flight_id: *flight_id,
            flight_number: *number,
            origin: *origin,
            destination: *destination,
            date: *date,
            aircraft: *aircraft,
            is_freighter: Some(*is_freighter),
        }
    }

    pub fn new(brief: Brief, flight: Option<&Flight>, reference: &Reference) -> Self {
        let Brief { id, version, number, origin, destination, departure, arrival, aircraft, is_freighter } = brief;
        let date = reference.local_date(origin, departure);
        let leg = JudgedLeg { flight_id: id, number, origin, destination, date, aircraft, is_freighter };
        let prepared = Self { leg, version, departure, arrival, text: OnceLock::new(), emission: OnceLock::new() };
        if let Some(flight) = flight {
            prepared.write(flight, reference);
        }
        prepared
    }

    pub fn brief(&self) -> Brief {
        let JudgedLeg { flight_id: id, origin, destination, aircraft, is_freighter, .. } = self.leg;
        let Self { version, departure, arrival, .. } = *self;
        let number = self.leg.number;
        Brief { id, version, number, origin, destination, departure, arrival, aircraft, is_freighter }
    }

    /// Returns what it adds to emissions.
    pub fn emission(&self, reference: &Reference) -> Option<EmissionLeg> {
        *self.emission.get_or_init(|| {
            let JudgedLeg { origin, destination, aircraft, is_freighter, .. } = self.leg;
            reference.emission_leg(&Carriage { origin, destination, aircraft, is_freighter })
        })
    }

    /// Serializes what is shown of it.
    pub fn write(&self, flight: &Flight, reference: &Reference) {
        self.text.get_or_init(|| Halves::of_flight(&FlightBody::new(flight, reference)).unwrap_or_default());
    }
}

/// Returns the flights as they are needed: first those of direct routes, then those of the routes in their order. Numbers
/// the legs of these by it.
pub(super) fn numbered(ways: &mut [PreparedRoute], flights: Vec<PreparedFlight>) -> Vec<PreparedFlight> {
    let (mut numbers, mut old_places) = (vec![None; flights.len()], Vec::with_capacity(flights.len()));
    let mut number = |leg: usize| {
        *numbers[leg].get_or_insert_with(|| {
            old_places.push(leg);
            old_places.len() - 1
        })
    };
    for way in ways.iter().filter(|way| way.is_direct()) {
        number(way.legs[0]);
    }
    for leg in ways.iter_mut().flat_map(|way| &mut way.legs) {
        *leg = number(*leg);
    }
    let mut flights: Vec<Option<PreparedFlight>> = flights.into_iter().map(Some).collect();
    let mut in_order = Vec::with_capacity(old_places.len());
    in_order.extend(old_places.into_iter().filter_map(|place| flights[place].take()));
    in_order
}
