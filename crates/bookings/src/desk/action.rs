//! The actions of a lane, and what is reported of them.
use loadmaster_platform::{postgres::DbError, work::Committed};

use super::{super::BookingError, decide::LockedRows};

/// Whether a lane waits, for a short time, for what another transaction has locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    ForOthers,
    ForNobody,
}

/// The next action on the lane's batch, which is answered by a [`Report`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Begin a transaction; enter the keys and claim the air waybills of the batch.
    Enter(Wait),
    /// Lock flights and bookings, and read them.
    Lock(Wait),
    /// Write what was granted.
    Write,
    Commit,
    RollBack,
    /// The batch has ended.
    Settle,
}

/// The outcome of an action.
#[derive(Debug)]
pub enum Report {
    /// The outcome for each entry of the batch.
    Entered(Vec<Result<(), BookingError>>),
    Locked(Box<LockedRows>),
    Written,
    Committed(Committed),
    RolledBack,
    Failed(DbError),
}
