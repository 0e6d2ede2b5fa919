use std::{
    borrow::Cow,
    io::{self, ErrorKind},
};

use sqlx::error::DatabaseError;

use super::state::Refusal;
use crate::telemetry;

/// An error between this process and the database.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    #[error(transparent)]
    Sql(sqlx::Error),
    /// COMMIT was sent and no answer came: the change may or may not be committed.
    #[error("the outcome of the commit is unknown")]
    OutcomeUnknown(#[source] sqlx::Error),
    /// The database aborted this transaction in favour of another.
    #[error("the transaction was the victim of a conflict")]
    Conflict,
}

/// `lock_timeout` ended the wait for a row or table.
pub(super) const LOCK_NOT_AVAILABLE: &str = "55P03";
pub(super) const DEADLOCK_DETECTED: &str = "40P01";
const READ_ONLY: &str = "25006";

impl DbError {
    /// Returns PostgreSQL's five-character error code.
    pub(super) fn sql_state(&self) -> Option<String> {
        match self {
            Self::Sql(error) => sql_state(error).map(Into::into),
            Self::OutcomeUnknown(_) | Self::Conflict => None,
        }
    }

    /// Returns the same error for another command of the failed transaction.
    #[must_use]
    pub fn copy(&self) -> Self {
        match self {
            Self::Sql(error) if !self.is_conflict() => Self::Sql(copy(error)),
            Self::Sql(_) | Self::Conflict => Self::Conflict,
            Self::OutcomeUnknown(error) => Self::OutcomeUnknown(copy(error)),
        }
    }

    /// Returns the error of a statement that another room has made.
    pub fn into_sql(self) -> sqlx::Error {
        match self {
            Self::Sql(error) | Self::OutcomeUnknown(error) => error,
            Self::Conflict => sqlx::Error::WorkerCrashed,
        }
    }

    /// Returns a text that is safe to log: PostgreSQL's details quote rows, and rows hold personal data.
    pub fn summary(&self) -> String {
        match self {
            Self::Sql(sqlx::Error::Database(error)) => {
                let state = error.code().unwrap_or_default();
                format!("{state} {} (constraint: {})", error.message(), error.constraint().unwrap_or("none"))
            }
            other => other.to_string(),
        }
    }

    /// Returns whether the database chose this transaction as the victim of a deadlock or conflict: a retry is right.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict) || matches!(self.sql_state().as_deref(), Some("40001" | "40P01"))
    }

    /// Returns the name of the violated constraint, if any.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Sql(sqlx::Error::Database(error)) => error.constraint(),
            _ => None,
        }
    }

    /// Returns whether a wait for a row, a connection or the server ended, or the server cannot work: the caller may
    /// retry.
    pub fn is_overload(&self) -> bool {
        match self {
            Self::Sql(sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed) => true,
            Self::Sql(error) if Verdict::of(error) != Verdict::OfStatement => true,
            _ => {
                self.sql_state().is_some_and(|state| state == LOCK_NOT_AVAILABLE || lets_nobody_in(&state))
                    || self.is_conflict()
            }
        }
    }

    /// Returns whether a wait for a row exceeded `lock_timeout`.
    pub fn is_lock_timeout(&self) -> bool {
        self.sql_state().as_deref() == Some(LOCK_NOT_AVAILABLE)
    }

    /// Returns whether one of several commands of the failed transaction may be to blame: the server or the client library
    /// refused a statement or its result. A lost connection, a server that stops, lacks resources or is read-only, a pool
    /// without a connection, a conflict and a locked row concern all of them.
    pub fn may_be_of_one(&self) -> bool {
        match self {
            error if error.is_conflict() || error.is_lock_timeout() => false,
            Self::Sql(error @ sqlx::Error::Database(_)) => {
                let state = sql_state(error).unwrap_or_default();
                Verdict::of(error) != Verdict::Lost && !state.starts_with("53") && state != READ_ONLY
            }
            Self::Sql(error) => !matches!(
                error,
                sqlx::Error::Io(_)
                    | sqlx::Error::Tls(_)
                    | sqlx::Error::Protocol(_)
                    | sqlx::Error::PoolTimedOut
                    | sqlx::Error::PoolClosed
                    | sqlx::Error::BeginFailed
            ),
            Self::OutcomeUnknown(_) | Self::Conflict => false,
        }
    }

    /// Returns whether the role lacks a right.
    pub fn is_denied(&self) -> bool {
        self.sql_state().as_deref() == Some("42501")
    }

    /// Returns whether `statement_timeout` ended the statement.
    pub fn is_timeout(&self) -> bool {
        self.sql_state().as_deref() == Some("57014")
    }
}

/// Returns PostgreSQL's code for the error, if the server reported it.
pub(super) fn sql_state(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error().and_then(DatabaseError::code)
}

/// The scope of an error beyond the statement that met it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The statement only: connection and server are well.
    OfStatement,
    /// The connection is unusable.
    Lost,
    /// The server is unavailable; the reason is given if it is one for refusing writes.
    Refused(Option<Refusal>),
}

impl Verdict {
    pub fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(_) => sql_state(error).map_or(Self::OfStatement, |state| Self::of_state(&state)),
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => Self::Lost,
            _ => Self::OfStatement,
        }
    }

    fn of_state(state: &str) -> Self {
        match (state, state.get(..2)) {
            (READ_ONLY, _) => Self::Refused(Some(Refusal::ReadOnly)),
            ("53100", _) => Self::Refused(Some(Refusal::Full)),
            // I/O errors and missing files
            (_, Some("58")) => Self::Refused(Some(Refusal::Failing)),
            // out of resources, a faulty configuration file, internal errors and corrupt data
            (_, Some("53" | "F0" | "XX")) => Self::Refused(None),
            // Sessions that the server ends because they were in a transaction for too long, connection exceptions, and
            // credentials or databases that are no longer valid when a connection is made.
            ("25P03" | "25P04", _) | (_, Some("08" | "28" | "3D")) => Self::Lost,
            // operator intervention
            _ if state.starts_with("57P") => Self::Lost,
            _ => Self::OfStatement,
        }
    }

    pub const fn refusal(self) -> Option<Refusal> {
        match self {
            Self::Refused(refusal) => refusal,
            Self::OfStatement | Self::Lost => None,
        }
    }
}

/// Returns whether the state means that the server refuses sessions: too many connections, connection exceptions,
/// operator intervention (start, shutdown).
fn lets_nobody_in(state: &str) -> bool {
    matches!(state, "55000" | "53300") || state.starts_with("08") || state.starts_with("57P")
}

/// The reason why there is no connection to this address.
#[derive(Debug, thiserror::Error)]
#[error("the database at {address} cannot be reached")]
pub struct Unreachable {
    /// Without its password.
    pub address: String,
    /// The server may start, or accept sessions, later; otherwise the address or the credentials are wrong.
    pub is_away: bool,
    #[source]
    cause: sqlx::Error,
}

impl Unreachable {
    pub(super) fn new(address: String, is_socket: bool, cause: sqlx::Error) -> Self {
        let is_away = match &cause {
            sqlx::Error::Io(error) => match error.kind() {
                // The server creates its socket; for a network address a certificate is missing.
                ErrorKind::NotFound => is_socket,
                // The socket or a certificate may not be read, or is not what it should be.
                ErrorKind::PermissionDenied
                | ErrorKind::InvalidInput
                | ErrorKind::InvalidData
                | ErrorKind::Unsupported => false,
                // Also a name that is not found: name servers forget the name of a container that is stopped.
                _ => true,
            },
            sqlx::Error::Database(_) => sql_state(&cause).is_some_and(|state| lets_nobody_in(&state)),
            _ => false,
        };
        Self { address, is_away, cause }
    }
}

/// Records the failure in the statement's span, which the database client does not do.
impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(_) | sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => {
                telemetry::statement_failed(sql_state(&error).as_deref());
            }
            // The statement succeeded, or there was none.
            _ => {}
        }
        Self::Sql(error)
    }
}

/// An error that may mark a transaction as the database's victim of a conflict.
pub trait Transient {
    fn is_transient(&self) -> bool;
}

impl Transient for DbError {
    fn is_transient(&self) -> bool {
        self.is_conflict()
    }
}

/// Returns an error of the same kind, with the same code and text.
fn copy(error: &sqlx::Error) -> sqlx::Error {
    match error {
        sqlx::Error::Database(error) => sqlx::Error::Database(Box::new(Copied {
            state: error.code().unwrap_or_default().into_owned(),
            message: error.message().to_owned(),
            constraint: error.constraint().map(str::to_owned),
        })),
        sqlx::Error::Io(error) => sqlx::Error::Io(io::Error::new(error.kind(), error.to_string())),
        sqlx::Error::Protocol(text) => sqlx::Error::Protocol(text.clone()),
        sqlx::Error::PoolTimedOut => sqlx::Error::PoolTimedOut,
        sqlx::Error::PoolClosed => sqlx::Error::PoolClosed,
        sqlx::Error::RowNotFound => sqlx::Error::RowNotFound,
        sqlx::Error::WorkerCrashed => sqlx::Error::WorkerCrashed,
        other => sqlx::Error::Decode(other.to_string().into()),
    }
}

/// An error of the server, repeated.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Copied {
    state: String,
    message: String,
    constraint: Option<String>,
}

impl DatabaseError for Copied {
    fn message(&self) -> &str {
        &self.message
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.state.as_str().into())
    }

    fn constraint(&self) -> Option<&str> {
        self.constraint.as_deref()
    }

    fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> sqlx::error::ErrorKind {
        sqlx::error::ErrorKind::Other
    }
}

#[cfg(debug_assertions)]
impl DbError {
    /// The error of a server with this code, for simulations.
    pub fn simulated(state: &str) -> Self {
        let (state, message) = (state.to_owned(), "simulated".to_owned());
        Self::Sql(sqlx::Error::Database(Box::new(Copied { state, message, constraint: None })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_says_what_the_error_said() {
        for state in ["23505", "55P03", "57014", "57P01"] {
            let error = DbError::simulated(state);
            let copy = error.copy();
            assert_eq!((copy.sql_state(), copy.is_overload()), (error.sql_state(), error.is_overload()));
        }
        assert!(matches!(DbError::from(sqlx::Error::RowNotFound).copy(), DbError::Sql(sqlx::Error::RowNotFound)));
        assert!(matches!(DbError::simulated("40P01").copy(), DbError::Conflict));
    }

    #[test]
    fn all_share_a_server_that_is_away_and_one_alone_any_other_error() {
        for state in ["21000", "22001", "23505", "42501", "57014", "58030", "P0001", "XX000"] {
            assert!(DbError::simulated(state).may_be_of_one(), "{state}");
        }
        for state in ["08006", "25006", "25P03", "53100", "53300", "57P01", "57P03"] {
            assert!(!DbError::simulated(state).may_be_of_one(), "{state}");
        }
        assert!(DbError::from(sqlx::Error::RowNotFound).may_be_of_one());
        assert!(!DbError::from(sqlx::Error::PoolTimedOut).may_be_of_one());
    }

    #[test]
    fn a_state_decides_what_becomes_of_the_connection() {
        for (states, verdict) in [
            (vec!["23505", "22001", "40001", "40P01", "42501", "55P03", "57014", "25001"], Verdict::OfStatement),
            (vec!["57P01", "57P02", "57P03", "57P05", "08006", "08P01", "25P03", "28P01", "3D000"], Verdict::Lost),
            (vec!["53200", "53300", "53400", "XX000", "XX001", "F0000"], Verdict::Refused(None)),
            (vec!["25006"], Verdict::Refused(Some(Refusal::ReadOnly))),
            (vec!["53100"], Verdict::Refused(Some(Refusal::Full))),
            (vec!["58030", "58P01"], Verdict::Refused(Some(Refusal::Failing))),
        ] {
            for state in states {
                assert_eq!(Verdict::of_state(state), verdict, "{state}");
            }
        }
    }
}
