use loadmaster_kernel::{AirportCode, Fault};
use loadmaster_platform::{
    idempotency::Repetition,
    postgres::{DbError, Transient},
    tables::TableError,
    web::{InputFault, Problem, problem_codes, version_mismatch},
};

use super::tip::{StationTipStatus, TipDecision};

problem_codes! {}

#[derive(Debug, thiserror::Error)]
pub enum StationError {
    #[error("there is no airport {0}")]
    Unknown(AirportCode),
    /// A tag or a collection that does not exist, or has ended.
    #[error("there is no {0}")]
    UnknownEntry(String),
    #[error("there is no such tip, or it is not shown")]
    UnknownTip,
    #[error("the tip is one's own")]
    OwnTip,
    #[error("the tip that is reported is one's own")]
    ReportOfOwnTip,
    #[error("a tip that is {0:?} does not take {1:?}")]
    Decided(StationTipStatus, TipDecision),
    #[error("{0} tips of the user wait for a decision, as many as may")]
    LimitReached(i64),
    #[error("another one in force has this code")]
    AlreadyExists,
    #[error("it is at version {0}")]
    VersionMismatch(i32),
    /// Members that contradict what is stored, by their pointers.
    #[error("{0:?}")]
    Invalid(Vec<(String, Fault)>),
    /// The imported table.
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Repeated(#[from] Repetition),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for StationError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl Transient for StationError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Repeated(Repetition::Database(cause)) | Self::Database(cause) => cause.is_transient(),
            _ => false,
        }
    }
}

impl From<StationError> for Problem {
    fn from(error: StationError) -> Self {
        match error {
            StationError::Unknown(code) => Self::not_found(format!("station {code}")),
            StationError::UnknownEntry(what) => Self::not_found(what),
            StationError::UnknownTip => Self::new(code::NOT_FOUND, "There is no such tip."),
            StationError::OwnTip => Self::new(code::FORBIDDEN, "Somebody else decides about a tip that you wrote."),
            StationError::ReportOfOwnTip => Self::new(code::FORBIDDEN, "You wrote this tip; others report it."),
            StationError::Decided(status, decision) => {
                let allowed: Vec<&str> = status.decisions().iter().map(|allowed| allowed.as_str()).collect();
                let text = format!("The tip is {}; nothing is left to {}.", status.as_str(), decision.as_str());
                Self::new(code::INVALID_TRANSITION, text)
                    .with("from", status.as_str())
                    .with("action", decision.as_str())
                    .with("allowed", allowed)
            }
            StationError::LimitReached(most) => {
                let text = format!("{most} of your tips wait for a decision; write more once some are decided.");
                Self::new(code::LIMIT_REACHED, text).with("what", "tips").with("limit", most)
            }
            StationError::AlreadyExists => Self::new(code::ALREADY_EXISTS, "Another one in force has this code."),
            StationError::VersionMismatch(current) => version_mismatch(current),
            StationError::Invalid(faults) => Self::validation(&InputFault::members(&faults)),
            StationError::Table(error) => error.into(),
            StationError::Repeated(repetition) => repetition.into(),
            StationError::Database(cause) => cause.into(),
        }
    }
}
