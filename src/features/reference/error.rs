use crate::{
    kernel::AirportCode,
    platform::{
        postgres::DbError,
        web::{Problem, code},
    },
};

/// Reason why reference data is unavailable.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {
    /// No entry has this code or name; `0` names it as part of a sentence.
    #[error("there is no {0}")]
    Unknown(String),
    /// The time zone of this airport is unknown: detected while loading, never while serving.
    #[error("airport {airport} has the time zone {zone:?}, which this build does not know")]
    TimeZone { airport: AirportCode, zone: String },
    #[error(transparent)]
    Database(#[from] DbError),
}

impl ReferenceError {
    pub(super) fn unknown(kind: &str, code: impl std::fmt::Display) -> Self {
        Self::Unknown(format!("{kind} {code}"))
    }
}

impl From<sqlx::Error> for ReferenceError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<ReferenceError> for Problem {
    fn from(error: ReferenceError) -> Self {
        match error {
            ReferenceError::Unknown(what) => Self::new(code::NOT_FOUND, format!("There is no {what}.")),
            ReferenceError::TimeZone { .. } => Self::internal(&error),
            ReferenceError::Database(error) => error.into(),
        }
    }
}
