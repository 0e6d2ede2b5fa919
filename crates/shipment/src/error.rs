//! The problems of freight that flights do not carry.
use loadmaster_capacity::{self as capacity, Dimension, Shortfall};
use loadmaster_flights as flights;
use loadmaster_kernel::{FlightId, FlightNumber};
use loadmaster_platform::web::Problem;

use super::{ItineraryError, Oversize};

impl From<ItineraryError> for Problem {
    fn from(error: ItineraryError) -> Self {
        match error {
            ItineraryError::Full { flight_id, flight_number, shortfall } => full(flight_id, flight_number, &shortfall),
            ItineraryError::Invalid(text) => Self::new(flights::code::ITINERARY_INVALID, text),
            ItineraryError::Closed(number) => Self::new(
                flights::code::FLIGHT_CLOSED,
                format!("{number} is closed for booking; its cut-off has passed or it has departed."),
            ),
            ItineraryError::Cancelled(number) => {
                Self::new(flights::code::FLIGHT_CANCELLED, format!("{number} is cancelled."))
            }
            ItineraryError::Embargoed(violation) => (*violation).into(),
            ItineraryError::TooLarge(oversize) => too_large(&oversize),
        }
    }
}

fn too_large(Oversize { flight_id, flight_number, piece }: &Oversize) -> Problem {
    Problem::new(flights::code::PIECE_TOO_LARGE, format!("{flight_number} {piece}"))
        .with("flight_id", flight_id)
        .with("flight_number", flight_number)
        .with("line", piece.line)
}

fn full(flight_id: FlightId, flight_number: FlightNumber, shortfall: &Shortfall) -> Problem {
    let (requested, available) = (shortfall.requested, shortfall.available);
    let left = match shortfall.dimension {
        Dimension::Weight => format!("{} of {}", available.weight, requested.weight),
        Dimension::Volume => format!("{} of {}", available.volume, requested.volume),
        Dimension::Positions => format!("{} of {} positions", available.positions.count(), requested.positions.count()),
    };
    let dimension = shortfall.dimension;
    Problem::new(capacity::code::CAPACITY_EXCEEDED, format!("{flight_number} has only {left} available."))
        .with("flight_id", flight_id)
        .with("flight_number", flight_number)
        .with("dimension", dimension.as_str())
        .with("requested", requested.figure(dimension))
        .with("available", available.figure(dimension))
}
