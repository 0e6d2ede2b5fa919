use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use loadmaster_kernel::{AirportCode, FlightNumber};

use super::Flight;

/// Minimum ground time of freight for a connection, by airport.
pub trait Connections {
    fn minimum_connection(&self, airport: AirportCode) -> TimeDelta;
    /// Returns the first instant after the last day on which freight that set out on `departure_date` may leave this
    /// airport.
    fn connection_window_end(&self, airport: AirportCode, departure_date: NaiveDate) -> Option<DateTime<Utc>>;
}

/// The part of a flight, or of a leg booked on one, that determines a connection.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'a> {
    pub number: &'a FlightNumber,
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub departure: DateTime<Utc>,
    pub arrival: DateTime<Utc>,
}

impl<'a> From<&'a Flight> for Segment<'a> {
    fn from(flight: &'a Flight) -> Self {
        Self {
            number: &flight.number,
            origin: flight.origin,
            destination: flight.destination,
            departure: flight.departure,
            arrival: flight.arrival,
        }
    }
}

/// Returns whether freight off `inbound` makes `onward`: the airport is the same, and the minimum connection time is
/// met unless the flight number stays the same, as then the freight stays aboard.
pub fn is_connection<'a>(inbound: impl Into<Segment<'a>>, onward: impl Into<Segment<'a>>, minimum: TimeDelta) -> bool {
    let (inbound, onward) = (inbound.into(), onward.into());
    let stays_aboard = inbound.number == onward.number;
    inbound.destination == onward.origin && is_in_time(inbound.arrival, onward.departure, stays_aboard, minimum)
}

/// Returns whether freight that arrives then makes a departure. While it stays aboard, no time is needed.
pub fn is_in_time(arrival: DateTime<Utc>, departure: DateTime<Utc>, stays_aboard: bool, minimum: TimeDelta) -> bool {
    departure - arrival >= if stays_aboard { TimeDelta::zero() } else { minimum }
}
