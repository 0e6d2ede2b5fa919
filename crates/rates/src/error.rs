use loadmaster_flights::FlightError;
use loadmaster_platform::postgres::DbError;
use loadmaster_search::SearchError;

/// Why lanes could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum RateError {
    #[error(transparent)]
    Search(#[from] SearchError),
    #[error("the lanes could not be read: {0}")]
    Lanes(#[from] FlightError),
    #[error(transparent)]
    Database(#[from] DbError),
}
