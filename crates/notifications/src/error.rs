use loadmaster_bookings::BookingError;
use loadmaster_kernel::{FaultCode, NotificationId};
use loadmaster_platform::{
    idempotency::Repetition,
    postgres::{DbError, Transient},
    web::{InputFault, Problem, problem_codes},
};

problem_codes! {
    { loadmaster_accounts::code::INVALID_TOKEN }
}

#[derive(Debug, thiserror::Error)]
pub enum NotificationError {
    #[error("notification {0} does not exist")]
    Unknown(NotificationId),
    /// The question of this notification was sent.
    #[error("the contact was asked")]
    AlreadyAsked,
    /// It was not made here, is too old, or what it is about is gone.
    #[error("the token is not valid")]
    InvalidToken,
    #[error(transparent)]
    Booking(#[from] BookingError),
    #[error(transparent)]
    Repeated(#[from] Repetition),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for NotificationError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl Transient for NotificationError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Repeated(Repetition::Database(cause)) | Self::Database(cause) => cause.is_transient(),
            Self::Booking(error) => error.is_transient(),
            _ => false,
        }
    }
}

impl From<NotificationError> for Problem {
    fn from(error: NotificationError) -> Self {
        match error {
            NotificationError::Unknown(id) => Self::not_found(format!("notification {id}")),
            NotificationError::AlreadyAsked => {
                let text = "The question was sent: an address is asked at most once in 30 days.";
                Self::new(code::INVALID_TRANSITION, text)
            }
            NotificationError::InvalidToken => {
                let text = "This link is not valid: it is damaged, too old, or no longer of use.";
                let fault = InputFault::path("token", FaultCode::UnknownValue, text);
                Self::new(code::INVALID_TOKEN, text).about(&fault)
            }
            NotificationError::Booking(error) => error.into(),
            NotificationError::Repeated(repetition) => repetition.into(),
            NotificationError::Database(cause) => cause.into(),
        }
    }
}
