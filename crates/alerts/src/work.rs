//! Checks alerts that are due. Any number of processes do: each takes alerts for a while by the database's clock, so that no
//! two judge the same one, and what was broken off is taken up again.
use std::{sync::PoisonError, time::Duration};

use loadmaster_kernel::Money;
use loadmaster_platform::{
    outbox,
    postgres::{commit, retrying},
    shutdown::stopped_within,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    error::AlertError,
    metric,
    model::{Alert, Found, QUIET, message},
    repository,
    service::AlertService,
};

/// Interval between two looks for alerts that are due.
const LOOK: Duration = Duration::from_secs(2);
/// Alerts taken at once.
const MOST_TAKEN: i64 = 16;

impl AlertService {
    /// Checks until `stop`.
    pub(super) async fn work(self, stop: CancellationToken) {
        loop {
            let is_more = match Box::pin(self.look(&stop)).await {
                Ok(is_more) => is_more,
                Err(error) => {
                    tracing::warn!(%error, "alerts cannot be checked; trying again");
                    false
                }
            };
            let rest = if is_more { Duration::ZERO } else { LOOK };
            if stopped_within(&stop, rest).await {
                return;
            }
        }
    }

    /// Wakes alerts by what has changed, and checks some that are due. Returns whether there may be more.
    async fn look(&self, stop: &CancellationToken) -> Result<bool, AlertError> {
        if !self.clock.is_trusted() {
            return Ok(false);
        }
        self.wake().await?;
        let holder: Uuid = self.ids.next(self.clock.now());
        let taken = self.take(holder).await?;
        let is_more = i64::try_from(taken.len()).is_ok_and(|taken| taken >= MOST_TAKEN);
        for alert in taken {
            if stop.is_cancelled() {
                return Ok(false);
            }
            let id = alert.id;
            // One that cannot be judged keeps no other waiting: its lease ends, and then it is due again.
            if let Err(error) = Box::pin(self.check(alert, holder)).await {
                tracing::warn!(%error, alert_id = %id, "an alert cannot be checked; trying again");
            }
        }
        Ok(is_more)
    }

    /// Makes the alerts due that are concerned by what has changed since the last look. What fails is noted again.
    async fn wake(&self) -> Result<(), AlertError> {
        let changed = std::mem::take(&mut *self.changed.lock().unwrap_or_else(PoisonError::into_inner));
        if changed.is_empty() {
            return Ok(());
        }
        let woken = retrying(|| async {
            let now = self.clock.now();
            let mut tx = self.db.begin().await?;
            repository::wake_by_lanes(&mut tx, &changed, now).await?;
            if changed.has_prices {
                repository::wake_by_prices(&mut tx, now).await?;
            }
            commit(tx).await?;
            Ok::<_, AlertError>(())
        });
        let woken = woken.await;
        if woken.is_err() {
            self.note(|noted| {
                noted.flights.extend(&changed.flights);
                noted.bookings.extend(&changed.bookings);
                noted.holds.extend(&changed.holds);
                noted.has_prices |= changed.has_prices;
            });
        }
        woken
    }

    async fn take(&self, holder: Uuid) -> Result<Vec<Alert>, AlertError> {
        retrying(|| async {
            let mut tx = self.db.begin().await?;
            let ids = repository::lease(&mut tx, holder, self.clock.now(), MOST_TAKEN).await?;
            let taken = if ids.is_empty() { Vec::new() } else { repository::leased(&mut tx, &ids).await? };
            commit(tx).await?;
            Ok::<_, AlertError>(taken)
        })
        .await
    }

    /// Judges one alert. Its new state and its message are one transaction.
    async fn check(&self, alert: Alert, holder: Uuid) -> Result<(), AlertError> {
        let began = Instant::now();
        let currency = alert.threshold().map(Money::currency);
        let found = self.best(&alert.terms, alert.organization_id, currency).await?;
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
