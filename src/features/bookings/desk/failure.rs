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
    /// Another transaction has locked a flight or a booking of the batch.
    RowLocked,
    /// Another transaction holds another lock that the batch needs.
    Hindered,
}

impl Failure {
    /// `locks_rows`: flights and bookings were being locked.
    pub fn of(error: DbError, locks_rows: bool) -> Self {
        match error {
            error if error.is_conflict() || error.constraint() == Some(REFERENCES) => Self::Conflict,
            error if error.is_lock_timeout() => {
                if locks_rows {
                    Self::RowLocked
                } else {
                    Self::Hindered
                }
            }
            error if error.is_about_data() => Self::OfOne(error),
            error => Self::OfAll(error),
        }
    }
}
