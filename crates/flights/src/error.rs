use loadmaster_capacity::CapacityError;
use loadmaster_kernel::{Fault, FlightId};
use loadmaster_platform::{
    idempotency::Repetition,
    postgres::{DbError, Transient},
    tables::TableError,
    web::{InputFault, Problem, problem_codes},
};

problem_codes! {
    FLIGHT_CLOSED: CONFLICT, "flight_closed", "The flight is closed for booking",
        "Choose a flight whose cut-off has not passed.";
    FLIGHT_CANCELLED: CONFLICT, "flight_cancelled", "The flight is cancelled",
        "Choose another flight.";
    ITINERARY_INVALID: CONFLICT, "itinerary_invalid", "The flights do not form an itinerary",
        "Choose flights that connect origin and destination with enough connection time, as route search does.";
    PIECE_TOO_LARGE: CONFLICT, "piece_too_large", "A piece passes through no opening of the aircraft",
        "Choose one of the `alternatives`, or a flight on a larger aircraft; or correct the `dimensions`, of which `line` names one.";
    NO_BOOKABLE_ITINERARY: CONFLICT, "no_bookable_itinerary", "No bookable flights were found",
        "Book one of the `alternatives`, try another date or less cargo, or choose the flights yourself.";
}

#[derive(Debug, thiserror::Error)]
pub enum FlightError {
    #[error("flight {0} does not exist")]
    Unknown(FlightId),
    #[error("the flight is already on the schedule")]
    AlreadyExists,
    /// The imported table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Members that contradict existing values.
    #[error("{0:?}")]
    Invalid(Vec<(&'static str, Fault)>),
    /// Flights have changed since the change was planned.
    #[error("the schedule changed during the request")]
    Raced,
    /// What a season does to the schedule is not what was shown.
    #[error("the schedule has changed since its differences from the file were shown")]
    NotAsShown,
    #[error("airport {0} is not in the reference data")]
    NoSuchAirport(loadmaster_kernel::AirportCode),
    #[error("the airline routes could not be read")]
    RoutesUnread,
    #[error(transparent)]
    Repeated(#[from] Repetition),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for FlightError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<CapacityError> for FlightError {
    fn from(error: CapacityError) -> Self {
        match error {
            CapacityError::Unknown(id) => Self::Unknown(id),
            CapacityError::Database(cause) => Self::Database(cause),
        }
    }
}

impl Transient for FlightError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Raced => true,
            Self::Repeated(Repetition::Database(cause)) | Self::Database(cause) => cause.is_transient(),
            _ => false,
        }
    }
}

impl From<FlightError> for Problem {
    fn from(error: FlightError) -> Self {
        match error {
            FlightError::Unknown(id) => Self::not_found(format!("flight {id}")),
            FlightError::AlreadyExists => Self::new(
                code::ALREADY_EXISTS,
                "A flight with this number already departs from this airport on this date.",
            ),
            FlightError::Table(error) => error.into(),
            FlightError::Invalid(faults) => Self::validation(&InputFault::members(&faults)),
            FlightError::Raced | FlightError::NotAsShown => Self::unavailable(
                "Other requests changed the schedule during every attempt; nothing was changed, try again.",
            ),
            FlightError::RoutesUnread => Self::unavailable("The routes cannot be read right now; try again shortly."),
            FlightError::NoSuchAirport(_) => Self::internal(&error),
            FlightError::Repeated(repetition) => repetition.into(),
            FlightError::Database(cause) => cause.into(),
        }
    }
}
