use loadmaster_kernel::{EmbargoId, Fault, HandlingCode};
use loadmaster_platform::{
    idempotency::Repetition,
    postgres::{DbError, Transient},
    web::{InputFault, Problem, problem_codes, version_mismatch},
};

use super::model::{Obstacle, Violation};

problem_codes! {
    EMBARGOED: CONFLICT, "embargoed", "An embargo forbids this freight on a flight",
        "Choose another flight; `embargo_id` names the embargo, and `GET /api/v1/embargoes/{id}` shows it.";
    HANDLING_REQUIRED: CONFLICT, "handling_required", "A flight takes this freight only with other special handling codes",
        "Add one of the codes in `require_any` to `special_handling_codes`, or choose another flight.";
}

#[derive(Debug, thiserror::Error)]
pub enum EmbargoError {
    #[error("embargo {0} does not exist, or has ended")]
    Unknown(EmbargoId),
    #[error("the embargo is at version {0}")]
    VersionMismatch(i32),
    /// Members that contradict existing values.
    #[error("{0:?}")]
    Invalid(Vec<(&'static str, Fault)>),
    #[error(transparent)]
    Repeated(#[from] Repetition),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for EmbargoError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl Transient for EmbargoError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Repeated(Repetition::Database(cause)) | Self::Database(cause) => cause.is_transient(),
            _ => false,
        }
    }
}

impl From<EmbargoError> for Problem {
    fn from(error: EmbargoError) -> Self {
        match error {
            EmbargoError::Unknown(id) => Self::not_found(format!("embargo {id}")),
            EmbargoError::VersionMismatch(current) => version_mismatch(current),
            EmbargoError::Invalid(faults) => Self::validation(&InputFault::members(&faults)),
            EmbargoError::Repeated(repetition) => repetition.into(),
            EmbargoError::Database(cause) => cause.into(),
        }
    }
}

impl From<Violation> for Problem {
    fn from(violation: Violation) -> Self {
        let Violation { embargo_id, embargo, flight_id, flight_number, obstacle } = violation;
        let problem = match obstacle {
            Obstacle::Forbidden => {
                Self::new(code::EMBARGOED, format!("{flight_number} does not carry this freight: {embargo}."))
            }
            Obstacle::HandlingRequired(codes) => {
                let words: Vec<&str> = codes.iter().map(HandlingCode::as_str).collect();
                let text = format!("{flight_number} carries this freight only with {}: {embargo}.", words.join(" or "));
                Self::new(code::HANDLING_REQUIRED, text).with("require_any", codes)
            }
        };
        problem.with("embargo_id", embargo_id).with("flight_id", flight_id)
    }
}
