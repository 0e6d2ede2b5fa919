use loadmaster_bookings::BookingError;
use loadmaster_capacity::{CapacityShortfall, FlightStatus};
use loadmaster_flights::FlightError;
use loadmaster_kernel::{BookingRef, FlightNumber};
use loadmaster_platform::{
    idempotency::Repetition,
    postgres::{DbError, Transient},
    web::{Problem, problem_codes, version_mismatch},
};

use super::model::FlightAction;

problem_codes! {
    {
        loadmaster_bookings::code::FLIGHT_MISMATCH,
        loadmaster_bookings::code::ITINERARY_INVALID,
        loadmaster_bookings::code::PIECE_TOO_LARGE,
        loadmaster_capacity::code::CAPACITY_BELOW_BOOKED,
    }
}

#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    #[error("{action:?} is not possible from {from:?}")]
    InvalidTransition { from: FlightStatus, action: FlightAction, allowed: Vec<FlightAction> },
    #[error("another aircraft would replace a capacity that an administrator has set")]
    CapacityIsSet,
    #[error("the flight is at version {0}")]
    VersionMismatch(i32),
    #[error("the capacity is below what is booked and held")]
    CapacityBelowBooked(CapacityShortfall),
    #[error("more is on board than the flight carries")]
    TooMuchOnBoard(CapacityShortfall),
    /// Holds that were made meanwhile keep space on flights that are not locked.
    #[error("the holds of the flight keep room on flights that are not locked")]
    OutOfReach,
    #[error("{number} carries cargo that flies on cargo aircraft only")]
    FreighterNeeded { number: FlightNumber, bookings: Vec<BookingRef> },
    #[error("the aircraft of {number} has no opening for pieces that are booked")]
    PieceTooLarge { number: FlightNumber, bookings: Vec<BookingRef>, being_paid: usize },
    /// The last step of the flight has not reached all of its bookings.
    #[error("the bookings of {0} are still being updated after its last change")]
    Unfinished(FlightNumber),
    #[error(transparent)]
    Flight(#[from] FlightError),
    #[error(transparent)]
    Booking(#[from] BookingError),
    #[error(transparent)]
    Repeated(#[from] Repetition),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for OperationError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl OperationError {
    /// Returns whether the database could not work or a row was not free in time: the same transaction may succeed
    /// later.
    pub(super) fn is_unavailable(&self) -> bool {
        match self {
            Self::Flight(FlightError::Database(cause))
            | Self::Booking(BookingError::Database(cause))
            | Self::Database(cause) => cause.is_overload() || matches!(cause, DbError::OutcomeUnknown(_)),
            _ => false,
        }
    }

    /// Returns the error of the database, if it is one; else the error itself.
    pub fn into_database(self) -> Result<DbError, Self> {
        match self {
            Self::Flight(FlightError::Database(cause) | FlightError::Repeated(Repetition::Database(cause)))
            | Self::Booking(BookingError::Database(cause) | BookingError::Repeated(Repetition::Database(cause)))
            | Self::Repeated(Repetition::Database(cause))
            | Self::Database(cause) => Ok(cause),
            error => Err(error),
        }
    }

    /// Returns whether others changed or locked what was needed during every attempt: the same may succeed later.
    pub const fn is_race(&self) -> bool {
        matches!(
            self,
            Self::OutOfReach
                | Self::Unfinished(_)
                | Self::Flight(FlightError::Raced)
                | Self::Booking(
                    BookingError::Raced | BookingError::Unsettled | BookingError::Crowded | BookingError::Locked(_)
                )
        )
    }
}

impl Transient for OperationError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Flight(cause) => cause.is_transient(),
            Self::Booking(cause) => cause.is_transient(),
            Self::Repeated(Repetition::Database(cause)) | Self::Database(cause) => cause.is_transient(),
            _ => false,
        }
    }
}

impl From<OperationError> for Problem {
    fn from(error: OperationError) -> Self {
        match error {
            OperationError::InvalidTransition { from, action, allowed } => refused(from, action, &allowed),
            OperationError::CapacityIsSet => Problem::new(
                code::FORBIDDEN,
                "This flight's capacity differs from that of its aircraft: only an administrator changes the aircraft.",
            ),
            OperationError::VersionMismatch(current) => version_mismatch(current),
            OperationError::CapacityBelowBooked(shortfall) => shortfall.problem(
                "The capacity is below what is booked and held",
                "offload bookings or, with `release_holds`, end holds in the same request",
            ),
            OperationError::TooMuchOnBoard(shortfall) => shortfall.problem(
                "More is booked than the flight carries",
                "name bookings to leave behind in the same request",
            ),
            OperationError::OutOfReach => Self::unavailable(
                "Holds on the flight came faster than they could be ended; nothing was changed, try again shortly.",
            ),
            OperationError::FreighterNeeded { number, bookings } => {
                let named: Vec<_> = bookings.iter().map(BookingRef::as_str).collect();
                let text = format!(
                    "{number} carries cargo that flies on cargo aircraft only; offload these bookings in the same request: {}.",
                    named.join(", ")
                );
                Self::new(code::ITINERARY_INVALID, text).with("ref_ids", named)
            }
            OperationError::PieceTooLarge { number, bookings, being_paid } => too_large(number, &bookings, being_paid),
            OperationError::Unfinished(number) => Self::unavailable(format!(
                "The bookings of {number} are still being updated after its last change; nothing was changed, try again shortly."
            ))
            .retry_after(5),
            OperationError::Flight(cause) => cause.into(),
            OperationError::Booking(cause) => cause.into(),
            OperationError::Repeated(repetition) => repetition.into(),
            OperationError::Database(cause) => cause.into(),
        }
    }
}

/// Returns the problem of an aircraft that pieces of these bookings do not fit. `being_paid` is the number of holds in payment with such
/// pieces.
fn too_large(number: FlightNumber, bookings: &[BookingRef], being_paid: usize) -> Problem {
    let named: Vec<_> = bookings.iter().map(BookingRef::as_str).collect();
    let of_bookings = format!(
        "That aircraft of {number} has no opening for pieces of these bookings: {}; offload them in the same request or send \
         `accept_oversize`.",
        named.join(", ")
    );
    let of_holds = format!(
        "That aircraft of {number} has no opening for pieces of what is held and being paid for ({being_paid}); wait for the payments \
         or send `accept_oversize`."
    );
    let text = match (named.is_empty(), being_paid) {
        (_, 0) => of_bookings,
        (true, _) => of_holds,
        (false, _) => format!("{of_bookings} {of_holds}"),
    };
    Problem::new(code::PIECE_TOO_LARGE, text).with("ref_ids", named)
}

fn refused(from: FlightStatus, action: FlightAction, allowed: &[FlightAction]) -> Problem {
    let words: Vec<_> = allowed.iter().map(|action| action.as_str()).collect();
    let next = if words.is_empty() { "take no further action".to_owned() } else { words.join(" or ") };
    let (verb, status) = (action.as_str(), from.as_str());
    let text = match (from, action) {
        (FlightStatus::Scheduled, FlightAction::Cancel) => {
            format!("You cannot cancel this flight, because some of its cargo has already departed; you can {next}.")
        }
        (FlightStatus::Departed, FlightAction::Change) => {
            "Only `arrival_datetime` can be changed after a flight has departed.".to_owned()
        }
        _ => format!("You cannot {verb} a flight that is {status}; you can {next}."),
    };
    Problem::new(code::INVALID_TRANSITION, text).with("from", from).with("action", action).with("allowed", allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_errors_of_each_module_are_recognized() {
        let of_database: [OperationError; 4] = [
            FlightError::Database(DbError::Conflict).into(),
            BookingError::Database(DbError::Conflict).into(),
            BookingError::Repeated(Repetition::Database(DbError::Conflict)).into(),
            DbError::Conflict.into(),
        ];
        for error in of_database {
            assert!(!error.is_race(), "{error:?}");
            assert!(matches!(error.into_database(), Ok(DbError::Conflict)));
        }
        let races: [OperationError; 4] = [
            FlightError::Raced.into(),
            BookingError::Raced.into(),
            BookingError::Crowded.into(),
            OperationError::OutOfReach,
        ];
        for error in races {
            assert!(error.is_race(), "{error:?}");
            assert!(error.into_database().is_err());
        }
        assert!(!OperationError::CapacityIsSet.is_race());
    }
}
