use loadmaster_accounts::AccountError;
use loadmaster_platform::postgres::{DbError, Transient};

#[derive(Debug, thiserror::Error)]
pub enum PrivacyError {
    #[error(transparent)]
    Account(#[from] AccountError),
    /// A room could not erase what it keeps.
    #[error(transparent)]
    Room(anyhow::Error),
    #[error("the later erasure job cannot be enqueued: {0}")]
    Payload(#[from] serde_json::Error),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl Transient for PrivacyError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Account(error) => error.is_transient(),
            Self::Room(_) | Self::Payload(_) => false,
            Self::Database(error) => error.is_conflict(),
        }
    }
}
