//! Compares the clock of this machine with the database's, by which all processes go.
use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    clock::{Clock, DatabaseClock, SharedClock},
    outage::OutageLog,
    postgres::{self, Database, DbError},
    shutdown::stopped_within,
};

/// Interval between two comparisons.
const INTERVAL: Duration = Duration::from_mins(1);
/// Interval between two looks at whether the clock of the machine was set.
const LOOK: Duration = Duration::from_secs(1);

/// Keeps the time of this process that of the database, and warns of a wrong clock.
pub struct ClockWatch {
    db: Database,
    clock: SharedClock,
    /// The difference that is worth a warning.
    warn: TimeDelta,
}

impl ClockWatch {
    pub fn new(db: &Database, clock: &SharedClock, warn_ms: u32) -> Self {
        Self { db: db.for_background(), clock: clock.clone(), warn: TimeDelta::milliseconds(warn_ms.into()) }
    }

    /// Asks the database for its time, unless time is set by hand.
    pub async fn compare(&self) -> Result<(), DbError> {
        let Some(clock) = self.clock.of_the_database() else { return Ok(()) };
        let mut connection = self.db.read().await?;
        let asked = Instant::now();
        let now = postgres::clock(&mut connection).await?;
        clock.learn(now, asked.elapsed());
        self.warn_of(clock);
        Ok(())
    }

    fn warn_of(&self, clock: &DatabaseClock) {
        let skew = clock.skew();
        if skew.abs() <= self.warn {
            return;
        }
        let skew_seconds = skew.as_seconds_f64();
        if clock.is_trusted() {
            tracing::warn!(skew_seconds, "the clock of this machine differs from the database's; set it by NTP");
        } else {
            tracing::error!(
                skew_seconds,
                "the clock of this machine is wrong: this process is not ready, ends and offers nothing and signs no tokens; \
                 set the clock by NTP"
            );
        }
    }

    /// Compares each minute, and when the clock of the machine was set, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut outage = OutageLog::new("the time of the database cannot be read; trying again");
        let mut compared = Instant::now();
        while !stopped_within(&stop, LOOK).await {
            let Some(clock) = self.clock.of_the_database() else { return };
            if compared.elapsed() >= INTERVAL || clock.has_jumped() {
                _ = outage.note(self.compare().await);
                compared = Instant::now();
            }
        }
    }
}
