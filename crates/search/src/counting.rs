//! Searches on their way into the tables by which they are counted.
use std::time::Duration;

use chrono::Days;
use loadmaster_flights::Lane;
use loadmaster_platform::{
    postgres::{Database, DbError},
    shutdown::stopped_within,
};
use tokio_util::sync::CancellationToken;

use super::{
    SearchService,
    counter::{Answered, Asker},
    repository,
};

/// Days of searches by which lanes are ranked.
const LOOKED_BACK: u64 = 7;

impl SearchService {
    /// Counts the answered search of a caller.
    pub(super) fn count_for(&self, asker: Asker, answered: Answered<'_>) {
        self.0.counter.count(asker, answered, &self.0.reference, self.0.clock.now());
    }

    /// Writes what this process has counted to the database.
    pub async fn write_counts(&self) -> Result<(), DbError> {
        self.0.counter.write(self.0.clock.now()).await
    }

    /// Writes at this interval, and once more at shutdown.
    pub(super) async fn keep_counts(self, interval: Duration, stop: CancellationToken) {
        while !stopped_within(&stop, interval).await {
            if let Err(error) = self.write_counts().await {
                tracing::warn!(%error, "searches could not be counted in the database; trying again");
            }
        }
        if let Err(error) = self.write_counts().await {
            tracing::error!(%error, "the searches since the last write could not be counted in the database");
            self.0.counter.give_up();
        }
    }

    /// Returns the lanes that were searched most in the last seven days, by searches that had options; at most so many.
    pub async fn most_searched(&self, db: &Database, most: u32) -> Result<Vec<Lane>, DbError> {
        let since = self.0.clock.now() - Days::new(LOOKED_BACK);
        Ok(repository::most_searched(&mut *db.read().await?, since, most.into()).await?)
    }

    /// Adds the counts of searches before the last `days` dates to the sums of their days. Returns the number of rows.
    pub(super) async fn sum_up(&self, db: &Database, days: u32) -> Result<u64, DbError> {
        let before = self.0.clock.now().date_naive() - Days::new(days.into());
        db.delete_in_batches(|tx, most| Box::pin(repository::sum_up(tx, before, most))).await
    }
}
