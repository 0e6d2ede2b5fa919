use crate::{
    kernel::Fault,
    platform::{
        postgres::{DbError, Transient},
        random::NoRandomness,
        web::{Code, InputFault, Problem},
    },
};

/// Why this room refuses or fails.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// A member of a new account cannot be taken.
    #[error("`{member}` {fault}")]
    Input { member: &'static str, fault: Fault },
    /// Another account has that e-mail address, perhaps in other case.
    #[error("an account with this e-mail address exists already")]
    EmailTaken,
    /// No such account, or another password: which of the two is not said.
    #[error("e-mail or password is wrong")]
    InvalidCredentials,
    /// The password was right.
    #[error("the account is disabled")]
    Disabled,
    #[error("the access token has expired")]
    TokenExpired,
    #[error("the access token is not valid")]
    TokenInvalid,
    /// The credential is good, but it names no account.
    #[error("the credential belongs to no account")]
    NoAccount,
    /// More passwords wait to be checked than can be checked in time.
    #[error("too many passwords wait to be checked")]
    Busy,
    /// A key, a hash or a generator does not work; the text names no secret.
    #[error("{0}")]
    Crypto(String),
    #[error(transparent)]
    Random(#[from] NoRandomness),
    #[error(transparent)]
    Database(DbError),
}

impl From<DbError> for AccountError {
    fn from(error: DbError) -> Self {
        match error.constraint() {
            Some("users_email_unique") => Self::EmailTaken,
            _ => Self::Database(error),
        }
    }
}

impl From<sqlx::Error> for AccountError {
    fn from(error: sqlx::Error) -> Self {
        DbError::from(error).into()
    }
}

impl Transient for AccountError {
    fn is_transient(&self) -> bool {
        matches!(self, Self::Database(error) if error.is_conflict())
    }
}

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Input { member, ref fault } => Self::validation(&[InputFault {
                place: "body",
                pointer: Some(format!("/{member}")),
                name: None,
                code: fault.code.as_str(),
                message: format!("{error}."),
                row: None,
            }]),
            AccountError::EmailTaken => {
                Self::new(Code::AlreadyExists, "An account with this e-mail address exists already: log in instead.")
            }
            AccountError::InvalidCredentials => {
                Self::new(Code::InvalidCredentials, "The e-mail address or the password is wrong.")
            }
            AccountError::Disabled => {
                Self::new(Code::AccountDisabled, "This account is disabled; your administrator can enable it again.")
            }
            AccountError::TokenExpired => {
                Self::new(Code::TokenExpired, "The access token has expired: log in again to get a new one.")
            }
            AccountError::TokenInvalid => Self::new(
                Code::Unauthenticated,
                "The Authorization header holds no valid access token: send `Bearer` and a token from a log-in.",
            ),
            AccountError::NoAccount => {
                Self::new(Code::Unauthenticated, "The access token belongs to no account any more: log in again.")
            }
            AccountError::Busy => {
                Self::unavailable("Too many callers are logging in at once; nothing was changed, try again shortly.")
            }
            AccountError::Crypto(_) => Self::internal(&error),
            AccountError::Random(error) => error.into(),
            AccountError::Database(error) => error.into(),
        }
    }
}
