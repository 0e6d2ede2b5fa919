use crate::{
    kernel::FlightId,
    platform::{postgres::DbError, web::Problem},
};

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
