use crate::{
    kernel::AirportCode,
    platform::{postgres::DbError, web::Problem},
};

#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    #[error("airport {0} is not in the reference data")]
    NoSuchAirport(AirportCode),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<SearchError> for Problem {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::NoSuchAirport(_) => Self::internal(&error),
            SearchError::Database(cause) => cause.into(),
        }
    }
}
