use std::{collections::hash_map::RandomState, hash::BuildHasher, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    feed::{Entry, FeedError, count},
    readings::Readings,
    sinks::{self, SinkPosition},
};
use crate::{
    leases::{LeaseMonitor, held},
    outage::OutageLog,
    postgres::{Database, DbError},
    shutdown::stopped_within,
    telemetry::{self, Traced, metric},
    timing::Timing,
};

/// Interval between reads of the outbox while it is empty.
const POLL: Duration = Duration::from_millis(200);
/// Pause after a delivery that took all there was. A delivery costs two transactions, however few messages it takes:
/// under load, each takes what was written meanwhile.
const REST: Duration = Duration::from_millis(50);
/// Interval at which a process without the lease requests it.
const WAIT_FOR_LEASE: Duration = Duration::from_secs(1);
/// Messages of a delivery, at most.
const BATCH: i64 = 400;
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A destination of messages.
pub trait Sink: Send + Sync + 'static {
    /// Name under which its position is stored.
    const NAME: &'static str;

    /// Takes all of these, in this order, or fails; after a failure they come again, from the first on. `mark` is the
    /// result of the last delivery, by any process: it is stored with the sink's position. `None` leaves it unchanged.
    fn deliver(
        &self,
        entries: &[Entry],
        mark: Option<&str>,
    ) -> impl Future<Output = Result<Option<String>, SinkAway>> + Send;
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SinkAway(pub String);

/// Delivers every message to a sink, at least once and in order per aggregate, until `stop`. One process at a time does
/// it, the holder of the lease; when it dies another continues from its position. An absent sink is retried with
/// growing pauses and delays no other sink. No transaction is open during a delivery.
pub async fn relay<S: Sink>(
    db: Database,
    readings: Readings,
    sink: S,
    process: String,
    timing: Timing,
    stop: CancellationToken,
) {
    let relay = Relay { db, readings, sink, process, timing, stop };
    let (mut monitor, mut outage) = (
        LeaseMonitor::new(timing.leases),
        OutageLog::new(format!("the outbox cannot be read for {}; trying again", S::NAME)),
    );
    metric::OUTBOX_DELIVERED.with([S::NAME]).increment(0);
    metric::OUTBOX_FAILURES.with([S::NAME]).increment(0);
    loop {
        if let Err(error) = relay.run_lease(&mut monitor, &mut outage).await {
            outage.lasts(&error);
        }
        if stopped_within(&relay.stop, WAIT_FOR_LEASE).await {
            break;
        }
    }
    if let Err(error) = sinks::give_up(&relay.db, S::NAME, &relay.process).await {
        tracing::debug!(%error, sink = S::NAME, "the lease could not be released; it expires by itself");
    }
}

struct Relay<S> {
    db: Database,
    readings: Readings,
    sink: S,
    process: String,
    timing: Timing,
    stop: CancellationToken,
}

/// Recent behaviour of the sink.
struct Backoff {
    failures: u32,
    /// Number of messages per delivery, reduced after a failure: the sink may be slow, or the messages long.
    batch: i64,
}

impl<S: Sink> Relay<S> {
    /// Delivers while this process holds the lease; returns immediately if another holds it.
    async fn run_lease(&self, monitor: &mut LeaseMonitor<&'static str>, outage: &mut OutageLog) -> Result<(), DbError> {
        let asked = Instant::now();
        let Some(place) = sinks::take(&self.db, S::NAME, &self.process, monitor).await? else {
            outage.end();
            return Ok(());
        };
        let beat = || sinks::beat(&self.db, S::NAME, &self.process);
        held(self.timing.leases, asked, beat, self.deliver_all(place, outage)).await.unwrap_or_else(|| {
            tracing::warn!(sink = S::NAME, "the lease was lost; another process delivers to this sink");
            Ok(())
        })
    }

    async fn deliver_all(&self, mut place: SinkPosition, outage: &mut OutageLog) -> Result<(), DbError> {
        let mut backoff = Backoff { failures: 0, batch: BATCH };
        loop {
            let mut next = place.clone();
            let asked_for = backoff.batch;
            let entries = match self.readings.read(&self.db, &mut next.feed, asked_for).await {
                Ok(entries) => entries,
                Err(FeedError::Db(error)) => return Err(error),
                Err(error @ FeedError::Exchanged) => {
                    tracing::warn!(sink = S::NAME, "{error}; continuing from the position saved in this database");
                    return Ok(());
                }
            };
            let delivered = self.deliver(&entries, place.mark.as_deref(), &mut backoff).await;
            let is_taken = delivered.is_some();
            if let Some(mark) = delivered {
                next.mark = mark.or(next.mark);
                if next.is_worth_keeping(&place) && !sinks::keep(&self.db, S::NAME, &self.process, &next).await? {
                    return Ok(());
                }
                place = next;
            }
            outage.end();
            let is_full = count(&entries) >= asked_for;
            let pause = match (is_taken, entries.is_empty(), is_full) {
                (true, _, true) => Duration::ZERO,
                (true, true, _) => POLL,
                (true, ..) => REST,
                (false, ..) => pause_after(backoff.failures),
            };
            if stopped_within(&self.stop, pause).await {
                return Ok(());
            }
        }
    }

    /// Returns the sink's mark if the delivery succeeded; `None` if it failed.
    async fn deliver(&self, entries: &[Entry], mark: Option<&str>, backoff: &mut Backoff) -> Option<Option<String>> {
        if entries.is_empty() {
            return Some(None);
        }
        let delivering = async {
            let outcome = tokio::time::timeout(self.timing.delivery, self.sink.deliver(entries, mark)).await;
            let outcome = outcome.unwrap_or_else(|_| Err(SinkAway("the delivery exceeded its time limit".to_owned())));
            if outcome.is_err() {
                telemetry::fail("unavailable");
            }
            outcome
        };
        let causes = entries.iter().filter_map(Entry::traceparent);
        let part = telemetry::delivery(S::NAME, entries.len(), causes);
        let span = part.log_span();
        let outcome = delivering.in_span(part).instrument(span.clone()).await;
        let _entered = span.entered();
        match outcome {
            Ok(mark) => {
                *backoff = Backoff { failures: 0, batch: (backoff.batch * 2).min(BATCH) };
                let delivered = u64::try_from(entries.len()).unwrap_or_default();
                metric::OUTBOX_DELIVERED.with([S::NAME]).increment(delivered);
                Some(mark)
            }
            Err(error) => {
                if backoff.failures == 0 {
                    tracing::warn!(%error, sink = S::NAME, "messages cannot be delivered; trying again");
                }
                *backoff =
                    Backoff { failures: backoff.failures + 1, batch: (backoff.batch.min(count(entries)) / 2).max(1) };
                metric::OUTBOX_FAILURES.with([S::NAME]).increment(1);
                None
            }
        }
    }
}

/// Returns a pause that doubles from a fifth of a second, with jitter, so that many processes do not retry at once.
fn pause_after(failures: u32) -> Duration {
    let pause = Duration::from_millis(200) * 2u32.saturating_pow(failures.saturating_sub(1).min(10));
    let jitter = RandomState::new().hash_one(failures) % 100;
    pause.min(LONGEST_PAUSE) + Duration::from_millis(jitter)
}
