use chrono::{DateTime, Utc};
use loadmaster_kernel::{FlightId, Money};
use loadmaster_payments::{payment_in_progress, payment_not_possible};
use loadmaster_platform::{
    idempotency::Repetition,
    postgres::{DbError, Transient},
    web::{Code, InputFault, Problem, problem_codes, version_mismatch},
};
use loadmaster_pricing::{
    DiscountReason, RatingError, discount_not_applicable, price_changed, quote_expired, quote_required,
};
use loadmaster_search::SearchError;
use loadmaster_shipment::{ItineraryError, MemberFaults, PositionName};

use super::model::{HoldAction, HoldStatus};

problem_codes! {
    { loadmaster_capacity::code::CAPACITY_EXCEEDED, loadmaster_embargoes::code::EMBARGOED, loadmaster_embargoes::code::HANDLING_REQUIRED, loadmaster_flights::code::FLIGHT_CLOSED, loadmaster_flights::code::FLIGHT_CANCELLED, loadmaster_flights::code::ITINERARY_INVALID, loadmaster_flights::code::NO_BOOKABLE_ITINERARY, loadmaster_flights::code::PIECE_TOO_LARGE, loadmaster_pricing::code::DISCOUNT_NOT_APPLICABLE, loadmaster_pricing::code::NO_RATE, loadmaster_pricing::code::PRICE_CHANGED, loadmaster_pricing::code::QUOTE_EXPIRED, loadmaster_pricing::code::QUOTE_REQUIRED, loadmaster_payments::code::PAYMENT_IN_PROGRESS, loadmaster_payments::code::PAYMENT_NOT_POSSIBLE }
    HOLD_EXPIRED: CONFLICT, "hold_expired", "The hold has expired",
        "Make a new hold.";
    HOLD_INCOMPLETE: CONFLICT, "hold_incomplete", "The hold lacks what a booking requires",
        "Set the members named in `missing`, in the hold or with the commit.";
    HOLD_LIMIT_EXCEEDED: CONFLICT, "hold_limit_exceeded", "The hold exceeds a limit",
        "Release a hold, leave the waitlist, hold less, or book; `limit` names the limit and `maximum` its value.";
    POSITION_TAKEN: CONFLICT, "position_taken", "A position has been taken",
        "Choose positions that are `FREE`, or give their number only.";
}

/// A bound on what may be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldLimit {
    /// Percentage of the flight that guests may hold.
    FlightShare,
    /// Holds and entries of the waitlist at once.
    Active,
    /// Seconds from making the hold.
    Lifetime,
    /// Seconds from making the offer.
    OfferLifetime,
    /// Payments that are begun for a hold.
    Attempts,
}

impl HoldLimit {
    const fn as_str(self) -> &'static str {
        match self {
            Self::FlightShare => "flight_share",
            Self::Active => "active",
            Self::Lifetime | Self::OfferLifetime => "lifetime",
            Self::Attempts => "attempts",
        }
    }
}

/// Why freight is not held or booked at a price.
#[derive(Debug, thiserror::Error)]
pub enum PriceFault {
    /// The quote is older than its time.
    #[error("the quote has expired")]
    Expired(DateTime<Utc>),
    /// The quote of this total is for something else.
    #[error("the quote of {0:?} is for something else")]
    OtherQuote(Money),
    /// The price is not the expected one; `None`: there is none.
    #[error("the price is {0:?}")]
    Changed(Option<Money>),
    #[error("the price is too large to be written")]
    TooLarge,
    /// With the reason.
    #[error("there is no rate: {0}")]
    NoRate(String),
    #[error("there is no price, and one is required")]
    Required,
    #[error("the discount does not apply: {0:?}")]
    Discount(DiscountReason),
}

impl From<RatingError> for PriceFault {
    fn from(error: RatingError) -> Self {
        match error {
            RatingError::NoRate(reason) => Self::NoRate(reason),
            RatingError::Discount(reason) => Self::Discount(reason),
        }
    }
}

impl From<PriceFault> for Problem {
    fn from(fault: PriceFault) -> Self {
        match fault {
            PriceFault::Expired(at) => quote_expired(at),
            PriceFault::Changed(price) => other_price(price),
            PriceFault::TooLarge => RatingError::no_rate("The amount is too large.").into(),
            PriceFault::NoRate(reason) => RatingError::no_rate(reason).into(),
            PriceFault::OtherQuote(total) => {
                price_changed("The quote is for other freight or flights, or without this code.").with("total", total)
            }
            PriceFault::Required => quote_required(),
            PriceFault::Discount(reason) => discount_not_applicable(reason),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    #[error("no such hold, or not the caller's")]
    Unknown,
    #[error("no such reservation on the flight")]
    UnknownReservation,
    #[error("flight {0} does not exist")]
    UnknownFlight(FlightId),
    #[error(transparent)]
    Itinerary(#[from] ItineraryError),
    #[error("only staff accepts oversize")]
    OversizeNotAllowed,
    #[error("no bookable itinerary")]
    NoBookableItinerary,
    #[error("the hold has expired")]
    Expired,
    #[error("{action:?} is not possible from {from:?}")]
    Ended { from: HoldStatus, action: HoldAction },
    /// Held space of this kind is changed elsewhere.
    #[error("{0:?} is not possible: the hold belongs to an allotment")]
    OfAllotment(HoldAction),
    /// An offer is for the flights of an entry of the waitlist, and for no more than its freight.
    #[error("{0:?} would make the offer another one")]
    OfEntry(HoldAction),
    #[error("the hold lacks {0:?}")]
    Incomplete(Vec<&'static str>),
    #[error("the limit {limit:?} of {maximum} is exceeded")]
    LimitExceeded { limit: HoldLimit, maximum: u32 },
    /// Too many holds from the guest's address; the next one may come in `again_in` seconds.
    #[error("too many holds from this address")]
    TooMany { most: u32, again_in: u32 },
    #[error("positions {names:?} are taken")]
    PositionTaken { flight_id: FlightId, names: Vec<PositionName> },
    #[error(transparent)]
    Price(#[from] PriceFault),
    #[error("a payment of the hold is under way")]
    PaymentInProgress,
    #[error("a payment is not possible: {0}")]
    PaymentNotPossible(&'static str),
    /// Members that contradict the hold or its flights.
    #[error("{0:?}")]
    Invalid(MemberFaults),
    #[error("the hold is at version {0}")]
    VersionMismatch(i32),
    /// The locked rows are not the ones that the hold now needs.
    #[error("the hold changed while it was locked")]
    Raced,
    #[error(transparent)]
    Repeated(#[from] Repetition),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for HoldError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<SearchError> for HoldError {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Database(cause) => Self::Database(cause),
            SearchError::NoSuchAirport(code) => ItineraryError::Invalid(format!("There is no airport {code}.")).into(),
            // Occurs only in searches for display; candidates are read from the tables.
            SearchError::Interrupted | SearchError::Unwritable => Self::Database(sqlx::Error::WorkerCrashed.into()),
        }
    }
}

impl Transient for HoldError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Raced => true,
            Self::Repeated(Repetition::Database(cause)) | Self::Database(cause) => cause.is_transient(),
            _ => false,
        }
    }
}

impl HoldError {
    /// Returns the label of `loadmaster_holds_total`.
    pub const fn outcome(&self) -> &'static str {
        match self {
            Self::Itinerary(error) => error.outcome(),
            Self::NoBookableItinerary => "no_bookable_itinerary",
            Self::LimitExceeded { .. } | Self::TooMany { .. } => "hold_limit_exceeded",
            Self::PositionTaken { .. } => "position_taken",
            Self::Price(_) => "price",
            _ => "error",
        }
    }
}

impl From<HoldError> for Problem {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::Unknown => Self::new(code::NOT_FOUND, "There is no such hold, or it is not yours."),
            HoldError::UnknownReservation => {
                Self::new(code::NOT_FOUND, "There is no such reservation on this flight, or it is not yours.")
            }
            HoldError::UnknownFlight(id) => Self::not_found(format!("flight {id}")),
            HoldError::Itinerary(error) => error.into(),
            HoldError::OversizeNotAllowed => of_staff_alone(),
            HoldError::NoBookableItinerary => no_bookable_itinerary(),
            HoldError::Expired => {
                Self::new(code::HOLD_EXPIRED, "The hold has expired, and its room may have been taken by others.")
            }
            HoldError::Ended { from, action } => {
                let text = format!("The hold is {} and cannot be changed any more.", from.as_str());
                invalid_transition(text, from, action, &[])
            }
            HoldError::OfAllotment(action) => {
                let text = "The hold belongs to an allotment, and changes only with it.";
                invalid_transition(text.to_owned(), HoldStatus::Active, action, &[])
            }
            HoldError::OfEntry(action) => {
                let text = "The hold is an offer to an entry on the waitlist: it can become neither larger nor one of other \
                            flights. Book or decline it.";
                invalid_transition(
                    text.to_owned(),
                    HoldStatus::Active,
                    action,
                    &[HoldAction::Commit, HoldAction::Release],
                )
            }
            HoldError::Incomplete(missing) => {
                let named: Vec<&str> = missing.iter().map(|pointer| pointer.trim_start_matches('/')).collect();
                let text = format!("The hold cannot become a booking without {}.", named.join(" and "));
                Self::new(code::HOLD_INCOMPLETE, text).with("missing", missing)
            }
            HoldError::LimitExceeded { limit, maximum } => {
                let text = limit_text(limit, maximum);
                Self::new(code::HOLD_LIMIT_EXCEEDED, text).with("limit", limit.as_str()).with("maximum", maximum)
            }
            HoldError::TooMany { most, again_in } => {
                let text =
                    format!("Guests at one address can make {most} holds per hour; try again in {again_in} seconds.");
                Self::new(code::RATE_LIMITED, text).retry_after(again_in)
            }
            HoldError::PositionTaken { flight_id, names } => {
                let named: Vec<String> = names.iter().map(ToString::to_string).collect();
                let text = format!("These positions have been taken: {}.", named.join(", "));
                Self::new(code::POSITION_TAKEN, text).with("flight_id", flight_id).with("names", names)
            }
            HoldError::Price(fault) => fault.into(),
            HoldError::PaymentInProgress => payment_in_progress(),
            HoldError::PaymentNotPossible(reason) => payment_not_possible(reason),
            HoldError::Invalid(faults) => Self::validation(&InputFault::members(&faults)),
            HoldError::VersionMismatch(current) => version_mismatch(current),
            HoldError::Raced => Self::unavailable(
                "Other requests changed the flights or the hold during every attempt; nothing was changed, try again.",
            ),
            HoldError::Repeated(repetition) => repetition.into(),
            HoldError::Database(cause) => cause.into(),
        }
    }
}

/// Returns the problem of another price than the one that was expected.
fn other_price(price: Option<Money>) -> Problem {
    let text = price.map_or_else(
        || "There is no price for this freight on these flights.".to_owned(),
        |price| format!("The total is {price}, not the expected one."),
    );
    price_changed(text).with("total", price)
}

/// Returns the problem of a hold on which nothing can be done.
fn limit_text(limit: HoldLimit, maximum: u32) -> String {
    match limit {
        HoldLimit::FlightShare => format!("Guests can hold at most {maximum} % of a flight."),
        HoldLimit::Active => format!("You can have at most {maximum} holds and entries of the waitlist at once."),
        HoldLimit::Lifetime => {
            format!("A hold ends {maximum} seconds after it was made, or at the earliest cut-off of its flights.")
        }
        HoldLimit::OfferLifetime => format!("The offer ends {maximum} seconds after it was made."),
        HoldLimit::Attempts => format!("For one hold at most {maximum} payments can be begun; make a new hold."),
    }
}

fn invalid_transition(text: String, from: HoldStatus, action: HoldAction, allowed: &[HoldAction]) -> Problem {
    let allowed: Vec<&str> = allowed.iter().map(|action| action.as_str()).collect();
    Problem::new(code::INVALID_TRANSITION, text)
        .with("from", from)
        .with("action", action.as_str())
        .with("allowed", allowed)
}

/// Returns the problem of a caller below operators who accepts oversize.
fn of_staff_alone() -> Problem {
    Problem::new(code::FORBIDDEN, "Only the carrier's staff can accept pieces that do not fit on a flight.")
}

/// Refusals that another flight or another day may cure.
pub const CURABLE: [Code; 6] = [
    code::CAPACITY_EXCEEDED,
    code::FLIGHT_CLOSED,
    code::FLIGHT_CANCELLED,
    code::EMBARGOED,
    code::PIECE_TOO_LARGE,
    code::NO_BOOKABLE_ITINERARY,
];

/// Returns the problem of freight for which no option can be booked.
pub fn no_bookable_itinerary() -> Problem {
    Problem::new(
        code::NO_BOOKABLE_ITINERARY,
        "No direct flight or connection that has room for this freight, and may carry it, was found for that departure.",
    )
}
