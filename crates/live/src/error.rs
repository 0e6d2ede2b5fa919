use loadmaster_accounts::AccountError;
use loadmaster_bookings::BookingError;
use loadmaster_capacity::CapacityError;
use loadmaster_flights::FlightError;
use loadmaster_platform::{
    outbox::FeedError,
    postgres::DbError,
    streams::Refused,
    web::{Problem, problem_codes},
};

problem_codes! {
    TOO_MANY_STREAMS: TOO_MANY_REQUESTS, "too_many_streams", "Too many open streams",
        "Close a stream before you open another one; one stream serves any number of readers behind it.";
}

/// Reason why a stream cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    #[error("the ticket is not valid")]
    TicketInvalid,
    #[error("no place for another stream")]
    Refused(Refused),
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Booking(#[from] BookingError),
    #[error(transparent)]
    Flight(#[from] FlightError),
    #[error(transparent)]
    Capacity(#[from] CapacityError),
    #[error("a ticket cannot be written: {0}")]
    Unwritable(#[from] serde_json::Error),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<FeedError> for LiveError {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Db(cause) => Self::Database(cause),
            FeedError::Exchanged => Self::Database(sqlx::Error::WorkerCrashed.into()),
        }
    }
}

impl From<LiveError> for Problem {
    fn from(error: LiveError) -> Self {
        match error {
            LiveError::TicketInvalid => Self::new(
                code::UNAUTHENTICATED,
                "The ticket is not for this address, or it is older than 60 seconds; get another one.",
            ),
            LiveError::Refused(Refused::Caller(limit)) => {
                let detail = format!("You have {limit} open streams, which is the limit.");
                Self::new(code::TOO_MANY_STREAMS, detail).with("limit", limit).retry_after(1)
            }
            LiveError::Refused(Refused::Full) => {
                Self::unavailable("The server has reached its limit of open streams; try again shortly.")
            }
            LiveError::Account(cause) => cause.into(),
            LiveError::Booking(cause) => cause.into(),
            LiveError::Flight(cause) => cause.into(),
            LiveError::Capacity(cause) => cause.into(),
            LiveError::Unwritable(cause) => Self::internal(&cause),
            LiveError::Database(cause) => cause.into(),
        }
    }
}
