//! What attempts have shown, written down: one transaction for all that have ended since the last one.
use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_accounts::Obstacle;
use loadmaster_kernel::{DeliveryId, WebhookId};
use loadmaster_platform::{
    in_own_tx, outbox,
    postgres::{DbError, PgSession, retrying},
};
use uuid::Uuid;

use super::{
    attempt::{Ended, Verdict},
    metric,
    model::{
        After, Attempt, DeliveryStatus, DisabledReason, GiveUp, Moment, Outlook, Tried, WebhookEventType,
        WebhookMessage, WebhookStatus, due, message,
    },
    repository::{self, Learned, Locked, Pending},
    service::WebhookService,
};

/// Pause after a message could not be signed.
const UNSIGNED_PAUSE: TimeDelta = TimeDelta::minutes(1);
/// Pauses vary by this fraction, up and down.
const VARIATION: f64 = 0.1;

/// What a transaction writes.
#[derive(Default)]
struct Ledger {
    webhooks: BTreeMap<WebhookId, Locked>,
    /// Why nothing is sent to webhooks from which an attempt has withheld a message, as it is under their locks.
    obstacles: HashMap<WebhookId, Obstacle>,
    deliveries: HashMap<DeliveryId, Pending>,
    attempts: Vec<(DeliveryId, Attempt)>,
    /// Webhooks whose receivers are back.
    recovered: HashSet<WebhookId>,
    disabled: HashSet<WebhookId>,
    /// Webhooks that sleep: what waited for them has failed.
    asleep: HashSet<WebhookId>,
    events: Vec<(WebhookId, WebhookEventType)>,
}

/// What a transaction has found.
struct Saved {
    /// Webhooks that it has disabled.
    disabled: Vec<(WebhookId, DisabledReason)>,
    /// Webhooks that it has found asleep.
    asleep: Vec<WebhookId>,
    /// Something is due for one of the webhooks.
    is_more_due: bool,
}

impl Ledger {
    /// Learns from an attempt. `variation` multiplies the pause after it.
    fn learn_from(
        &mut self,
        id: WebhookId,
        tried: &Tried,
        attempt: impl FnOnce(i32) -> Attempt,
        (policy, variation): (&GiveUp, f64),
        now: DateTime<Utc>,
    ) {
        let Some(delivery) = self.deliveries.get_mut(&tried.delivery) else { return };
        let Some(webhook) = self.webhooks.get_mut(&id) else { return };
        delivery.attempt_count += 1;
        self.attempts.push((delivery.id, attempt(delivery.attempt_count)));
        let before = webhook.state.status;
        let step = usize::try_from(delivery.step).unwrap_or_default();
        let moment = Moment { step, next_attempt_at: delivery.next_attempt_at.unwrap_or(tried.started_at) };
        let after = webhook.state.learn(tried, moment, policy, variation);
        // It may have failed with others while it was under way: then it does not wait any more, but may have arrived.
        let has_waited = delivery.status == DeliveryStatus::Waiting;
        match after {
            After::Delivered => (delivery.status, delivery.next_attempt_at) = (DeliveryStatus::Delivered, None),
            After::Failed if has_waited => (delivery.status, delivery.next_attempt_at) = (DeliveryStatus::Failed, None),
            After::Again(moment) if has_waited => {
                delivery.step = i32::try_from(moment.step).unwrap_or(i32::MAX);
                delivery.next_attempt_at = Some(moment.next_attempt_at);
            }
            After::Again(_) | After::Failed => {}
        }
        // For one that was disabled or found asleep, by an attempt before this one at the latest, nothing waits any more.
        if before == WebhookStatus::Disabled || webhook.is_deleted || self.asleep.contains(&id) {
            return;
        }
        if has_waited && delivery.status != DeliveryStatus::Waiting {
            webhook.waiting -= 1;
        }
        let event = webhook.state.judge(policy, webhook.waiting, now);
        self.events.extend(event.map(|event| (id, event)));
        match webhook.state.status {
            WebhookStatus::Disabled => {
                webhook.waiting = 0;
                if delivery.status == DeliveryStatus::Waiting {
                    (delivery.status, delivery.next_attempt_at) = (DeliveryStatus::Failed, None);
                }
                self.disabled.insert(id);
                self.events.push((id, WebhookEventType::Disabled));
            }
            WebhookStatus::Active if before == WebhookStatus::Failing => _ = self.recovered.insert(id),
            WebhookStatus::Active | WebhookStatus::Failing => {}
        }
    }

    /// Ends what waits for a webhook that has ended, which disables it, or that sleeps. The delivery was not tried, and fails with
    /// all the others. One that was taken over since the attempt keeps what waits.
    fn withhold(&mut self, id: WebhookId, delivery: DeliveryId) {
        let (Some(webhook), Some(obstacle)) = (self.webhooks.get_mut(&id), self.obstacles.get(&id)) else { return };
        match DisabledReason::of(*obstacle) {
            Some(_) if webhook.state.status == WebhookStatus::Disabled => return,
            Some(reason) => {
                webhook.state.disable(reason);
                self.disabled.insert(id);
                self.events.push((id, WebhookEventType::Disabled));
            }
            None => _ = self.asleep.insert(id),
        }
        webhook.waiting = 0;
        self.deliveries.remove(&delivery);
    }
}

impl WebhookService {
    /// Writes what became of attempts, and when the next ones of these webhooks are due. `looked_at` are webhooks for which
    /// nothing was to be sent after all. Those of which no attempt is `under_way` are free for other processes. Returns whether
    /// something is due for one of these webhooks.
    pub(super) async fn save(
        &self,
        ended: &[Ended],
        looked_at: &[WebhookId],
        under_way: &HashSet<WebhookId>,
    ) -> Result<bool, DbError> {
        let saved =
            retrying(|| async { in_own_tx!(self.db, |tx| self.save_in_tx(&mut tx, ended, looked_at, under_way)) });
        let saved = saved.await?;
        for (webhook, reason) in saved.disabled {
            tracing::warn!(webhook_id = %webhook, reason = reason.as_str(), "a webhook was disabled; what waited for it has failed");
        }
        for webhook in saved.asleep {
            tracing::info!(webhook_id = %webhook, "a webhook sleeps because of its user; what waited for it has failed");
        }
        for outcome in ended.iter().filter_map(Ended::outcome) {
            metric::ATTEMPTS.with([outcome.as_str()]).increment(1);
        }
        Ok(saved.is_more_due)
    }

    async fn save_in_tx(
        &self,
        tx: &mut PgSession,
        ended: &[Ended],
        looked_at: &[WebhookId],
        under_way: &HashSet<WebhookId>,
    ) -> Result<Saved, DbError> {
        let ids: Vec<Uuid> =
            ended.iter().map(|ended| ended.webhook).chain(looked_at.iter().copied()).map(WebhookId::uuid).collect();
        let locked = repository::lock_states(tx, &ids).await?;
        let tried: Vec<Uuid> = ended.iter().map(|ended| ended.parcel.delivery.uuid()).collect();
        let pending = repository::pending(tx, &tried).await?;
        let now = self.clock.now();
        let withheld = ended.iter().filter(|ended| matches!(ended.verdict, Verdict::Withheld));
        let withheld: Vec<Uuid> = withheld.map(|ended| ended.webhook.uuid()).collect();
        let obstacles = match &withheld[..] {
            [] => HashMap::new(),
            withheld => repository::obstacles(tx, withheld, now).await?,
        };
        let mut ledger = Ledger {
            obstacles,
            webhooks: locked.into_iter().map(|webhook| (webhook.id, webhook)).collect(),
            deliveries: pending.into_iter().map(|delivery| (delivery.id, delivery)).collect(),
            ..Ledger::default()
        };
        for ended in ended {
            self.learn(&mut ledger, ended, now);
        }
        repository::insert_attempts(tx, &ledger.attempts).await?;
        let changed: Vec<Pending> = ledger.deliveries.values().cloned().collect();
        repository::save_deliveries(tx, &changed, now).await?;
        self.settle_in_tx(tx, ledger, under_way, now).await
    }

    /// Writes the state of the webhooks after their deliveries.
    async fn settle_in_tx(
        &self,
        tx: &mut PgSession,
        ledger: Ledger,
        under_way: &HashSet<WebhookId>,
        now: DateTime<Utc>,
    ) -> Result<Saved, DbError> {
        let uuids = |all: &HashSet<WebhookId>| all.iter().map(|webhook| webhook.uuid()).collect::<Vec<_>>();
        let given_up: HashSet<WebhookId> = ledger.disabled.union(&ledger.asleep).copied().collect();
        if !given_up.is_empty() {
            repository::fail_waiting(tx, &uuids(&given_up)).await?;
        }
        if !ledger.recovered.is_empty() {
            repository::hasten(tx, &uuids(&ledger.recovered), now).await?;
        }
        let all: Vec<Uuid> = ledger.webhooks.keys().map(|webhook| webhook.uuid()).collect();
        let outlooks: HashMap<WebhookId, Outlook> = repository::outlooks(tx, &all, now).await?.into_iter().collect();
        let mut webhooks = ledger.webhooks;
        for (webhook, _) in &ledger.events {
            webhooks.entry(*webhook).and_modify(|locked| locked.event_sequence += 1);
        }
        let learned: Vec<Learned> = webhooks
            .values()
            .map(|locked| Learned {
                id: locked.id,
                state: locked.state.clone(),
                waiting: locked.waiting,
                event_sequence: locked.event_sequence,
                due_at: due(&locked.state, outlooks.get(&locked.id).copied().unwrap_or_default(), &self.policy, now),
                keeps_lease: under_way.contains(&locked.id),
                is_changed: ledger.disabled.contains(&locked.id),
            })
            .collect();
        repository::save_states(tx, &learned, now).await?;
        self.write_messages_in_tx(tx, &webhooks, &ledger.events, now).await?;
        let reason = |webhook: WebhookId| Some((webhook, webhooks.get(&webhook)?.state.disabled_reason?));
        Ok(Saved {
            disabled: ledger.disabled.into_iter().filter_map(reason).collect(),
            asleep: ledger.asleep.into_iter().collect(),
            is_more_due: learned.iter().any(|learned| learned.due_at.is_some_and(|due| due <= now)),
        })
    }

    /// Writes the messages about webhooks that fail or were disabled.
    async fn write_messages_in_tx(
        &self,
        tx: &mut PgSession,
        webhooks: &BTreeMap<WebhookId, Locked>,
        events: &[(WebhookId, WebhookEventType)],
        now: DateTime<Utc>,
    ) -> Result<(), DbError> {
        for (id, event_type) in events {
            let Some(Locked { state, event_sequence, .. }) = webhooks.get(id) else { continue };
            let data = WebhookMessage {
                webhook_id: *id,
                status: state.status,
                disabled_reason: state.disabled_reason,
                failing_since: state.failing_since,
            };
            let subject = id.to_string();
            outbox::append_in_tx(tx, &[message(data, &subject, *event_sequence, *event_type, now)]).await?;
        }
        Ok(())
    }

    fn learn(&self, ledger: &mut Ledger, ended: &Ended, now: DateTime<Utc>) {
        let Some(webhook) = ledger.webhooks.get_mut(&ended.webhook) else { return };
        match &ended.verdict {
            Verdict::Tried { tried, duration_ms, response } => {
                let attempt = |number| Attempt {
                    number,
                    started_at: tried.started_at,
                    duration_ms: *duration_ms,
                    outcome: tried.outcome,
                    http_status: tried.http_status.map(i32::from),
                    response: response.clone(),
                };
                ledger.learn_from(ended.webhook, tried, attempt, (&self.policy, self.variation()), now);
            }
            Verdict::Unsigned => webhook.state.not_before = Some(now + UNSIGNED_PAUSE),
            Verdict::BrokenOff => webhook.state.is_doubtful = true,
            Verdict::Withheld => ledger.withhold(ended.webhook, ended.parcel.delivery),
        }
    }

    /// Returns a factor for a pause, so that many that failed together are not tried again together.
    fn variation(&self) -> f64 {
        let byte = self.tokens.bytes::<1>().map_or(128, |[byte]| byte);
        1.0 + VARIATION * (f64::from(byte) / 127.5 - 1.0)
    }
}

#[cfg(test)]
mod tests;
