use chrono::TimeDelta;
use loadmaster_kernel::{AirportCode, FlightId};

use super::{Flight, Lane, Segment, is_connection};

/// Puts the flights found into the requested order; a missing flight is a fault, described in a sentence.
pub fn in_order(ids: &[FlightId], mut found: Vec<Flight>) -> Result<Vec<Flight>, String> {
    let mut ordered = Vec::with_capacity(ids.len());
    for id in ids {
        let Some(at) = found.iter().position(|flight| flight.id == *id) else {
            let twice = ordered.iter().any(|flight: &Flight| flight.id == *id);
            let fault = if twice { "is named twice" } else { "does not exist" };
            return Err(format!("Flight {id} {fault}."));
        };
        ordered.push(found.swap_remove(at));
    }
    Ok(ordered)
}

/// Returns why these flights, in this order, do not lead from origin to destination with time to connect. `inbound`: the
/// segment that brings the freight to the origin, if it does not start there.
pub fn chain_fault<'a>(
    flights: &'a [Flight],
    (origin, destination): Lane,
    mut inbound: Option<Segment<'a>>,
    minimum_connection: impl Fn(AirportCode) -> TimeDelta,
) -> Option<String> {
    let Some((first, last)) = flights.first().zip(flights.last()) else {
        return Some("An itinerary requires at least one flight.".to_owned());
    };
    if origin == destination {
        return Some(format!("The cargo will land at its destination, {origin}, and needs no further flights."));
    }
    if first.origin != origin {
        return Some(format!("{} departs from {}, not from {origin}.", first.number, first.origin));
    }
    let passes = flights.iter().rev().skip(1).find(|flight| flight.destination == destination);
    if let Some(early) = passes {
        return Some(format!("{} arrives at {destination}, the destination, before the last flight.", early.number));
    }
    if last.destination != destination {
        return Some(format!("{} arrives at {}, not at {destination}.", last.number, last.destination));
    }
    for onward in flights.iter().map(Segment::from) {
        if let Some(inbound) = inbound {
            let (to, from) = (inbound.destination, onward.origin);
            if to != from {
                return Some(format!("{} arrives at {to}, but {} departs from {from}.", inbound.number, onward.number));
            }
            let minimum = minimum_connection(from);
            if !is_connection(inbound, onward, minimum) {
                let minutes = minimum.num_minutes();
                return Some(format!(
                    "{} departs from {from} less than {minutes} minutes after {} arrives there.",
                    onward.number, inbound.number
                ));
            }
        }
        inbound = Some(onward);
    }
    None
}
