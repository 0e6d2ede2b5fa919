use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_flights::{Flight, Window};
use loadmaster_kernel::{AirportCode, Fault, FaultCode, FlightId, FlightNumber, Weight};
use loadmaster_platform::web::{Fields, read, request, with};
use loadmaster_reference::Reference;
use loadmaster_shipment::Surroundings;
use serde::Serialize;
use utoipa::ToSchema;

use super::BookingBody;

use crate::model::{Concern, FlightConcerns, ListedConcern, Onward, Sum};

/// Longest window, so that a page does not look through more flights than a board shows.
const LONGEST: TimeDelta = TimeDelta::days(4);
/// Length of a window without an end.
const USUAL: TimeDelta = TimeDelta::days(2);
/// How long ago a window without a beginning begins.
const BEFORE: TimeDelta = TimeDelta::days(1);
/// Most onward flights named at a flight.
const MOST_ONWARD: usize = 50;

request! {
    /// Which flights are looked at.
    pub struct ConnectionWindow in query(reference: &Reference) {
        /// Only flights from or to this airport.
        #[param(value_type = Option<String>)]
        station: Option<AirportCode> = |raw| reference.read_airport(raw),
        /// Only flights whose best known departure is at or after this time. Default: a day ago, so that
        /// flights that are late or in the air are among them.
        from: Option<DateTime<Utc>> = read::instant,
        /// Only flights whose best known departure is before this time, which is after `from` by at most 4 days. Default: two days
        /// after `from`.
        to: Option<DateTime<Utc>> = with(|fields| read_end(fields, from)),
    }
}

impl ConnectionWindow {
    /// Returns the window; one without a beginning begins a day ago, or before its end.
    pub fn window(&self, now: DateTime<Utc>) -> Window {
        let usual = self.to.map_or(now - BEFORE, |to| (now - BEFORE).clamp(to - LONGEST, to));
        let from = self.from.unwrap_or(usual);
        Window { station: self.station, from, to: self.to.unwrap_or(from + USUAL) }
    }
}

fn read_end(fields: &mut Fields<'_>, from: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    fields.optional("to", |raw| {
        let to = read::instant(raw)?;
        let Some(from) = from else { return Ok(to) };
        if to <= from {
            Err(Fault::new(FaultCode::OutOfOrder, "must be after `from`"))
        } else if to - from > LONGEST {
            Err(Fault::new(FaultCode::OutOfOrder, format!("must be at most {} days after `from`", LONGEST.num_days())))
        } else {
            Ok(to)
        }
    })
}

request! {
    /// Which bookings of a flight are listed.
    pub struct ConnectionFilter in query {
        /// Only bookings with a connection at risk (`AT_RISK`), or only those to be rerouted (`TO_REROUTE`). Default: both.
        #[param(inline)]
        concern: Option<Concern> = read::word(Concern::WORDS),
    }
}

/// A flight with bookings whose connection is at risk, or that are to be rerouted.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlightConnections {
    /// The flight that they are on, or were on.
    pub flight_id: FlightId,
    /// The number of that flight.
    pub flight_number: FlightNumber,
    /// Where it leaves.
    pub origin: AirportCode,
    /// Where it lands, and the connections are.
    pub destination: AirportCode,
    /// Best known departure, UTC.
    pub departure_datetime: DateTime<Utc>,
    /// Best known arrival, UTC.
    pub arrival_datetime: DateTime<Utc>,
    /// Bookings whose next flight leaves too soon after this one lands, or before.
    pub at_risk: ConnectionsAtRisk,
    /// Bookings that lost a leg, on this flight or on another one of their route.
    pub to_reroute: ConcernedFreight,
}

/// Connections that may be missed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionsAtRisk {
    /// Number of bookings.
    pub bookings: i64,
    /// Gross weight of these bookings in kg.
    pub weight_kg: Weight,
    /// The flights that they may miss, by departure: at most 50.
    #[schema(max_items = 50)]
    pub onward: Vec<OnwardAtRisk>,
}

/// Bookings and their weight.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConcernedFreight {
    /// Number of bookings.
    pub bookings: i64,
    /// Gross weight of these bookings in kg.
    pub weight_kg: Weight,
}

/// A flight that bookings may miss.
#[derive(Debug, Serialize, ToSchema)]
pub struct OnwardAtRisk {
    /// The flight of the next leg.
    pub flight_id: FlightId,
    /// The number of that flight.
    pub flight_number: FlightNumber,
    /// Best known departure of that flight, UTC.
    pub departure_datetime: DateTime<Utc>,
    /// Minutes from the landing to that departure, rounded down: the least of these bookings. Negative if the flight leaves before.
    pub minutes_left: i32,
    /// Minimum connection time at the airport, in minutes; 0 while the flight number stays the same.
    pub minutes_needed: i32,
    /// Number of bookings.
    pub bookings: i64,
    /// Gross weight of these bookings in kg.
    pub weight_kg: Weight,
}

/// A connection that may be missed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionAtRisk {
    /// The flight of the next leg.
    pub flight_id: FlightId,
    /// The number of that flight.
    pub flight_number: FlightNumber,
    /// Best known departure of that flight, UTC.
    pub departure_datetime: DateTime<Utc>,
    /// Minutes from the landing to that departure, rounded down. Negative if the flight leaves before.
    pub minutes_left: i32,
    /// Minimum connection time at the airport, in minutes; 0 while the flight number stays the same.
    pub minutes_needed: i32,
}

/// A booking of a flight that needs attention.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConcernedBooking {
    /// The booking.
    pub booking: BookingBody,
    /// The connection from this flight that it may miss; null if none is at risk.
    #[schema(required = true)]
    pub at_risk: Option<ConnectionAtRisk>,
    /// Whether it lost a leg, on this flight or on another one of its route, and needs another route.
    pub to_reroute: bool,
    /// When the first flight of another route may leave at the earliest, UTC: the minimum connection time of the airport after the
    /// best known landing of the freight, and not before its booked one. A flight that continues under the same number needs no
    /// such time. Null if the freight has not been flown yet: any flight that still takes bookings will do.
    #[schema(required = true, example = "2026-12-02T21:40:00Z")]
    pub earliest_departure_datetime: Option<DateTime<Utc>>,
}

impl From<&FlightConcerns> for FlightConnections {
    fn from(FlightConcerns { flight, sums }: &FlightConcerns) -> Self {
        let (at_risk, to_reroute): (Vec<&Sum>, Vec<&Sum>) = sums.iter().partition(|sum| sum.onward.is_some());
        let onward = at_risk.iter().filter_map(|sum| {
            let Onward { flight_id, flight_number, departure, minutes_left, minutes_needed } = sum.onward?;
            Some(OnwardAtRisk {
                flight_id,
                flight_number,
                departure_datetime: departure,
                minutes_left,
                minutes_needed,
                bookings: sum.bookings,
                weight_kg: sum.weight,
            })
        });
        let onward = onward.take(MOST_ONWARD).collect();
        let ConcernedFreight { bookings, weight_kg } = ConcernedFreight::of(&at_risk);
        let Flight { id, number, origin, destination, departure, arrival, .. } = flight;
        Self {
            flight_id: *id,
            flight_number: *number,
            origin: *origin,
            destination: *destination,
            departure_datetime: *departure,
            arrival_datetime: *arrival,
            at_risk: ConnectionsAtRisk { bookings, weight_kg, onward },
            to_reroute: ConcernedFreight::of(&to_reroute),
        }
    }
}

impl ConcernedFreight {
    fn of(sums: &[&Sum]) -> Self {
        let hectograms: i64 = sums.iter().map(|sum| sum.weight.hectograms()).sum();
        Self { bookings: sums.iter().map(|sum| sum.bookings).sum(), weight_kg: Weight::from_hectograms(hectograms) }
    }
}

impl From<&Onward> for ConnectionAtRisk {
    fn from(onward: &Onward) -> Self {
        Self {
            flight_id: onward.flight_id,
            flight_number: onward.flight_number,
            departure_datetime: onward.departure,
            minutes_left: onward.minutes_left,
            minutes_needed: onward.minutes_needed,
        }
    }
}

impl ConcernedBooking {
    pub fn new(
        ListedConcern { booking, concerned, earliest_departure }: &ListedConcern,
        surroundings: &Surroundings,
    ) -> Self {
        Self {
            booking: BookingBody::new(booking, surroundings),
            at_risk: concerned.onward.as_ref().map(ConnectionAtRisk::from),
            to_reroute: concerned.is_to_reroute,
            earliest_departure_datetime: *earliest_departure,
        }
    }
}
