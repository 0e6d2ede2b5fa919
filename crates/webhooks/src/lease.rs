//! One process serves a webhook at a time. A process proves that it is alive by one number for all its webhooks.
use std::time::Duration;

use loadmaster_platform::{
    in_own_tx,
    leases::{LeaseMonitor, held},
    outage::OutageLog,
    postgres::DbError,
    shutdown::stopped_within,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{metric, repository, service::WebhookService};

/// Pause after the database failed.
const PAUSE: Duration = Duration::from_secs(1);
/// Interval between two measurements.
const MEASURED: Duration = Duration::from_secs(15);

impl WebhookService {
    /// Serves webhooks until `stop`.
    pub(super) async fn work(self, stop: CancellationToken) {
        let watching = tokio::spawn(self.clone().watch(stop.clone()));
        let mut outage = OutageLog::new("webhooks cannot be served; trying again");
        while !stop.is_cancelled() {
            let asked = Instant::now();
            if outage.note(self.register().await).is_err() {
                stopped_within(&stop, PAUSE).await;
                continue;
            }
            let beat = || async { in_own_tx!(self.db, |tx| repository::beat(&mut tx, &self.process)) };
            if held(self.timing.leases, asked, beat, self.deliver_all(&stop)).await.is_none() {
                tracing::warn!("the leases of webhooks were lost; other processes send their messages");
            }
        }
        if let Err(error) = self.unregister().await {
            tracing::debug!(%error, "the leases of webhooks could not be released; they expire by themselves");
        }
        _ = watching.await;
    }

    async fn register(&self) -> Result<(), DbError> {
        in_own_tx!(self.db, |tx| repository::register(&mut tx, &self.process))
    }

    async fn unregister(&self) -> Result<(), DbError> {
        in_own_tx!(self.db, |tx| repository::unregister(&mut tx, &self.process))
    }

    /// Frees the webhooks of processes that went away, and measures what waits.
    async fn watch(self, stop: CancellationToken) {
        let mut monitor = LeaseMonitor::new(self.timing.leases);
        let mut outage = OutageLog::new("processes that serve webhooks cannot be watched; trying again");
        let mut measured: Option<Instant> = None;
        while !stopped_within(&stop, self.timing.lost_jobs).await {
            _ = outage.note(self.take_from_the_silent(&mut monitor).await);
            if measured.is_none_or(|measured| measured.elapsed() >= MEASURED) && self.measure().await.is_ok() {
                measured = Some(Instant::now());
            }
        }
    }

    async fn take_from_the_silent(&self, monitor: &mut LeaseMonitor<String>) -> Result<(), DbError> {
        let asked = Instant::now();
        let beats = repository::beats(&mut *self.db.read().await?).await?;
        let silent = monitor.silent(asked, beats);
        let silent: Vec<String> = silent.into_iter().filter(|name| **name != *self.process).collect();
        if silent.is_empty() {
            return Ok(());
        }
        let taken = in_own_tx!(self.db, |tx| repository::take_from_the_silent(&mut tx, &silent))?;
        tracing::warn!(
            processes = silent.len(),
            webhooks = taken,
            "a process that served webhooks stopped; others serve them"
        );
        Ok(())
    }

    async fn measure(&self) -> Result<(), DbError> {
        let waiting = repository::waiting(&mut *self.db.read().await?).await?;
        metric::WAITING.set(f64::from(i32::try_from(waiting).unwrap_or(i32::MAX)));
        Ok(())
    }
}
