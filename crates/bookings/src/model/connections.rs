//! Connections at risk, and bookings to be rerouted, of each flight.
use chrono::{DateTime, Utc};
use loadmaster_capacity::FlightStatus;
use loadmaster_flights::Flight;
use loadmaster_kernel::{FlightId, FlightNumber, Weight, words};
use uuid::Uuid;

use super::Booking;

words! {
    /// Why a booking is listed at a flight.
    pub enum Concern {
        /// The time to its connection is shorter than the minimum.
        AtRisk = "AT_RISK",
        /// It lost a leg.
        ToReroute = "TO_REROUTE",
    }
}

/// When a flight lands at the earliest, and the minimum connection time there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Landing {
    pub flight_id: FlightId,
    pub at: DateTime<Utc>,
    /// The same of freight that is in the air, whatever is known of the flight.
    pub in_the_air: DateTime<Utc>,
    pub minutes_needed: i32,
}

/// A flight that may be missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Onward {
    pub flight_id: FlightId,
    pub flight_number: FlightNumber,
    pub departure: DateTime<Utc>,
    /// Minutes from the landing to the departure, rounded down; negative if the flight leaves before the landing. Of several
    /// bookings, the lowest.
    pub minutes_left: i32,
    pub minutes_needed: i32,
}

/// Bookings of a flight with the same onward flight at risk, or without one: those to be rerouted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    pub flight_id: FlightId,
    pub onward: Option<Onward>,
    pub bookings: i64,
    pub weight: Weight,
}

/// A booking of a flight that needs attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concerned {
    pub booking_id: Uuid,
    /// The flight that it may miss.
    pub onward: Option<Onward>,
    pub is_to_reroute: bool,
}

/// A booking of a flight that needs attention, as it is listed.
#[derive(Debug)]
pub struct ListedConcern {
    pub booking: Booking,
    pub concerned: Concerned,
    /// When another flight may take the freight on from where it is or will land; `None` if nothing was flown yet.
    pub earliest_departure: Option<DateTime<Utc>>,
}

/// The figures of a flight.
#[derive(Debug)]
pub struct FlightConcerns {
    pub flight: Flight,
    /// The earliest onward departure first, then those to be rerouted.
    pub sums: Vec<Sum>,
}

impl Landing {
    /// A flight that is late has its best known times behind it: it leaves or lands now at the earliest.
    pub fn of(flight: &Flight, minutes_needed: i64, now: DateTime<Utc>) -> Self {
        let at = match flight.space.status {
            FlightStatus::Scheduled => flight.arrival.max(now + (flight.arrival - flight.departure)),
            FlightStatus::Departed => flight.arrival.max(now),
            FlightStatus::Arrived | FlightStatus::Cancelled => flight.arrival,
        };
        Self {
            flight_id: flight.id,
            at,
            in_the_air: flight.arrival.max(now),
            minutes_needed: i32::try_from(minutes_needed).unwrap_or(i32::MAX),
        }
    }
}
