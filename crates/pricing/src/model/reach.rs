use chrono::NaiveDate;
use loadmaster_flights::Flight;
use loadmaster_kernel::{AircraftCode, AirlineCode, AirportCode, FlightId, FlightNumber, fault_of_end};
use loadmaster_reference::{Carriage, Reference, Scope};
use serde::{Deserialize, Serialize};

use super::Faults;

/// The ways that a rule concerns. An absent value, or an empty list, matches all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    pub airline_code: Option<AirlineCode>,
    pub origin: Scope,
    pub destination: Scope,
    /// One leg has one of these.
    pub flight_numbers: Vec<FlightNumber>,
    /// Local dates of the way's departure, inclusive.
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
}

impl Reach {
    /// Returns whether it concerns this way; the caller compares the scopes.
    pub fn matches(&self, way: &Way<'_>) -> bool {
        self.airline_code.is_none_or(|airline| way.airline == Some(airline))
            && (self.flight_numbers.is_empty()
                || way.legs.iter().any(|leg| self.flight_numbers.contains(&leg.flight_number)))
            && self.covers(way.date())
    }

    pub fn covers(&self, date: NaiveDate) -> bool {
        self.valid_from <= date && self.valid_to.is_none_or(|last| date <= last)
    }

    pub fn faults(&self) -> Faults {
        let last = self.valid_to.and_then(|last| fault_of_end(self.valid_from, last, "valid_from"));
        last.map(|fault| ("/valid_to".into(), fault)).into_iter().collect()
    }
}

/// A flight of the way as prices see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricedLeg {
    pub flight_id: FlightId,
    pub flight_number: FlightNumber,
    pub origin: AirportCode,
    pub destination: AirportCode,
    /// The local calendar date of the best known departure.
    pub date: NaiveDate,
    #[serde(default)]
    pub aircraft: Option<AircraftCode>,
    /// `None`: of a quote of a former release, which has no aircraft either.
    #[serde(default)]
    pub is_freighter: Option<bool>,
}

impl PricedLeg {
    pub fn of(flight: &Flight, reference: &Reference) -> Self {
        Self {
            flight_id: flight.id,
            flight_number: flight.number,
            origin: flight.origin,
            destination: flight.destination,
            date: reference.local_date(flight.origin, flight.departure),
            aircraft: flight.aircraft,
            is_freighter: Some(flight.is_freighter),
        }
    }

    /// Returns what decides what freight on it emits, if that is known.
    pub fn carriage(&self) -> Option<Carriage> {
        let Self { origin, destination, aircraft, .. } = *self;
        Some(Carriage { origin, destination, aircraft, is_freighter: self.is_freighter? })
    }
}

/// What is rated: the whole shipment, or one leg of it.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    pub origin: AirportCode,
    pub destination: AirportCode,
    /// Never empty.
    legs: &'a [PricedLeg],
    first: &'a PricedLeg,
    /// The airline that flies every leg.
    airline: Option<AirlineCode>,
}

impl<'a> Way<'a> {
    /// Returns the way over these legs; `None` without any.
    pub fn over(legs: &'a [PricedLeg]) -> Option<Self> {
        let (first, last) = legs.first().zip(legs.last())?;
        let airline = first.flight_number.airline();
        let is_one = legs.iter().all(|leg| leg.flight_number.airline() == airline);
        let airline = is_one.then_some(airline);
        Some(Self { origin: first.origin, destination: last.destination, legs, first, airline })
    }

    pub const fn date(&self) -> NaiveDate {
        self.first.date
    }
}
