use loadmaster_platform::{
    idempotency::Repetition,
    postgres::{DbError, Transient},
    web::{InputFault, Problem, problem_codes, version_mismatch},
};
use loadmaster_search::SearchError;
use loadmaster_shipment::MemberFaults;

problem_codes! {}

#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    #[error("no such alert, or not one of the caller's organization")]
    Unknown,
    #[error("the organization has {0} active alerts, as many as it may")]
    LimitReached(u32),
    #[error("the alert has ended")]
    Ended,
    /// The dates to search are more than what is left of the caller's quota.
    #[error("the quota of the caller does not suffice for the dates")]
    QuotaUsedUp(Box<Problem>),
    /// Members that contradict each other or the time.
    #[error("{0:?}")]
    Invalid(MemberFaults),
    #[error("it is at version {0}")]
    VersionMismatch(i32),
    #[error(transparent)]
    Search(#[from] SearchError),
    #[error(transparent)]
    Repeated(#[from] Repetition),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for AlertError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl Transient for AlertError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Repeated(Repetition::Database(cause)) | Self::Database(cause) => cause.is_transient(),
            _ => false,
        }
    }
}

impl From<AlertError> for Problem {
    fn from(error: AlertError) -> Self {
        match error {
            AlertError::Unknown => Self::new(code::NOT_FOUND, "Your organization has no such alert."),
            AlertError::LimitReached(most) => {
                let text = format!("Your organization has {most} active alerts already; pause or delete one first.");
                Self::new(code::LIMIT_REACHED, text).with("what", "alerts").with("limit", most)
            }
            AlertError::Ended => Self::new(code::INVALID_TRANSITION, "The alert has ended and cannot be changed.")
                .with("from", "EXPIRED")
                .with("action", "change")
                .with("allowed", ["delete"]),
            AlertError::QuotaUsedUp(problem) => *problem,
            AlertError::Invalid(faults) => Self::validation(&InputFault::members(&faults)),
            AlertError::VersionMismatch(current) => version_mismatch(current),
            AlertError::Search(cause) => cause.into(),
            AlertError::Repeated(repetition) => repetition.into(),
            AlertError::Database(cause) => cause.into(),
        }
    }
}
