use loadmaster_flights::FlightError;
use loadmaster_kernel::{Fault, FaultCode};
use loadmaster_platform::{
    idempotency::Repetition,
    postgres::{DbError, Transient},
    web::{InputFault, Problem, problem_codes, version_mismatch},
};
use loadmaster_shipment::MemberFaults;

problem_codes! {}

#[derive(Debug, thiserror::Error)]
pub enum AllotmentError {
    #[error("no such allotment, or not the caller's")]
    Unknown,
    #[error("there is no such organization")]
    UnknownOrganization,
    /// Members that contradict others.
    #[error("{0:?}")]
    Invalid(MemberFaults),
    #[error("the allotment is at version {0}")]
    VersionMismatch(i32),
    /// The flight lacks space that may be free once expired holds have ended.
    #[error("the flight lacks room")]
    Short,
    #[error(transparent)]
    Repeated(#[from] Repetition),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for AllotmentError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<FlightError> for AllotmentError {
    fn from(error: FlightError) -> Self {
        match error {
            FlightError::Database(cause) => Self::Database(cause),
            _ => Self::Unknown,
        }
    }
}

impl Transient for AllotmentError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Repeated(Repetition::Database(cause)) | Self::Database(cause) => cause.is_transient(),
            _ => false,
        }
    }
}

impl From<AllotmentError> for Problem {
    fn from(error: AllotmentError) -> Self {
        match error {
            AllotmentError::Unknown => Self::new(code::NOT_FOUND, "There is no such allotment, or it is not yours."),
            AllotmentError::UnknownOrganization => {
                let fault = Fault::new(FaultCode::UnknownValue, "must be the id of an existing organization");
                Self::validation(&InputFault::members(&[("/organization_id", fault)]))
            }
            AllotmentError::Invalid(faults) => Self::validation(&InputFault::members(&faults)),
            AllotmentError::VersionMismatch(current) => version_mismatch(current),
            AllotmentError::Short => Self::unavailable("The flights lack room for the allotment; try again."),
            AllotmentError::Repeated(repetition) => repetition.into(),
            AllotmentError::Database(cause) => cause.into(),
        }
    }
}
