use loadmaster_kernel::AirportCode;
use loadmaster_platform::{
    idempotency::Repetition,
    postgres::{DbError, Transient},
    tables::TableError,
    web::{InputFault, Problem, problem_codes, version_mismatch},
};

problem_codes! {
    IN_USE: CONFLICT, "in_use", "Something refers to this entry",
        "Make it inactive instead of deleting it; the time zone of an airport with flights stays as it is.";
}

/// Reason why reference data is unavailable.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {
    /// No entry has this code or name; `0` names it as part of a sentence.
    #[error("there is no {0}")]
    Unknown(String),
    /// The time zone of this airport is unknown: detected while loading, never while serving.
    #[error("airport {airport} has the time zone {zone:?}, which this build does not know")]
    TimeZone { airport: AirportCode, zone: String },
    #[error("the {0} {1} exists already")]
    AlreadyExists(&'static str, String),
    #[error("the {0} {1} is in use")]
    InUse(&'static str, String),
    #[error("the entry is at version {0}")]
    VersionMismatch(i32),
    /// Members that contradict existing values.
    #[error("{0:?}")]
    Invalid(Vec<InputFault>),
    /// The imported table.
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Repeated(#[from] Repetition),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl Transient for ReferenceError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Repeated(Repetition::Database(cause)) | Self::Database(cause) => cause.is_transient(),
            _ => false,
        }
    }
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
            ReferenceError::AlreadyExists(kind, code) => {
                Self::new(code::ALREADY_EXISTS, format!("There is already the {kind} {code}."))
            }
            ReferenceError::InUse(kind, code) => Self::new(
                code::IN_USE,
                format!(
                    "Flights, rules or airlines refer to the {kind} {code}; make it inactive instead, and it is not offered any more."
                ),
            ),
            ReferenceError::VersionMismatch(current) => version_mismatch(current),
            ReferenceError::Invalid(faults) => Self::validation(&faults),
            ReferenceError::Table(error) => error.into(),
            ReferenceError::Repeated(repetition) => repetition.into(),
            ReferenceError::Database(error) => error.into(),
        }
    }
}
