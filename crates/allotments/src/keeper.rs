//! Keeps allotments on their flights, in each process. What is to be done follows from the tables alone: nothing that a
//! process forgets is lost.
use std::time::Duration;

use chrono::TimeDelta;
use loadmaster_platform::{shutdown::stopped_within, work::run_alone};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{error::AllotmentError, keep::Keep, metric, repository, service::AllotmentService};

/// Interval between two looks at all allotments.
const SWEEP: Duration = Duration::from_secs(30);
/// Shortest pause between two looks.
const PAUSE: Duration = Duration::from_millis(250);
/// Time after which an allotment for which there was no space is tried again.
const AGAIN: TimeDelta = TimeDelta::minutes(5);
/// Most flights read in one statement.
const AT_ONCE: i64 = 1_000;

impl AllotmentService {
    /// Keeps allotments until `stop`.
    pub(super) async fn work(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.look(&stop).await {
                tracing::warn!(%error, "allotments cannot be kept; trying again");
                _ = stopped_within(&stop, PAUSE * 4).await;
                continue;
            }
            if stopped_within(&stop, PAUSE).await {
                break;
            }
            tokio::select! {
                () = stop.cancelled() => break,
                _ = timeout(SWEEP, self.news.notified()) => {}
            }
        }
    }

    /// Does what is due on all flights.
    async fn look(&self, stop: &CancellationToken) -> Result<(), AllotmentError> {
        let mut failed = 0;
        while self.clock.is_trusted() {
            let now = self.clock.now();
            let due = repository::due(&mut *self.db.read().await?, now, now - AGAIN, AT_ONCE).await?;
            for (allotment, flight) in &due {
                if stop.is_cancelled() {
                    return Ok(());
                }
                let keep = Keep::new(self.clone(), *allotment, *flight);
                match run_alone(&self.db, keep).await {
                    Ok(spaces) => self.capacity.wrote(&spaces),
                    // It keeps the other flights from nothing.
                    Err(error) => {
                        tracing::warn!(%error, %allotment, %flight, "an allotment cannot be kept; trying again");
                        failed += 1;
                    }
                }
            }
            if failed > 0 || i64::try_from(due.len()).unwrap_or(i64::MAX) < AT_ONCE {
                break;
            }
        }
        if failed > 0 {
            self.news.notify_one();
        }
        let now = self.clock.now();
        let (kept, short) = repository::counts(&mut *self.db.read().await?, now).await?;
        metric::ALLOTMENT_FLIGHTS.with(["KEPT"]).set(kept);
        metric::ALLOTMENT_FLIGHTS.with(["SHORT"]).set(short);
        Ok(())
    }
}
