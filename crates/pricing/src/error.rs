use chrono::{DateTime, Utc};
use loadmaster_flights::FlightError;
use loadmaster_kernel::{Fault, FaultCode, FlightNumber};
use loadmaster_platform::{
    idempotency::Repetition,
    postgres::{DbError, Transient},
    tables::TableError,
    web::{InputFault, Problem, problem_codes, version_mismatch},
};

use super::{
    model::{DiscountReason, Faults},
    rules::RatingError,
};

problem_codes! {
    { loadmaster_flights::code::ITINERARY_INVALID, loadmaster_flights::code::FLIGHT_CLOSED, loadmaster_flights::code::FLIGHT_CANCELLED, loadmaster_flights::code::NO_BOOKABLE_ITINERARY }
    NO_RATE: CONFLICT, "no_rate", "No rate applies to this freight on these flights",
        "Choose other flights, or ask the carrier for a tariff.";
    DISCOUNT_NOT_APPLICABLE: CONFLICT, "discount_not_applicable", "The discount does not apply",
        "Leave `discount_code` out, or correct it; `reason` says why it does not apply.";
    QUOTE_EXPIRED: CONFLICT, "quote_expired", "The quote has expired",
        "Ask for a new quote.";
    PRICE_CHANGED: CONFLICT, "price_changed", "The price is another one",
        "Ask for a quote for these flights and this freight, and confirm its total.";
    QUOTE_REQUIRED: CONFLICT, "quote_required", "A quote is required",
        "Ask for a quote with `POST /api/v1/quotes`, and send its `id` as `quote_id`.";
}

#[derive(Debug, thiserror::Error)]
pub enum PricingError {
    /// With the kind of the thing.
    #[error("no such {0}")]
    Unknown(&'static str),
    #[error("another rule in force has this code")]
    AlreadyExists,
    #[error("there is no such organization")]
    UnknownOrganization,
    /// Members that contradict others.
    #[error("{0:?}")]
    Invalid(Faults),
    #[error("the rule is at version {0}")]
    VersionMismatch(i32),
    /// The imported table.
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Rating(#[from] RatingError),
    #[error("{0}")]
    ItineraryInvalid(String),
    #[error("flight {0} is closed for booking")]
    FlightClosed(FlightNumber),
    #[error("flight {0} is cancelled")]
    FlightCancelled(FlightNumber),
    #[error("no bookable itinerary")]
    NoBookableItinerary,
    /// A sale has got or lost its limit during the request.
    #[error("the prices changed during the request")]
    Raced,
    #[error(transparent)]
    Repeated(#[from] Repetition),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for PricingError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<FlightError> for PricingError {
    fn from(error: FlightError) -> Self {
        match error {
            FlightError::Database(cause) => Self::Database(cause),
            _ => Self::Raced,
        }
    }
}

impl Transient for PricingError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Raced => true,
            Self::Repeated(Repetition::Database(cause)) | Self::Database(cause) => cause.is_transient(),
            _ => false,
        }
    }
}

impl From<RatingError> for Problem {
    fn from(error: RatingError) -> Self {
        match error {
            RatingError::NoRate(reason) => Self::new(code::NO_RATE, reason),
            RatingError::Discount(reason) => discount_not_applicable(reason),
        }
    }
}

/// Returns the problem of a discount code that does not apply.
pub fn discount_not_applicable(reason: DiscountReason) -> Problem {
    let text = match reason {
        DiscountReason::Unknown => "There is no sale with this code.",
        DiscountReason::Window => "The sale with this code is not on, today or on the date of departure.",
        DiscountReason::Route => "The sale with this code does not apply to these flights, or not in this currency.",
        DiscountReason::UsedUp => "The sale has no use left. Ask for a price without it.",
    };
    Problem::new(code::DISCOUNT_NOT_APPLICABLE, text).with("reason", reason.as_str())
}

/// Returns the problem of a quote that holds no longer.
pub fn quote_expired(expires_at: DateTime<Utc>) -> Problem {
    Problem::new(code::QUOTE_EXPIRED, "The quote holds no longer.").with("expires_at", expires_at)
}

/// Returns the problem of flights or freight that a quote is not for, or of a total that is not the expected one.
pub fn price_changed(text: impl Into<String>) -> Problem {
    Problem::new(code::PRICE_CHANGED, text)
}

/// Returns the problem of a request that needs a quote.
pub fn quote_required() -> Problem {
    Problem::new(code::QUOTE_REQUIRED, "This carrier accepts no booking without a quote.")
}

impl From<PricingError> for Problem {
    fn from(error: PricingError) -> Self {
        match error {
            PricingError::Unknown("quote") => Self::new(code::NOT_FOUND, "There is no such quote, or it is not yours."),
            PricingError::Unknown(kind) => {
                Self::new(code::NOT_FOUND, format!("There is no such {kind}, or it has ended."))
            }
            PricingError::AlreadyExists => Self::new(code::ALREADY_EXISTS, "Another one in force has this code."),
            PricingError::UnknownOrganization => {
                let fault = Fault::new(FaultCode::UnknownValue, "must be the id of an existing organization");
                Self::validation(&InputFault::members(&[("/organization_id", fault)]))
            }
            PricingError::Invalid(faults) => Self::validation(&InputFault::members(&faults)),
            PricingError::VersionMismatch(current) => version_mismatch(current),
            PricingError::Table(error) => error.into(),
            PricingError::Rating(error) => error.into(),
            PricingError::ItineraryInvalid(text) => Self::new(code::ITINERARY_INVALID, text),
            PricingError::FlightClosed(number) => Self::new(
                code::FLIGHT_CLOSED,
                format!("{number} is closed for booking; its cut-off has passed or it has departed."),
            ),
            PricingError::FlightCancelled(number) => {
                Self::new(code::FLIGHT_CANCELLED, format!("{number} is cancelled."))
            }
            PricingError::NoBookableItinerary => Self::new(
                code::NO_BOOKABLE_ITINERARY,
                "No direct flight or connection that has room for this freight, and may carry it, was found for that departure.",
            ),
            PricingError::Raced => {
                Self::unavailable("Other requests changed the prices during every attempt; try again.")
            }
            PricingError::Repeated(repetition) => repetition.into(),
            PricingError::Database(cause) => cause.into(),
        }
    }
}
