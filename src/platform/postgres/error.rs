use std::{borrow::Cow, io::ErrorKind};

use sqlx::error::DatabaseError;

use crate::platform::telemetry;

/// What can go wrong between us and the database.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    #[error(transparent)]
    Sql(sqlx::Error),
    /// COMMIT was sent and no answer came: the change may or may not be there.
    #[error("the commit's outcome is unknown")]
    OutcomeUnknown(#[source] sqlx::Error),
}

impl DbError {
    /// The five characters of PostgreSQL's error code.
    pub(super) fn sql_state(&self) -> Option<String> {
        match self {
            Self::Sql(error) => sql_state(error).map(Into::into),
            Self::OutcomeUnknown(_) => None,
        }
    }

    /// What may be logged of it: PostgreSQL's details quote rows, and rows hold personal data.
    pub fn summary(&self) -> String {
        match self {
            Self::Sql(sqlx::Error::Database(error)) => {
                let state = error.code().unwrap_or_default();
                format!("{state} {} (constraint: {})", error.message(), error.constraint().unwrap_or("none"))
            }
            other => other.to_string(),
        }
    }

    /// The database chose this transaction as the victim of a deadlock or conflict: trying again is right.
    pub fn is_conflict(&self) -> bool {
        matches!(self.sql_state().as_deref(), Some("40001" | "40P01"))
    }

    /// The name of the constraint that refused, if one did.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Sql(sqlx::Error::Database(error)) => error.constraint(),
            _ => None,
        }
    }

    /// Waited too long for a row, a connection or the server: the caller may come back.
    pub fn is_overload(&self) -> bool {
        match self {
            Self::Sql(sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_)) => true,
            // lock_not_available
            _ => self.sql_state().is_some_and(|state| state == "55P03" || lets_nobody_in(&state)) || self.is_conflict(),
        }
    }

    /// The role lacks a right.
    pub fn is_denied(&self) -> bool {
        self.sql_state().as_deref() == Some("42501")
    }

    /// `statement_timeout` ended the statement.
    pub fn is_timeout(&self) -> bool {
        self.sql_state().as_deref() == Some("57014")
    }
}

/// What PostgreSQL calls the error, if it is one of its own.
pub(super) fn sql_state(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error().and_then(DatabaseError::code)
}

/// A database that lets nobody in or has too many connections, connection exceptions, operator intervention (start,
/// shutdown).
fn lets_nobody_in(state: &str) -> bool {
    matches!(state, "55000" | "53300") || state.starts_with("08") || state.starts_with("57P")
}

/// Why there is no connection to this address.
#[derive(Debug, thiserror::Error)]
#[error("the database at {address} cannot be reached")]
pub struct Unreachable {
    /// Without its password.
    pub address: String,
    /// It may come, or let us in later; else the address or the credentials are wrong.
    pub is_away: bool,
    #[source]
    cause: sqlx::Error,
}

impl Unreachable {
    pub(super) fn new(address: String, is_socket: bool, cause: sqlx::Error) -> Self {
        let is_away = match &cause {
            sqlx::Error::Io(error) => match error.kind() {
                ErrorKind::ConnectionRefused
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe
                | ErrorKind::UnexpectedEof
                | ErrorKind::HostUnreachable
                | ErrorKind::NetworkUnreachable
                | ErrorKind::TimedOut => true,
                // The server makes its socket; of a network address it is a certificate that is not there.
                ErrorKind::NotFound => is_socket,
                _ => false,
            },
            sqlx::Error::Database(_) => sql_state(&cause).is_some_and(|state| lets_nobody_in(&state)),
            _ => false,
        };
        Self { address, is_away, cause }
    }
}

/// The database client does not tell in the statement's span that it failed; here it becomes known.
impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(_) | sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => {
                telemetry::statement_failed(sql_state(&error).as_deref());
            }
            // The statement came out well, or there was none.
            _ => {}
        }
        Self::Sql(error)
    }
}

/// An error that may be the database's choice of victim.
pub trait Transient {
    fn is_transient(&self) -> bool;
}

impl Transient for DbError {
    fn is_transient(&self) -> bool {
        self.is_conflict()
    }
}
