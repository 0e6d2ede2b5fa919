use crate::platform::postgres::DbError;

/// A reference exists already: the next attempt takes another.
const REFERENCES: &str = "booking_refs_pkey";

/// The reason for rolling a batch back.
#[derive(Debug)]
pub enum Failure {
    /// Each order gets the error.
    OfAll(DbError),
    /// The batch is tried again.
    Conflict,
    /// One order of the batch is to blame.
    OfOne(DbError),
    /// A row is locked by another transaction.
    Locked(DbError),
}

impl Failure {
    pub fn of(error: DbError) -> Self {
        match error {
            error if error.is_conflict() || error.constraint() == Some(REFERENCES) => Self::Conflict,
            error if error.is_lock_timeout() => Self::Locked(error),
            error if error.is_about_data() => Self::OfOne(error),
            error => Self::OfAll(error),
        }
    }
}
