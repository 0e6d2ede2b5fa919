//! Checks alerts that are due, those of one lane together. Any number of processes do: each takes alerts for a while by the
//! database's clock, so that no two judge the same one, and what was broken off is taken up again.
use std::{collections::HashSet, panic::AssertUnwindSafe, sync::PoisonError, time::Duration};

use chrono::TimeDelta;
use futures_util::FutureExt;
use loadmaster_kernel::{AlertId, Money};
use loadmaster_platform::{
    in_own_tx, outbox,
    postgres::{DbError, commit, retrying},
    shutdown::stopped_within,
};
use loadmaster_search::WatchedLane;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    error::AlertError,
    metric,
    model::{Alert, CHECKED_EVERY, Changed, Found, QUIET, message},
    repository,
    service::AlertService,
};

/// Interval between two looks for alerts that are due.
const LOOK: Duration = Duration::from_secs(2);
/// Longest time for which a process that ends wakes the alerts of which it has heard.
const LAST_WAKE: Duration = Duration::from_secs(1);
/// Most alerts of one lane that are taken at once: their lease, of 60 seconds, includes the pauses.
const MOST_TAKEN: i64 = 50;
/// Most new bookings or holds whose flights are read at once.
const MOST_READ: usize = 500;
/// Time until an alert that could not be judged is due again. Each failure in a row doubles it, up to [`CHECKED_EVERY`].
const PUT_OFF: TimeDelta = TimeDelta::minutes(1);

impl AlertService {
    /// Checks until `stop`. It pauses after each step for as long as this took: others book beside it.
    pub(super) async fn work(self, stop: CancellationToken) {
        let mut wakes_at = Instant::now();
        loop {
            let rest = match Box::pin(self.look(&stop, &mut wakes_at)).await {
                Ok(true) => Duration::ZERO,
                Ok(false) => LOOK,
                Err(error) => {
                    tracing::warn!(%error, "alerts cannot be checked; trying again");
                    LOOK
                }
            };
            if stopped_within(&stop, rest).await {
                break;
            }
        }
        // What this process has heard of is not lost with it.
        if !matches!(timeout(LAST_WAKE, self.wake()).await, Ok(Ok(()))) {
            tracing::warn!("alerts cannot be woken at the end; they are checked within 30 minutes");
        }
    }

    /// Wakes alerts by what has changed, at most once in [`LOOK`], and checks those of one lane that are due. Returns whether
    /// there were any.
    async fn look(&self, stop: &CancellationToken, wakes_at: &mut Instant) -> Result<bool, AlertError> {
        if !self.clock.is_trusted() {
            return Ok(false);
        }
        if Instant::now() >= *wakes_at {
            self.wake().await?;
            *wakes_at = Instant::now() + LOOK;
        }
        let holder: Uuid = self.ids.next(self.clock.now());
        let mut began = Instant::now();
        let taken = self.take(holder).await?;
        let Some(first) = taken.first() else { return Ok(false) };
        let (origin, destination) = (first.terms.origin, first.terms.destination);
        let mut lane = self.search.watch(origin, destination);
        for alert in taken {
            // Those that are left are taken up again once their lease has ended.
            if stopped_within(stop, began.elapsed()).await {
                return Ok(false);
            }
            began = Instant::now();
            let id = alert.id;
            let checking = AssertUnwindSafe(Box::pin(self.check(&mut lane, alert, holder))).catch_unwind();
            let because = match checking.await {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "the check panicked".to_owned(),
            };
            tracing::warn!(because, alert_id = %id, "an alert cannot be checked; trying again later");
            lane = self.search.watch(origin, destination);
            self.put_off(id, holder).await?;
        }
        stopped_within(stop, began.elapsed()).await;
        Ok(true)
    }

    /// Lets an alert that cannot be judged wait: it must keep no other one waiting.
    async fn put_off(&self, id: AlertId, holder: Uuid) -> Result<(), AlertError> {
        let put_off = || async {
            let (now, most) = (self.clock.now(), CHECKED_EVERY);
            in_own_tx!(self.db, |tx| repository::put_off(&mut tx, id, holder, now, PUT_OFF, most))
        };
        Ok(retrying(put_off).await?)
    }

    /// Makes the alerts due that are concerned by what has changed since the last look. What fails is noted again.
    async fn wake(&self) -> Result<(), AlertError> {
        let changed = std::mem::take(&mut *self.changed.lock().unwrap_or_else(PoisonError::into_inner));
        if changed.is_empty() {
            return Ok(());
        }
        let woken = retrying(|| async {
            let taken = self.flights_taken(&changed).await?;
            let now = self.clock.now();
            let mut tx = self.db.begin().await?;
            repository::wake_by_lanes(&mut tx, &changed, now).await?;
            if !taken.is_empty() {
                repository::wake_by_options(&mut tx, &taken, now).await?;
            }
            if changed.has_prices {
                repository::wake_by_prices(&mut tx, now).await?;
            }
            if changed.may_concern_all {
                repository::wake_all(&mut tx, now).await?;
            }
            commit(tx).await?;
            Ok::<_, AlertError>(())
        });
        let woken = woken.await;
        if woken.is_err() {
            self.note(|noted| noted.take_back(changed));
        }
        woken
    }

    /// Returns the flights of new bookings and holds. It reads few at once, and pauses for as long as it reads: there may be
    /// thousands in a second, and others book beside it.
    async fn flights_taken(&self, changed: &Changed) -> Result<Vec<Uuid>, DbError> {
        let mut taken = HashSet::new();
        let chunks = changed.new_bookings.chunks(MOST_READ).map(|bookings| (bookings, [].as_slice()));
        for (bookings, holds) in chunks.chain(changed.new_holds.chunks(MOST_READ).map(|holds| ([].as_slice(), holds))) {
            let began = Instant::now();
            let mut connection = self.db.read().await?;
            taken.extend(repository::flights_of(&mut connection, bookings, holds).await?);
            drop(connection);
            tokio::time::sleep(began.elapsed()).await;
        }
        Ok(taken.into_iter().collect())
    }

    async fn take(&self, holder: Uuid) -> Result<Vec<Alert>, AlertError> {
        retrying(|| async {
            let mut tx = self.db.begin().await?;
            let ids = repository::lease(&mut tx, holder, self.clock.now(), CHECKED_EVERY, MOST_TAKEN).await?;
            let taken = if ids.is_empty() { Vec::new() } else { repository::leased(&mut tx, &ids).await? };
            commit(tx).await?;
            Ok::<_, AlertError>(taken)
        })
        .await
    }

    /// Judges one alert. Its new state and its message are one transaction.
    async fn check(&self, lane: &mut WatchedLane, alert: Alert, holder: Uuid) -> Result<(), AlertError> {
        let began = Instant::now();
        let currency = alert.threshold().map(Money::currency);
        let found = self.best(lane, &alert.terms, alert.organization_id, currency).await?;
        metric::CHECK.record(began.elapsed().as_secs_f64());
        let is_notified = retrying(|| self.conclude(&alert, holder, found.as_ref())).await?;
        if is_notified {
            metric::ALERTS_MET.with([alert.terms.kind.as_str()]).increment(1);
            tracing::info!(alert_id = %alert.id, kind = alert.terms.kind.as_str(), "alert met");
        }
        Ok(())
    }

    async fn conclude(&self, alert: &Alert, holder: Uuid, found: Option<&Found>) -> Result<bool, AlertError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let Some(mut judged) = repository::lock_leased(&mut tx, alert.id, holder, alert.version).await? else {
            // Its user has gone, and it is about to end; or it was changed, and its lease is over.
            repository::put_off(&mut tx, alert.id, holder, now, PUT_OFF, CHECKED_EVERY).await?;
            commit(tx).await?;
            return Ok(false);
        };
        let is_notified = judged.take_in(found.cloned(), now);
        let next_letter = judged.last_notified_at.filter(|_| judged.is_pending).map(|last| last + QUIET);
        repository::save_checked(&mut tx, &judged, next_letter).await?;
        if is_notified {
            let subject = judged.id.to_string();
            outbox::append_in_tx(&mut tx, &[message(&judged, &subject, now)]).await?;
        }
        commit(tx).await?;
        Ok(is_notified)
    }
}
