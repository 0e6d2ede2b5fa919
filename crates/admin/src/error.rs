use loadmaster_platform::{
    idempotency::Repetition,
    jobs::JobState,
    postgres::{DbError, Transient},
    web::{Problem, code},
};
use uuid::Uuid;

#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error("there is no job {0}")]
    NoJob(Uuid),
    #[error("the job is {0:?}")]
    NotDead(JobState),
    #[error("a newer job does the same work")]
    Superseded,
    #[error("there is no such schedule")]
    NoSchedule,
    #[error(transparent)]
    Repeated(#[from] Repetition),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl Transient for AdminError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Repeated(Repetition::Database(cause)) | Self::Database(cause) => cause.is_transient(),
            _ => false,
        }
    }
}

impl From<AdminError> for Problem {
    fn from(error: AdminError) -> Self {
        let nothing: [&str; 0] = [];
        match error {
            AdminError::NoJob(id) => Self::not_found(format!("job {id}")),
            AdminError::NotDead(state) => Self::new(
                code::INVALID_TRANSITION,
                format!("The job is {}; only a dead one is retried or dropped.", state.as_str()),
            )
            .with("allowed", nothing),
            AdminError::Superseded => {
                Self::new(code::INVALID_TRANSITION, "A newer job does the same work; drop this one.")
                    .with("allowed", ["drop"])
            }
            AdminError::NoSchedule => Self::not_found("schedule of this name"),
            AdminError::Repeated(repetition) => repetition.into(),
            AdminError::Database(cause) => cause.into(),
        }
    }
}
