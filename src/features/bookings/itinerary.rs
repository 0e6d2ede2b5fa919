use chrono::{DateTime, TimeDelta, Utc};

use super::error::BookingError;
use crate::{
    features::{
        capacity::{FlightStatus, Space},
        flights::Flight,
        search::is_connection,
    },
    kernel::{AirportCode, FlightId, HandlingCode},
};

/// What a booking asks of its flights.
#[derive(Debug, Clone, Copy)]
pub(super) struct Demand<'a> {
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub space: Space,
    pub special_handling_codes: &'a [HandlingCode],
}

/// Puts the flights that were found into the order that was asked for; one that does not exist makes no itinerary.
pub(super) fn in_order(ids: &[FlightId], mut found: Vec<Flight>) -> Result<Vec<Flight>, BookingError> {
    let mut ordered = Vec::with_capacity(ids.len());
    for id in ids {
        let Some(at) = found.iter().position(|flight| flight.id == *id) else {
            let twice = ordered.iter().any(|flight: &Flight| flight.id == *id);
            let fault = if twice { "is named twice" } else { "does not exist" };
            return Err(BookingError::ItineraryInvalid(format!("Flight {id} {fault}.")));
        };
        ordered.push(found.swap_remove(at));
    }
    Ok(ordered)
}

/// Whether these flights, in this order, carry that freight: they chain with time to connect, still go, still take
/// bookings, are of the kind that is needed, and have room. The first obstacle is told.
pub(super) fn check(
    flights: &[Flight],
    demand: Demand<'_>,
    minimum_connection: impl Fn(AirportCode) -> TimeDelta,
    now: DateTime<Utc>,
) -> Result<(), BookingError> {
    check_chain(flights, demand.origin, demand.destination, minimum_connection)?;
    for flight in flights {
        match flight.room.status {
            FlightStatus::Cancelled => return Err(BookingError::FlightCancelled(flight.number.clone())),
            FlightStatus::Scheduled if flight.takes_bookings(now) => {}
            _ => return Err(BookingError::FlightClosed(flight.number.clone())),
        }
    }
    let freighters_only = demand.special_handling_codes.contains(&HandlingCode::CARGO_AIRCRAFT_ONLY);
    if let Some(flight) = flights.iter().find(|flight| freighters_only && !flight.is_freighter) {
        let text = format!("{} is not a freighter, and CAO freight flies on cargo aircraft only.", flight.number);
        return Err(BookingError::ItineraryInvalid(text));
    }
    for flight in flights {
        if let Some(shortfall) = flight.room.shortfall(demand.space) {
            return Err(BookingError::Full {
                flight_id: flight.id,
                flight_number: flight.number.clone(),
                shortfall: Box::new(shortfall),
            });
        }
    }
    Ok(())
}

fn check_chain(
    flights: &[Flight],
    origin: AirportCode,
    destination: AirportCode,
    minimum_connection: impl Fn(AirportCode) -> TimeDelta,
) -> Result<(), BookingError> {
    let invalid = |text: String| Err(BookingError::ItineraryInvalid(text));
    match (flights.first(), flights.last()) {
        (Some(first), _) if first.origin != origin => {
            invalid(format!("{} leaves from {}, not from {origin}.", first.number, first.origin))
        }
        (_, Some(last)) if last.destination != destination => {
            invalid(format!("{} goes to {}, not to {destination}.", last.number, last.destination))
        }
        (Some(_), Some(_)) => {
            for pair in flights.windows(2) {
                let (inbound, onward) = (&pair[0], &pair[1]);
                if inbound.destination != onward.origin {
                    let (to, from) = (inbound.destination, onward.origin);
                    return invalid(format!(
                        "{} goes to {to}, but {} leaves from {from}.",
                        inbound.number, onward.number
                    ));
                }
                let minimum = minimum_connection(onward.origin);
                if !is_connection(inbound, onward, minimum) {
                    let minutes = minimum.num_minutes();
                    return invalid(format!(
                        "{} leaves {} less than {minutes} minutes after {} lands there.",
                        onward.number, onward.origin, inbound.number
                    ));
                }
            }
            Ok(())
        }
        _ => invalid("An itinerary needs at least one flight.".to_owned()),
    }
}
