use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_capacity::{FlightStatus, OpenUntil, Shortfall, Space};
use loadmaster_embargoes::{Embargoes, Obstacle, Violation};
use loadmaster_flights::{self as flights, Flight, Segment, chain_fault};
use loadmaster_kernel::{AirportCode, FlightId, FlightNumber, HandlingCode};

use super::fit::{Fit, Oversize};

/// The reason why flights cannot carry freight.
#[derive(Debug, thiserror::Error)]
pub enum ItineraryError {
    #[error("flight {flight_number} does not have enough capacity")]
    Full { flight_id: FlightId, flight_number: FlightNumber, shortfall: Box<Shortfall> },
    #[error("{0}")]
    Invalid(String),
    #[error("flight {0} is closed for booking")]
    Closed(FlightNumber),
    #[error("flight {0} is cancelled")]
    Cancelled(FlightNumber),
    #[error("embargo {} keeps the freight off flight {}", .0.embargo_id, .0.flight_number)]
    Embargoed(Box<Violation>),
    #[error("flight {} has no opening for a piece", .0.flight_number)]
    TooLarge(Box<Oversize>),
}

impl ItineraryError {
    /// Returns the label of the metrics of attempts.
    pub const fn outcome(&self) -> &'static str {
        match self {
            Self::Full { .. } => "capacity_exceeded",
            Self::Invalid(_) => "itinerary_invalid",
            Self::Closed(_) => "flight_closed",
            Self::Cancelled(_) => "flight_cancelled",
            Self::Embargoed(violation) => match violation.obstacle {
                Obstacle::Forbidden => "embargoed",
                Obstacle::HandlingRequired(_) => "handling_required",
            },
            Self::TooLarge(_) => "piece_too_large",
        }
    }
}

/// The requirements of freight on its flights.
#[derive(Debug, Clone, Copy)]
pub struct Demand<'a> {
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub space: Space,
    pub special_handling_codes: &'a [HandlingCode],
    /// The segment that brings the freight to `origin`, if it does not start there.
    pub inbound: Option<Segment<'a>>,
    /// `None`: whether its pieces fit is not judged.
    pub fit: Option<Fit<'a>>,
    pub until: OpenUntil,
}

/// Puts the flights found into the requested order; a missing flight is an error.
pub fn in_order(ids: &[FlightId], found: Vec<Flight>) -> Result<Vec<Flight>, ItineraryError> {
    flights::in_order(ids, found).map_err(ItineraryError::Invalid)
}

/// Checks that these flights, in this order, carry the freight: they chain with time to connect, are not cancelled,
/// still take bookings, are of the required kind, may carry it under the embargoes, have openings for its pieces, and have
/// space. Returns the first obstacle.
pub fn check(
    flights: &[Flight],
    demand: Demand<'_>,
    embargoes: &Embargoes,
    minimum_connection: impl Fn(AirportCode) -> TimeDelta,
    now: DateTime<Utc>,
) -> Result<(), ItineraryError> {
    check_chain(flights, &demand, minimum_connection)?;
    for flight in flights {
        match flight.space.status {
            FlightStatus::Cancelled => return Err(ItineraryError::Cancelled(flight.number)),
            FlightStatus::Scheduled if demand.until == OpenUntil::Departure || flight.takes_bookings(now) => {}
            _ => return Err(ItineraryError::Closed(flight.number)),
        }
    }
    let freighters_only = demand.special_handling_codes.contains(&HandlingCode::CARGO_AIRCRAFT_ONLY);
    if let Some(flight) = flights.iter().find(|flight| freighters_only && !flight.is_freighter) {
        return Err(no_freighter(flight));
    }
    check_embargoes(flights, demand.special_handling_codes, embargoes)?;
    check_fit(flights, demand.fit)?;
    for flight in flights {
        if let Some(shortfall) = flight.space.shortfall(demand.space) {
            return Err(ItineraryError::Full {
                flight_id: flight.id,
                flight_number: flight.number,
                shortfall: Box::new(shortfall),
            });
        }
    }
    Ok(())
}

/// Checks that these flights may carry freight with these special handling codes under the embargoes.
pub fn check_embargoes(
    flights: &[Flight],
    codes: &[HandlingCode],
    embargoes: &Embargoes,
) -> Result<(), ItineraryError> {
    let violation = embargoes.first_violation(flights, codes);
    violation.map_or(Ok(()), |violation| Err(ItineraryError::Embargoed(Box::new(violation))))
}

/// Checks that each piece fits on each of these flights.
pub fn check_fit(flights: &[Flight], fit: Option<Fit<'_>>) -> Result<(), ItineraryError> {
    let oversize = fit.and_then(|fit| flights.iter().find_map(|flight| fit.oversize_on(flight)));
    oversize.map_or(Ok(()), |oversize| Err(ItineraryError::TooLarge(Box::new(oversize))))
}

/// Returns the refusal of a flight for freight that requires a cargo aircraft.
pub fn no_freighter(flight: &Flight) -> ItineraryError {
    let text = format!(
        "{} is not operated by a freighter, and cargo with the code CAO flies on cargo aircraft only.",
        flight.number
    );
    ItineraryError::Invalid(text)
}

fn check_chain(
    flights: &[Flight],
    demand: &Demand<'_>,
    minimum_connection: impl Fn(AirportCode) -> TimeDelta,
) -> Result<(), ItineraryError> {
    let fault = chain_fault(flights, (demand.origin, demand.destination), demand.inbound, minimum_connection);
    fault.map_or(Ok(()), |text| Err(ItineraryError::Invalid(text)))
}
