mod connection;
mod feed;
pub mod replay;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use loadmaster_capacity::{FlightCapacity, FlightStatus, Space};
use loadmaster_kernel::{AircraftCode, AirlineCode, AirportCode, Fault, FaultCode, FlightId, FlightNumber, words};
use loadmaster_reference::{Aircraft, Carriage, Reference};
use serde::{Deserialize, Serialize};

pub use connection::{Connections, Segment, is_connection, is_in_time};
pub use feed::FlightFeed;

words! {
    /// What happened to a flight.
    pub enum FlightEventType {
        Created = "CREATED",
        Changed = "CHANGED",
        Departed = "DEPARTED",
        Arrived = "ARRIVED",
        Cancelled = "CANCELLED",
    }
}

impl FlightEventType {
    /// The meaning of each of [`Self::NAMES`].
    pub const ABOUT: [&str; Self::NAMES.len()] = [
        "A flight was put on the schedule.",
        "Times, capacity or other terms of the flight were changed.",
        "The flight departed.",
        "The flight arrived.",
        "The flight was cancelled.",
    ];
}

/// A flight with its schedule and its capacity, as the book of record has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flight {
    pub id: FlightId,
    pub number: FlightNumber,
    pub origin: AirportCode,
    pub destination: AirportCode,
    /// Best known times: the scheduled ones until the flight is retimed, departs or arrives.
    pub departure: DateTime<Utc>,
    pub arrival: DateTime<Utc>,
    pub scheduled_departure: DateTime<Utc>,
    pub scheduled_arrival: DateTime<Utc>,
    /// The local calendar date of the scheduled departure: with number and origin, the flight's name.
    pub scheduled_date: NaiveDate,
    pub actual_departure: Option<DateTime<Utc>>,
    pub actual_arrival: Option<DateTime<Utc>>,
    pub aircraft: Option<AircraftCode>,
    pub is_freighter: bool,
    /// The numbers under which other carriers sell it (codeshares), in order. `None`: it has never been sold under another.
    pub also_sold_as: Option<Vec<FlightNumber>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub space: FlightCapacity,
}

impl Flight {
    /// Returns whether booking is open: the flight has not left, and its cut-off lies ahead.
    pub fn takes_bookings(&self, now: DateTime<Utc>) -> bool {
        self.space.status == FlightStatus::Scheduled && now < self.space.cutoff
    }

    /// Returns the part of the `ETag` that distinguishes changed availability from a changed schedule.
    pub fn entity_tag(&self) -> String {
        format!("{}-{}", self.space.version, self.space.ledger_seq)
    }
}

impl From<&Flight> for Carriage {
    fn from(flight: &Flight) -> Self {
        let Flight { origin, destination, aircraft, is_freighter, .. } = *flight;
        Self { origin, destination, aircraft, is_freighter }
    }
}

/// A validated flight to be put on the schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFlight {
    pub number: FlightNumber,
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub departure: DateTime<Utc>,
    pub arrival: DateTime<Utc>,
    pub aircraft: Option<AircraftCode>,
    pub is_freighter: bool,
    /// What it carries.
    pub capacity: Space,
    /// Minutes before departure at which booking closes.
    pub cutoff_minutes: u32,
    /// The numbers under which other carriers sell it, in order. `None`: its source does not say, and they stay as they are.
    pub also_sold_as: Option<Vec<FlightNumber>>,
}

impl NewFlight {
    pub const DEFAULT_CUTOFF_MINUTES: u32 = 60;

    /// Returns the members that name what is not for new flights.
    pub fn faults_of_inactive(&self, reference: &Reference) -> Vec<(&'static str, Fault)> {
        let named = [
            ("/flight_number", reference.fault_of_inactive_airline(self.number.airline())),
            ("/origin", reference.fault_of_inactive_airport(self.origin)),
            ("/destination", reference.fault_of_inactive_airport(self.destination)),
            ("/aircraft_code", self.aircraft.and_then(|code| reference.fault_of_inactive_aircraft(code))),
        ];
        named.into_iter().filter_map(|(member, fault)| Some((member, fault?))).collect()
    }

    pub fn cutoff(&self) -> DateTime<Utc> {
        self.departure - TimeDelta::minutes(i64::from(self.cutoff_minutes))
    }

    /// Returns the flight as it is when newly scheduled.
    pub fn as_flight(&self, id: FlightId, scheduled_date: NaiveDate, now: DateTime<Utc>) -> Flight {
        Flight {
            id,
            number: self.number,
            origin: self.origin,
            destination: self.destination,
            departure: self.departure,
            arrival: self.arrival,
            scheduled_departure: self.departure,
            scheduled_arrival: self.arrival,
            scheduled_date,
            actual_departure: None,
            actual_arrival: None,
            aircraft: self.aircraft,
            is_freighter: self.is_freighter,
            also_sold_as: self.sold_beside(None),
            created_at: now,
            updated_at: now,
            space: FlightCapacity::opened(id, self.capacity, self.cutoff()),
        }
    }

    /// Returns `flight` after importing this over it; its originally scheduled values stay, and its overbooking.
    pub fn over(&self, flight: &Flight) -> Flight {
        Flight {
            destination: self.destination,
            departure: self.departure,
            arrival: self.arrival,
            aircraft: self.aircraft,
            is_freighter: self.is_freighter,
            also_sold_as: self.sold_beside(flight.also_sold_as.as_ref()),
            space: FlightCapacity { cutoff: self.cutoff(), ..flight.space }
                .with_capacity(self.capacity, flight.space.overbooking),
            ..flight.clone()
        }
    }

    /// Returns the other numbers of a flight that had these before.
    fn sold_beside(&self, before: Option<&Vec<FlightNumber>>) -> Option<Vec<FlightNumber>> {
        match &self.also_sold_as {
            Some(numbers) if before.is_some() || !numbers.is_empty() => Some(numbers.clone()),
            _ => before.cloned(),
        }
    }

    /// Returns whether importing this over `flight` would change nothing. For a flight that has left, compares the
    /// scheduled times: a timetable does not change actual ones.
    pub fn is_same_as(&self, flight: &Flight) -> bool {
        if flight.space.status == FlightStatus::Scheduled {
            return self.over(flight) == *flight;
        }
        (self.departure, self.arrival) == (flight.scheduled_departure, flight.scheduled_arrival)
            && (self.destination, self.aircraft) == (flight.destination, flight.aircraft)
            && self.capacity == flight.space.physical
    }
}

/// Returns the capacity of an aircraft of this type.
pub const fn space_of(aircraft: &Aircraft) -> Space {
    Space { weight: aircraft.max_cargo, volume: aircraft.max_volume, positions: aircraft.positions }
}

/// The end of a page of flights: the values by which the list is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FlightAnchor {
    /// The departure or the arrival, by which the list is ordered.
    Time(DateTime<Utc>, FlightId),
    Number(FlightNumber, DateTime<Utc>, FlightId),
}

impl FlightAnchor {
    pub const fn time_and_id(self) -> (DateTime<Utc>, FlightId) {
        match self {
            Self::Time(time, id) | Self::Number(_, time, id) => (time, id),
        }
    }
}

/// Origin and destination of a flight.
pub type Lane = (AirportCode, AirportCode);

/// The version of the network in the database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct NetworkVersion {
    /// Increases whenever a flight may add a route: when it is new, or its place or time of departure or arrival
    /// changes.
    pub version: i64,
    /// Identifies the database server, since its start, and the database: another may lack some changes that this one
    /// has.
    pub epoch: i64,
}

/// Maximum duration of a single flight, and maximum delay of one in the air.
pub const LONGEST_FLIGHT: TimeDelta = TimeDelta::hours(24);

/// Maximum time before departure at which booking may close: 30 days.
pub const LONGEST_CUTOFF_MINUTES: u32 = 43_200;

/// Returns the fault of an arrival for a flight with this departure.
pub fn fault_of_arrival(departure: DateTime<Utc>, arrival: DateTime<Utc>) -> Option<Fault> {
    if arrival <= departure {
        Some(Fault::new(FaultCode::OutOfOrder, "must be after the departure"))
    } else if arrival - departure > LONGEST_FLIGHT {
        Some(Fault::new(FaultCode::OutOfOrder, "must be at most 24 hours after the departure"))
    } else {
        None
    }
}

/// The end of a page of routes: lists are ordered by airline, origin, destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RouteAnchor(pub AirlineCode, pub AirportCode, pub AirportCode);

/// The service of an airline between two airports.
#[derive(Debug)]
pub struct AirlineLane {
    pub airline_code: AirlineCode,
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub typical_minutes: i32,
    pub upcoming: i64,
    /// Local weekdays of the upcoming departures, ascending, 1 for Monday.
    pub days: Vec<i16>,
    /// Local dates of the next and the last departure.
    pub first_date: Option<NaiveDate>,
    pub last_date: Option<NaiveDate>,
}
