use loadmaster_kernel::Fault;
use loadmaster_platform::{
    idempotency::Repetition,
    postgres::{DbError, Transient},
    random::NoRandomness,
    web::{InputFault, Problem, problem_codes, version_mismatch},
};

use super::model::RunStatus;

problem_codes! {
    FEED_RUNNING: CONFLICT, "feed_running", "A run of the feed is under way",
        "Wait for its end, which `GET /feeds/{id}/runs` shows.";
}

#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    #[error("no such feed or run")]
    Unknown(&'static str),
    #[error("there are {0} feeds, as many as there may be")]
    LimitReached(i64),
    #[error("another feed of this kind has an airline of these")]
    AlreadyExists,
    #[error("a run of the feed is under way")]
    Running,
    /// It is not in review.
    #[error("the run is {from:?}")]
    NotInReview { from: RunStatus, action: &'static str },
    /// Neither an address, nor a folder, nor a file.
    #[error("there is nothing to read")]
    NoSource,
    /// Members that contradict each other.
    #[error("{0:?}")]
    Invalid(Vec<(&'static str, Fault)>),
    #[error("it is at version {0}")]
    VersionMismatch(i32),
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error(transparent)]
    Repeated(#[from] Repetition),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for FeedError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl Transient for FeedError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Repeated(Repetition::Database(cause)) | Self::Database(cause) => cause.is_transient(),
            _ => false,
        }
    }
}

impl From<FeedError> for Problem {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Unknown(what) => Self::new(code::NOT_FOUND, format!("There is no such {what}.")),
            FeedError::LimitReached(most) => {
                Self::new(code::LIMIT_REACHED, format!("There are {most} feeds already; delete one first."))
                    .with("what", "feeds")
                    .with("limit", most)
            }
            FeedError::AlreadyExists => {
                Self::new(code::ALREADY_EXISTS, "Another feed of this kind has one of these airlines.")
            }
            FeedError::Running => Self::new(code::FEED_RUNNING, "A run of the feed is under way."),
            FeedError::NotInReview { from, action } => {
                let nothing: [&str; 0] = [];
                Self::new(code::INVALID_TRANSITION, "Only a run that waits for a person can be applied or rejected.")
                    .with("from", from)
                    .with("action", action)
                    .with("allowed", nothing)
            }
            FeedError::NoSource => Self::new(
                code::MALFORMED_REQUEST,
                "The feed has neither a `url` nor a `folder`: send the file as the body of the request.",
            ),
            FeedError::Invalid(faults) => Self::validation(&InputFault::members(&faults)),
            FeedError::VersionMismatch(current) => version_mismatch(current),
            FeedError::NoRandomness(cause) => Self::internal(&cause),
            FeedError::Repeated(repetition) => repetition.into(),
            FeedError::Database(cause) => cause.into(),
        }
    }
}
