use crate::{
    kernel::FlightId,
    platform::{
        postgres::DbError,
        web::{Problem, problem_codes},
    },
};

problem_codes! {
    CAPACITY_EXCEEDED: CONFLICT, "capacity_exceeded", "The flight has not enough room left",
        "Book less than `available`, or search for another flight.";
    CAPACITY_BELOW_BOOKED: CONFLICT, "capacity_below_booked", "More is booked than that capacity has",
        "Offload bookings in the same request, or leave at least what `shortfalls` says is booked and held.";
}

#[derive(Debug, thiserror::Error)]
pub enum CapacityError {
    #[error("flight {0} does not exist")]
    Unknown(FlightId),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for CapacityError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<CapacityError> for Problem {
    fn from(error: CapacityError) -> Self {
        match error {
            CapacityError::Unknown(id) => Self::not_found(format!("flight {id}")),
            CapacityError::Database(cause) => cause.into(),
        }
    }
}
