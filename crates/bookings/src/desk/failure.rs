use loadmaster_platform::postgres::DbError;

use super::{
    super::metric,
    action::{Next, Wait},
};

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
    /// Another transaction holds a lock that the batch needs, and that is on none of these rows.
    Hindered {
        /// By a claim of an air waybill.
        claiming: bool,
    },
}

impl Failure {
    /// Returns what an error means during this action.
    pub fn of(error: DbError, doing: Next) -> Self {
        match error {
            error if error.is_conflict() || error.constraint() == Some(REFERENCES) => Self::Conflict,
            error if error.is_lock_timeout() => match doing {
                Next::Lock(Wait::ForOthers) => Self::RowLocked,
                doing => Self::Hindered { claiming: matches!(doing, Next::Enter(_)) },
            },
            error if error.may_be_of_one() => Self::OfOne(error),
            error => Self::OfAll(error),
        }
    }
}

/// Counts a batch of several orders that failed because of one of them, with this error or by a panic.
pub fn count_split(lane: &str, orders: usize, error: Option<&DbError>) {
    let is_of_one = |error: &DbError| error.may_be_of_one() && error.constraint() != Some(REFERENCES);
    if orders > 1 && error.is_none_or(is_of_one) {
        metric::DESK_SPLIT.with([lane]).increment(1);
        let cause = error.map_or_else(|| "panic".to_owned(), DbError::summary);
        tracing::warn!(lane, orders, cause, "a batch failed because of one order; smaller batches follow");
    }
}
