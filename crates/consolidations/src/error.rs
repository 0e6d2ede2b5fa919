use loadmaster_accounts::invalid_token;
use loadmaster_kernel::AirportCode;
use loadmaster_platform::{
    idempotency::Repetition,
    postgres::{DbError, Transient},
    web::{InputFault, Problem, problem_codes, version_mismatch},
};
use loadmaster_shipment::MemberFaults;

use super::model::{Master, MasterStatus};

problem_codes! {
    { loadmaster_accounts::code::INVALID_TOKEN, loadmaster_bookings::code::BOOKING_LOCKED, loadmaster_bookings::code::CAPACITY_EXCEEDED, loadmaster_bookings::code::EMBARGOED, loadmaster_bookings::code::HANDLING_REQUIRED, loadmaster_bookings::code::FLIGHT_CLOSED, loadmaster_bookings::code::FLIGHT_CANCELLED, loadmaster_bookings::code::ITINERARY_INVALID, loadmaster_bookings::code::PIECE_TOO_LARGE, loadmaster_bookings::code::HOLD_EXPIRED, loadmaster_bookings::code::HOLD_INCOMPLETE, loadmaster_bookings::code::HOLD_LIMIT_EXCEEDED, loadmaster_bookings::code::NO_RATE, loadmaster_bookings::code::PAYMENT_IN_PROGRESS }
}

#[derive(Debug, thiserror::Error)]
pub enum ConsolidationError {
    #[error("no such consolidation, or not one of the caller's")]
    Unknown,
    #[error("no such part, or not the caller's")]
    UnknownPart,
    #[error("no such member")]
    UnknownMember,
    #[error("no part or master from {0}")]
    UnknownOrigin(AirportCode),
    /// Forged, used, expired, or of another address.
    #[error("the token is not valid")]
    TokenInvalid,
    /// What only the owner may do.
    #[error("only the owner may do this")]
    NotOwner,
    #[error("only members add parts")]
    NotMember,
    #[error("the owner cannot leave")]
    OwnerStays,
    #[error("the organization is a member already")]
    AlreadyMember,
    /// A part of an organization that is no member any more.
    #[error("the organization of the part has left")]
    MemberLeft,
    /// There are as many of these as there may be.
    #[error("it has {limit} {what}, as many as it may")]
    LimitReached { what: &'static str, limit: usize },
    #[error("the consolidation is cancelled")]
    Cancelled,
    /// Nothing can be held or booked, for this reason.
    #[error("{0}")]
    Incomplete(&'static str),
    /// Members that contradict each other or the consolidation.
    #[error("{0:?}")]
    Invalid(MemberFaults),
    /// Faults in the ways or numbers of a request, by pointer.
    #[error("{0:?}")]
    InvalidWays(Vec<(String, loadmaster_kernel::Fault)>),
    /// The master of an origin has a hold or booking in force.
    #[error("the master from {origin} is {status:?}")]
    InForce { origin: AirportCode, status: MasterStatus, action: &'static str },
    /// What the desk says of the master of an origin.
    #[error("the master from {origin} is refused")]
    Refused { origin: AirportCode, problem: Box<Problem> },
    /// A hold ended before it could be the master of its origin.
    #[error("the hold of {0} ended")]
    HoldEnded(AirportCode),
    #[error("it is at version {0}")]
    VersionMismatch(i32),
    #[error(transparent)]
    Repeated(#[from] Repetition),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for ConsolidationError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl Transient for ConsolidationError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Repeated(Repetition::Database(cause)) | Self::Database(cause) => cause.is_transient(),
            _ => false,
        }
    }
}

impl ConsolidationError {
    /// Returns the refusal of an action by a master that is in force.
    pub fn in_force(master: &Master, action: &'static str) -> Self {
        Self::InForce { origin: master.origin, status: master.status, action }
    }

    /// Returns whether the effect may happen or have happened: by this request or by another one under its key.
    pub fn may_have_happened(&self) -> bool {
        match self {
            Self::Repeated(Repetition::InProgress | Repetition::Database(_))
            | Self::Database(DbError::OutcomeUnknown(_)) => true,
            Self::Refused { problem, .. } => problem.code() == code::IDEMPOTENCY_IN_PROGRESS,
            _ => false,
        }
    }
}

impl From<ConsolidationError> for Problem {
    fn from(error: ConsolidationError) -> Self {
        use ConsolidationError as Error;
        match error {
            Error::Unknown => Self::new(code::NOT_FOUND, "There is no such consolidation, or it is not yours."),
            Error::UnknownPart => Self::new(code::NOT_FOUND, "There is no such part, or it is not yours."),
            Error::UnknownMember => Self::new(code::NOT_FOUND, "The consolidation has no such member."),
            Error::UnknownOrigin(origin) => Self::not_found(format!("master from {origin}")),
            Error::TokenInvalid => {
                invalid_token("token", "The invitation is used, has expired, or was sent to another address.")
            }
            Error::NotOwner => Self::new(code::FORBIDDEN, "Only the owner of the consolidation may do this."),
            Error::NotMember => Self::new(code::FORBIDDEN, "Only members of the consolidation may add parts."),
            Error::OwnerStays => {
                Self::new(code::INVALID_TRANSITION, "The owner cannot leave the consolidation; cancel it instead.")
                    .with("from", "ACCEPTED")
                    .with("action", "remove")
                    .with("allowed", ["delete"])
            }
            Error::AlreadyMember => {
                Self::new(code::ALREADY_EXISTS, "Your organization is a member of the consolidation already.")
            }
            Error::MemberLeft => {
                let text = "The organization of the part has left the consolidation; its parts stay withdrawn.";
                Self::new(code::INVALID_TRANSITION, text)
                    .with("from", "WITHDRAWN")
                    .with("action", "change")
                    .with("allowed", [""; 0])
            }
            Error::LimitReached { what, limit } => {
                let text = format!("A consolidation has at most {limit} {what}; remove one first.");
                Self::new(code::LIMIT_REACHED, text).with("what", what).with("limit", limit)
            }
            Error::Cancelled => {
                Self::new(code::INVALID_TRANSITION, "The consolidation is cancelled and cannot be changed.")
                    .with("from", "CANCELLED")
                    .with("action", "change")
                    .with("allowed", [""; 0])
            }
            Error::Incomplete(text) => Self::new(code::HOLD_INCOMPLETE, text).with("missing", ["/parts"]),
            Error::Invalid(faults) => Self::validation(&InputFault::members(&faults)),
            Error::InvalidWays(faults) => Self::validation(&InputFault::members(&faults)),
            Error::InForce { origin, status, action } => in_force(origin, status, action),
            Error::Refused { origin, problem } => problem.with("origin", origin),
            Error::HoldEnded(origin) => {
                let text = format!("The hold of the master from {origin} has ended; hold again.");
                Self::new(code::HOLD_EXPIRED, text).with("origin", origin)
            }
            Error::VersionMismatch(current) => version_mismatch(current),
            Error::Repeated(repetition) => repetition.into(),
            Error::Database(cause) => cause.into(),
        }
    }
}

/// Returns the refusal of an action by a master that is held or booked.
fn in_force(origin: AirportCode, status: MasterStatus, action: &str) -> Problem {
    let text = format!("The master from {origin} is held or booked; release or cancel it first.");
    let allowed: &[&str] = match status {
        MasterStatus::Held => &["release", "book", "amend"],
        MasterStatus::Booked => &["amend"],
        _ => &[],
    };
    Problem::new(code::INVALID_TRANSITION, text)
        .with("from", status.as_str())
        .with("action", action)
        .with("allowed", allowed)
        .with("origin", origin)
}
