use crate::{
    features::{accounts::AccountError, bookings::BookingError},
    platform::postgres::{DbError, Transient},
};

#[derive(Debug, thiserror::Error)]
pub enum PrivacyError {
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Booking(#[from] BookingError),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl Transient for PrivacyError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Account(error) => error.is_transient(),
            Self::Booking(error) => error.is_transient(),
            Self::Database(error) => error.is_conflict(),
        }
    }
}
