use loadmaster_accounts::invalid_token;
use loadmaster_capacity::CapacityShortfall;
use loadmaster_holds::{HoldError, no_bookable_itinerary};
use loadmaster_kernel::{AirportCode, AwbNumber, BookingRef, Fault, FlightNumber, Money};
use loadmaster_payments::{CreditRefusal, Operation, operations_unresolved, payment_in_progress, payment_not_possible};
use loadmaster_platform::{
    idempotency::Repetition,
    postgres::{DbError, Transient},
    random::NoRandomness,
    web::{InputFault, Problem, invalid_cursor, problem_codes, version_mismatch},
};
use loadmaster_search::SearchError;
use loadmaster_shipment::ItineraryError;

use super::model::{Action, BookingStatus, CorrectionObstacle};

/// Foreign keys to the caller's own rows.
const CALLER_CONSTRAINTS: [&str; 2] = ["bookings_organization_id_fkey", "bookings_created_by_fkey"];

problem_codes! {
    { loadmaster_accounts::code::INVALID_TOKEN, loadmaster_capacity::code::CAPACITY_BELOW_BOOKED, loadmaster_holds::code::CAPACITY_EXCEEDED, loadmaster_holds::code::EMBARGOED, loadmaster_holds::code::HANDLING_REQUIRED, loadmaster_holds::code::FLIGHT_CLOSED, loadmaster_holds::code::FLIGHT_CANCELLED, loadmaster_holds::code::ITINERARY_INVALID, loadmaster_holds::code::NO_BOOKABLE_ITINERARY, loadmaster_holds::code::PIECE_TOO_LARGE, loadmaster_holds::code::HOLD_EXPIRED, loadmaster_holds::code::HOLD_INCOMPLETE, loadmaster_holds::code::HOLD_LIMIT_EXCEEDED, loadmaster_holds::code::POSITION_TAKEN, loadmaster_holds::code::DISCOUNT_NOT_APPLICABLE, loadmaster_holds::code::NO_RATE, loadmaster_holds::code::PRICE_CHANGED, loadmaster_holds::code::QUOTE_EXPIRED, loadmaster_holds::code::QUOTE_REQUIRED, loadmaster_payments::code::PAYMENT_DECLINED, loadmaster_payments::code::PAYMENT_IN_PROGRESS, loadmaster_payments::code::PAYMENT_NOT_POSSIBLE, loadmaster_payments::code::REFUND_EXCEEDS_PAID, loadmaster_payments::code::CREDIT_EXCEEDED }
    FLIGHT_MISMATCH: CONFLICT, "flight_mismatch", "The booking is not on that flight",
        "Name the flight of the current leg, or leave it out; in a request about a flight, name only bookings that are still on it.";
    LOCATION_MISMATCH: CONFLICT, "location_mismatch", "The action does not happen at that location",
        "Leave out `location`, or name the airport given in `detail`.";
    BOOKING_LOCKED: CONFLICT, "booking_locked", "Another request is changing the booking",
        "Wait for the time in `Retry-After`, then try again.";
    CORRECTION_NOT_POSSIBLE: CONFLICT, "correction_not_possible", "The last step cannot be taken back",
        "`reason` names the obstacle: `no_step`, `corrected`, `cancelled`, `too_late`, `money_moved`, `changed_since`, `flight_departed` or `flight_arrived`.";
}

#[derive(Debug, thiserror::Error)]
pub enum BookingError {
    #[error("no such booking, or not the caller's")]
    Unknown,
    /// Forged, used or expired.
    #[error("the claim is not valid")]
    ClaimInvalid,
    #[error(transparent)]
    Itinerary(#[from] ItineraryError),
    #[error(transparent)]
    Hold(HoldError),
    #[error("no bookable itinerary")]
    NoBookableItinerary,
    #[error("the current leg is on flight {0}")]
    FlightMismatch(FlightNumber),
    #[error("{action:?} is possible only at {expected}")]
    LocationMismatch { action: Action, expected: AirportCode },
    #[error("{action:?} is not possible from {from:?}")]
    InvalidTransition { from: BookingStatus, action: Action, allowed: Vec<Action> },
    #[error("the last step cannot be taken back: {0:?}")]
    CorrectionNotPossible(CorrectionObstacle),
    /// With this booking more would have departed than its flight carries.
    #[error("more departs than the flight carries")]
    TooMuchOnBoard(CapacityShortfall),
    #[error("the credit account cannot be charged: {0:?}")]
    Credit(CreditRefusal),
    /// For this reason.
    #[error("a payment is not possible: {0}")]
    PaymentNotPossible(&'static str),
    /// Nobody knows the outcomes of these operations, and the request names none.
    #[error("{} operations are unresolved", .0.len())]
    SeveralUnresolved(Vec<Operation>),
    /// Another payment of the booking is under way.
    #[error("a payment is under way")]
    PaymentInProgress,
    #[error("only {0} can be refunded")]
    RefundExceedsPaid(Money),
    #[error("no such payment, or not the caller's")]
    UnknownPayment,
    /// Members that contradict the booking's state.
    #[error("{0:?}")]
    Invalid(Vec<(&'static str, Fault)>),
    #[error("not booked on the flight: {0:?}")]
    NotAboard(Vec<BookingRef>),
    #[error("air waybill {0} is on another booking")]
    AwbTaken(AwbNumber),
    /// Too many requests wait for the same flights or booking, or one has waited for too long.
    #[error("the flights or the booking are busy")]
    Crowded,
    /// Another request has held the lock for too long.
    #[error("{0} is locked")]
    Locked(BookingRef),
    #[error(transparent)]
    Repeated(#[from] Repetition),
    /// A cursor into the history of another booking with the same air waybill number.
    #[error("the cursor belongs to the history of another booking")]
    OtherHistory,
    /// The booking may be amended again in `again_in` seconds.
    #[error("the booking was amended too often")]
    AmendedTooOften { most: u32, again_in: u32 },
    #[error("the booking is at version {0}")]
    VersionMismatch(i32),
    /// The locked rows are not the ones that the booking now needs.
    #[error("the booking changed while it was locked")]
    Raced,
    /// The space changed faster than the attempts to book it.
    #[error("the flights changed at every attempt")]
    Unsettled,
    /// A valid token of a user that this database does not know.
    #[error("the caller's account does not exist")]
    CallerUnknown,
    #[error(transparent)]
    Random(#[from] NoRandomness),
    #[error(transparent)]
    Database(DbError),
}

impl From<DbError> for BookingError {
    fn from(error: DbError) -> Self {
        match error {
            error if error.constraint().is_some_and(|name| CALLER_CONSTRAINTS.contains(&name)) => Self::CallerUnknown,
            error => Self::Database(error),
        }
    }
}

impl From<sqlx::Error> for BookingError {
    fn from(error: sqlx::Error) -> Self {
        DbError::from(error).into()
    }
}

impl From<HoldError> for BookingError {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::Itinerary(cause) => Self::Itinerary(cause),
            HoldError::Repeated(cause) => Self::Repeated(cause),
            HoldError::Database(cause) => cause.into(),
            HoldError::Raced => Self::Raced,
            error => Self::Hold(error),
        }
    }
}

impl From<SearchError> for BookingError {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Database(cause) => Self::Database(cause),
            SearchError::NoSuchAirport(code) => ItineraryError::Invalid(format!("There is no airport {code}.")).into(),
            // Occurs only in searches for display; candidates are read from the tables.
            SearchError::Interrupted | SearchError::Unwritable => Self::Database(sqlx::Error::WorkerCrashed.into()),
        }
    }
}

impl Transient for BookingError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Raced => true,
            Self::Hold(error) => error.is_transient(),
            Self::Repeated(Repetition::Database(cause)) | Self::Database(cause) => cause.is_transient(),
            _ => false,
        }
    }
}

impl BookingError {
    /// Returns whether the option tried cannot be booked any more, while another may.
    pub(super) const fn is_lost_option(&self) -> bool {
        matches!(self, Self::Itinerary(_))
    }

    /// Returns the label of `loadmaster_bookings_total`.
    pub(super) fn outcome(&self) -> &'static str {
        match self {
            Self::Itinerary(error) => error.outcome(),
            Self::NoBookableItinerary => "no_bookable_itinerary",
            Self::Hold(error) => error.outcome(),
            Self::AwbTaken(_) => "already_exists",
            Self::Repeated(_) => "repeated",
            _ => "error",
        }
    }
}

impl From<BookingError> for Problem {
    fn from(error: BookingError) -> Self {
        match error {
            BookingError::Unknown => Self::new(code::NOT_FOUND, "There is no such booking, or it is not yours."),
            BookingError::ClaimInvalid => invalid_token("claim_token", "The claim is wrong, expired or used."),
            BookingError::Itinerary(error) => error.into(),
            BookingError::Hold(error) => error.into(),
            BookingError::NoBookableItinerary => no_bookable_itinerary(),
            BookingError::FlightMismatch(number) => Self::new(
                code::FLIGHT_MISMATCH,
                format!("The current leg is on {number}, not on the flight that you named."),
            ),
            BookingError::LocationMismatch { action, expected } => {
                let text = format!("This booking can {} only at {expected}.", action.as_str());
                Self::new(code::LOCATION_MISMATCH, text)
            }
            BookingError::InvalidTransition { from, action, allowed } => refused(from, action, &allowed),
            BookingError::CorrectionNotPossible(obstacle) => {
                Self::new(code::CORRECTION_NOT_POSSIBLE, obstacle.text()).with("reason", obstacle)
            }
            BookingError::TooMuchOnBoard(shortfall) => too_much_on_board(&shortfall),
            BookingError::Credit(refusal) => refusal.into(),
            BookingError::PaymentNotPossible(reason) => payment_not_possible(reason),
            BookingError::SeveralUnresolved(operations) => operations_unresolved(&operations),
            BookingError::PaymentInProgress => payment_in_progress(),
            BookingError::RefundExceedsPaid(available) => {
                let text = format!("Only {available} of what was paid can still be refunded.");
                Self::new(code::REFUND_EXCEEDS_PAID, text).with("available", available)
            }
            BookingError::UnknownPayment => Self::new(code::NOT_FOUND, "There is no such payment, or it is not yours."),
            BookingError::Invalid(faults) => Self::validation(&InputFault::members(&faults)),
            BookingError::NotAboard(references) => {
                let named: Vec<_> = references.iter().map(BookingRef::as_str).collect();
                let text = format!("These bookings are not, or no longer, on this flight: {}.", named.join(", "));
                Self::new(code::FLIGHT_MISMATCH, text).with("ref_ids", named)
            }
            BookingError::AwbTaken(number) => {
                Self::new(code::ALREADY_EXISTS, format!("The air waybill {number} is already on another booking."))
            }
            BookingError::Locked(reference) => {
                Self::new(code::BOOKING_LOCKED, format!("Another request is changing {reference}; try again shortly."))
                    .retry_after(1)
            }
            BookingError::Repeated(repetition) => repetition.into(),
            BookingError::OtherHistory => invalid_cursor("The cursor belongs to the history of another booking."),
            BookingError::AmendedTooOften { most, again_in } => {
                let text = format!("A booking can be amended {most} times per hour; try again in {again_in} seconds.");
                Self::new(code::RATE_LIMITED, text).retry_after(again_in)
            }
            BookingError::VersionMismatch(current) => version_mismatch(current),
            BookingError::Raced | BookingError::Unsettled => Self::unavailable(
                "Other requests changed the flights or the booking during every attempt; nothing was changed, try again.",
            ),
            BookingError::Crowded => {
                Self::unavailable("These flights or this booking are busy; nothing was changed, try again shortly.")
            }
            BookingError::CallerUnknown => {
                Self::new(code::UNAUTHENTICATED, "The account of this access token does not exist; log in again.")
            }
            BookingError::Random(cause) => cause.into(),
            BookingError::Database(cause) => cause.into(),
        }
    }
}

fn too_much_on_board(shortfall: &CapacityShortfall) -> Problem {
    let obstacle = "With this booking more would have departed than the flight carries";
    shortfall.problem(obstacle, "leave the booking behind when the flight departs, or reroute it")
}

fn refused(from: BookingStatus, action: Action, allowed: &[Action]) -> Problem {
    let words: Vec<_> = allowed.iter().map(|action| action.as_str()).collect();
    let next = if words.is_empty() { "take no further action".to_owned() } else { words.join(" or ") };
    let text = format!("You cannot {} a booking that is {}; you can {next}.", action.as_str(), from.as_str());
    Problem::new(code::INVALID_TRANSITION, text).with("from", from).with("action", action).with("allowed", allowed)
}
