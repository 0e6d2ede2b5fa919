use loadmaster_platform::{
    idempotency::Repetition,
    postgres::{DbError, Transient},
    web::{Problem, problem_codes, version_mismatch},
};

use super::model::MOST;

problem_codes! {}

#[derive(Debug, thiserror::Error)]
pub enum PartyError {
    #[error("no such party, or not in the caller's address book")]
    Unknown,
    #[error("the address book is full")]
    LimitReached,
    #[error("the party is at version {0}")]
    VersionMismatch(i32),
    #[error(transparent)]
    Repeated(#[from] Repetition),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for PartyError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl Transient for PartyError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Repeated(Repetition::Database(cause)) | Self::Database(cause) => cause.is_transient(),
            _ => false,
        }
    }
}

impl From<PartyError> for Problem {
    fn from(error: PartyError) -> Self {
        match error {
            PartyError::Unknown => Self::new(code::NOT_FOUND, "There is no such party in your address book."),
            PartyError::LimitReached => {
                let text = format!("Your address book has {MOST} parties already; delete one first.");
                Self::new(code::LIMIT_REACHED, text).with("what", "parties").with("limit", MOST)
            }
            PartyError::VersionMismatch(current) => version_mismatch(current),
            PartyError::Repeated(repetition) => repetition.into(),
            PartyError::Database(cause) => cause.into(),
        }
    }
}
