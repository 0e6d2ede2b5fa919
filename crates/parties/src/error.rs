use loadmaster_platform::{
    idempotency::Repetition,
    postgres::{DbError, Transient},
    web::{InputFault, Problem, problem_codes, version_mismatch},
};
use loadmaster_shipment::MemberFaults;

use super::model::Kind;

problem_codes! {}

/// The index that keeps the names of an organization's templates apart.
const ONE_NAME: &str = "booking_templates_one_name";

#[derive(Debug, thiserror::Error)]
pub enum PartyError {
    #[error("no such {0:?}, or not one of the caller's organization")]
    Unknown(Kind),
    #[error("the organization has as many as it may: {0:?}")]
    LimitReached(Kind),
    #[error("another template of the organization has this name")]
    NameTaken,
    /// Members that contradict existing values.
    #[error("{0:?}")]
    Invalid(MemberFaults),
    #[error("it is at version {0}")]
    VersionMismatch(i32),
    #[error(transparent)]
    Repeated(#[from] Repetition),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for PartyError {
    fn from(error: sqlx::Error) -> Self {
        match DbError::from(error) {
            error if error.constraint() == Some(ONE_NAME) => Self::NameTaken,
            error => Self::Database(error),
        }
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
            PartyError::Unknown(Kind::Party) => {
                Self::new(code::NOT_FOUND, "There is no such party in your address book.")
            }
            PartyError::Unknown(Kind::Template) => {
                Self::new(code::NOT_FOUND, "Your organization has no such booking template.")
            }
            PartyError::LimitReached(kind) => limit_reached(kind),
            PartyError::NameTaken => {
                Self::new(code::ALREADY_EXISTS, "Another booking template of your organization has this name.")
            }
            PartyError::Invalid(faults) => Self::validation(&InputFault::members(&faults)),
            PartyError::VersionMismatch(current) => version_mismatch(current),
            PartyError::Repeated(repetition) => repetition.into(),
            PartyError::Database(cause) => cause.into(),
        }
    }
}

fn limit_reached(kind: Kind) -> Problem {
    let most = kind.most();
    let (what, text) = match kind {
        Kind::Party => ("parties", format!("Your address book has {most} parties already; delete one first.")),
        Kind::Template => {
            let text = format!("Your organization has {most} booking templates already; delete one first.");
            ("booking_templates", text)
        }
    };
    Problem::new(code::LIMIT_REACHED, text).with("what", what).with("limit", most)
}
