use loadmaster_platform::{
    idempotency::Repetition,
    postgres::{DbError, Transient},
    web::Problem,
};

/// A refusal or failure of the post office.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    #[error("there is no such letter in the mailbox")]
    UnknownLetter,
    #[error("messages to this address are not suppressed")]
    NotSuppressed,
    #[error("the mailbox cannot be read: {0}")]
    Mailbox(#[from] std::io::Error),
    #[error(transparent)]
    Repeated(#[from] Repetition),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for PostError {
    fn from(error: sqlx::Error) -> Self {
        DbError::from(error).into()
    }
}

impl Transient for PostError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Database(error) | Self::Repeated(Repetition::Database(error)) => error.is_conflict(),
            _ => false,
        }
    }
}

impl From<PostError> for Problem {
    fn from(error: PostError) -> Self {
        match error {
            PostError::UnknownLetter => Self::not_found("letter in the mailbox with this id"),
            PostError::NotSuppressed => Self::not_found("suppression of this address"),
            PostError::Mailbox(_) => Self::internal(&error),
            PostError::Repeated(repetition) => repetition.into(),
            PostError::Database(error) => error.into(),
        }
    }
}
