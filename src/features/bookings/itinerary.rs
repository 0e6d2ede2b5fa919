use chrono::{DateTime, TimeDelta, Utc};

use super::error::BookingError;
use crate::{
    features::{
        capacity::{FlightStatus, OpenUntil, Space},
        embargoes::Embargoes,
        flights::{Flight, Segment, is_connection},
    },
    kernel::{AirportCode, FlightId, HandlingCode},
};

/// The requirements of a booking on its flights.
#[derive(Debug, Clone, Copy)]
pub(super) struct Demand<'a> {
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub space: Space,
    pub special_handling_codes: &'a [HandlingCode],
    /// The segment that brings the freight to `origin`, if it does not start there.
    pub inbound: Option<Segment<'a>>,
    pub until: OpenUntil,
}

/// Puts the flights found into the requested order; a missing flight is an error.
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

/// Checks that these flights, in this order, carry the freight: they chain with time to connect, are not cancelled,
/// still take bookings, are of the required kind, may carry it under the embargoes, and have room. Returns the first
/// obstacle.
pub(super) fn check(
    flights: &[Flight],
    demand: Demand<'_>,
    embargoes: &Embargoes,
    minimum_connection: impl Fn(AirportCode) -> TimeDelta,
    now: DateTime<Utc>,
) -> Result<(), BookingError> {
    check_chain(flights, &demand, minimum_connection)?;
    for flight in flights {
        match flight.room.status {
            FlightStatus::Cancelled => return Err(BookingError::FlightCancelled(flight.number.clone())),
            FlightStatus::Scheduled if demand.until == OpenUntil::Departure || flight.takes_bookings(now) => {}
            _ => return Err(BookingError::FlightClosed(flight.number.clone())),
        }
    }
    let freighters_only = demand.special_handling_codes.contains(&HandlingCode::CARGO_AIRCRAFT_ONLY);
    if let Some(flight) = flights.iter().find(|flight| freighters_only && !flight.is_freighter) {
        return Err(no_freighter(flight));
    }
    check_embargoes(flights, demand.special_handling_codes, embargoes)?;
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

/// Checks that these flights may carry freight with these special handling codes under the embargoes.
pub(super) fn check_embargoes(
    flights: &[Flight],
    codes: &[HandlingCode],
    embargoes: &Embargoes,
) -> Result<(), BookingError> {
    let violation = embargoes.first_violation(flights, codes);
    violation.map_or(Ok(()), |violation| Err(BookingError::Embargoed(Box::new(violation))))
}

/// Returns the refusal of a flight for freight that requires a cargo aircraft.
pub(super) fn no_freighter(flight: &Flight) -> BookingError {
    let text = format!(
        "{} is not operated by a freighter, and cargo with the code CAO flies on cargo aircraft only.",
        flight.number
    );
    BookingError::ItineraryInvalid(text)
}

fn check_chain(
    flights: &[Flight],
    demand: &Demand<'_>,
    minimum_connection: impl Fn(AirportCode) -> TimeDelta,
) -> Result<(), BookingError> {
    let invalid = |text: String| Err(BookingError::ItineraryInvalid(text));
    let Some((first, last)) = flights.first().zip(flights.last()) else {
        return invalid("An itinerary requires at least one flight.".to_owned());
    };
    if demand.origin == demand.destination {
        return invalid(format!(
            "The cargo will land at its destination, {}, and needs no further flights.",
            demand.origin
        ));
    }
    if first.origin != demand.origin {
        return invalid(format!("{} departs from {}, not from {}.", first.number, first.origin, demand.origin));
    }
    let passes = flights.iter().rev().skip(1).find(|flight| flight.destination == demand.destination);
    if let Some(early) = passes {
        let text =
            format!("{} arrives at {}, the destination, before the last flight.", early.number, demand.destination);
        return invalid(text);
    }
    if last.destination != demand.destination {
        return invalid(format!("{} arrives at {}, not at {}.", last.number, last.destination, demand.destination));
    }
    let mut inbound = demand.inbound;
    for onward in flights.iter().map(Segment::from) {
        if let Some(inbound) = inbound {
            let (to, from) = (inbound.destination, onward.origin);
            if to != from {
                return invalid(format!(
                    "{} arrives at {to}, but {} departs from {from}.",
                    inbound.number, onward.number
                ));
            }
            let minimum = minimum_connection(from);
            if !is_connection(inbound, onward, minimum) {
                let minutes = minimum.num_minutes();
                return invalid(format!(
                    "{} departs from {from} less than {minutes} minutes after {} arrives there.",
                    onward.number, inbound.number
                ));
            }
        }
        inbound = Some(onward);
    }
    Ok(())
}
