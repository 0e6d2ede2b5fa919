use loadmaster_flights::FlightError;
use loadmaster_holds::{HoldError, no_bookable_itinerary};
use loadmaster_kernel::FlightId;
use loadmaster_platform::{
    idempotency::Repetition,
    postgres::{DbError, Transient},
    web::{Problem, problem_codes, version_mismatch},
};
use loadmaster_search::SearchError;
use loadmaster_shipment::ItineraryError;

use super::model::WaitlistStatus;

problem_codes! {
    { loadmaster_holds::code::CAPACITY_EXCEEDED, loadmaster_holds::code::EMBARGOED, loadmaster_holds::code::HANDLING_REQUIRED, loadmaster_holds::code::ITINERARY_INVALID, loadmaster_holds::code::FLIGHT_CLOSED, loadmaster_holds::code::FLIGHT_CANCELLED, loadmaster_holds::code::NO_BOOKABLE_ITINERARY, loadmaster_holds::code::PIECE_TOO_LARGE, loadmaster_holds::code::HOLD_EXPIRED, loadmaster_holds::code::HOLD_INCOMPLETE, loadmaster_holds::code::HOLD_LIMIT_EXCEEDED, loadmaster_holds::code::POSITION_TAKEN, loadmaster_pricing::code::NO_RATE, loadmaster_pricing::code::PRICE_CHANGED, loadmaster_pricing::code::QUOTE_REQUIRED, loadmaster_pricing::code::DISCOUNT_NOT_APPLICABLE, loadmaster_payments::code::PAYMENT_DECLINED, loadmaster_payments::code::PAYMENT_IN_PROGRESS, loadmaster_payments::code::PAYMENT_NOT_POSSIBLE, loadmaster_payments::code::CREDIT_EXCEEDED }
    NOT_FULL: CONFLICT, "not_full", "There is room: hold it",
        "Hold the freight on `flight_ids` (`POST /holds`) instead of waiting for it.";
}

#[derive(Debug, thiserror::Error)]
pub enum WaitlistError {
    #[error("no such entry, or not the caller's")]
    Unknown,
    #[error("{action} is not possible from {from:?}")]
    InvalidTransition { from: WaitlistStatus, action: &'static str, allowed: Vec<&'static str> },
    #[error("the entry is at version {0}")]
    VersionMismatch(i32),
    #[error(transparent)]
    Itinerary(#[from] ItineraryError),
    /// On these flights, the freight can be held now.
    #[error("there is room on {0:?}")]
    NotFull(Vec<FlightId>),
    /// A bound on holds and entries.
    #[error(transparent)]
    Limit(HoldError),
    /// No way on that date, or none that could ever carry the freight.
    #[error("no itinerary on that date")]
    NoItinerary,
    /// The rows changed between reading and locking.
    #[error("the flights or the entry changed while they were locked")]
    Raced,
    #[error(transparent)]
    Repeated(#[from] Repetition),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for WaitlistError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<SearchError> for WaitlistError {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Database(cause) => Self::Database(cause),
            SearchError::NoSuchAirport(code) => ItineraryError::Invalid(format!("There is no airport {code}.")).into(),
            // Occurs only in searches for display; candidates are read from the tables.
            SearchError::Interrupted | SearchError::Unwritable => Self::Database(sqlx::Error::WorkerCrashed.into()),
        }
    }
}

impl From<FlightError> for WaitlistError {
    fn from(error: FlightError) -> Self {
        match error {
            FlightError::Database(cause) => Self::Database(cause),
            _ => Self::Raced,
        }
    }
}

impl From<HoldError> for WaitlistError {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::Itinerary(cause) => Self::Itinerary(cause),
            HoldError::Database(cause) => Self::Database(cause),
            error @ HoldError::LimitExceeded { .. } => Self::Limit(error),
            _ => Self::Raced,
        }
    }
}

impl Transient for WaitlistError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Raced => true,
            Self::Repeated(Repetition::Database(cause)) | Self::Database(cause) => cause.is_transient(),
            _ => false,
        }
    }
}

impl From<WaitlistError> for Problem {
    fn from(error: WaitlistError) -> Self {
        match error {
            WaitlistError::Unknown => {
                Self::new(code::NOT_FOUND, "There is no such entry of the waitlist, or it is not yours.")
            }
            WaitlistError::InvalidTransition { from, action, allowed } => {
                let text = format!("You cannot {action} an entry that is {}.", from.as_str());
                Self::new(code::INVALID_TRANSITION, text)
                    .with("from", from)
                    .with("action", action)
                    .with("allowed", allowed)
            }
            WaitlistError::VersionMismatch(current) => version_mismatch(current),
            WaitlistError::Itinerary(error) => error.into(),
            WaitlistError::NotFull(flights) => {
                Self::new(code::NOT_FULL, "The freight can be held on these flights now; hold it instead of waiting.")
                    .with("next_action", "hold")
                    .with("flight_ids", flights)
            }
            WaitlistError::Limit(error) => error.into(),
            WaitlistError::NoItinerary => no_bookable_itinerary(),
            WaitlistError::Raced => Self::unavailable(
                "Other requests changed the flights or the entry during every attempt; nothing was changed, try again.",
            ),
            WaitlistError::Repeated(repetition) => repetition.into(),
            WaitlistError::Database(cause) => cause.into(),
        }
    }
}
