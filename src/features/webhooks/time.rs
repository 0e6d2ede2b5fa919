//! The time of the database, which all processes share. A process whose own clock is wrong puts no message off, and signs with
//! a timestamp that receivers accept.
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use tokio::time::Instant;

use crate::platform::{
    clock::{Clock, SharedClock},
    postgres::{self, PgSession},
};

/// The injected clock until the database was asked; from then on the database's time, carried on by the monotonic clock.
pub(super) struct SharedTime {
    clock: SharedClock,
    known: Mutex<Option<(DateTime<Utc>, Instant)>>,
}

impl SharedTime {
    pub fn new(clock: SharedClock) -> Self {
        Self { clock, known: Mutex::default() }
    }

    /// Asks the database, unless time is set by hand. The monotonic clock may stand still while the machine is suspended: to be
    /// called again and again.
    pub async fn learn(&self, db: &mut PgSession) -> sqlx::Result<()> {
        if self.clock.is_of_the_machine() {
            let asked = Instant::now();
            let now = postgres::now(db).await?;
            *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, asked));
        }
        Ok(())
    }
}

impl Clock for SharedTime {
    fn now(&self) -> DateTime<Utc> {
        match *self.known.lock().unwrap_or_else(PoisonError::into_inner) {
            Some((then, asked)) => (then + TimeDelta::from_std(asked.elapsed()).unwrap_or_default()).trunc_subsecs(6),
            None => self.clock.now(),
        }
    }
}
