use loadmaster_kernel::AirportCode;
use loadmaster_platform::{postgres::DbError, web::Problem};

#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    #[error("airport {0} is not in the reference data")]
    NoSuchAirport(AirportCode),
    /// The search whose result this one awaited has panicked.
    #[error("the search was interrupted")]
    Interrupted,
    #[error("the search result cannot be serialized")]
    Unwritable,
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<SearchError> for Problem {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::NoSuchAirport(_) | SearchError::Interrupted | SearchError::Unwritable => {
                Self::internal(&error)
            }
            SearchError::Database(cause) => cause.into(),
        }
    }
}
