//! What attempts say about a receiver: when the next one is made, and when the receiver is given up.
use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_kernel::DeliveryId;

use super::{AttemptOutcome, DisabledReason, WebhookEventType, WebhookStatus};

/// Failures in a row after which a receiver is left in peace.
const FAILURES_BEFORE_REST: i32 = 5;
/// Bounds of the pause between two attempts at a receiver that is left in peace; in between it is a quarter of the time for
/// which it has failed.
const SHORTEST_REST: TimeDelta = TimeDelta::seconds(5);
const LONGEST_REST: TimeDelta = TimeDelta::hours(1);
/// The longest pause that a receiver may ask for.
const LONGEST_WISH: TimeDelta = TimeDelta::hours(1);
/// The status by which a receiver says that it is no more.
const GONE: u16 = 410;

/// How long is tried.
#[derive(Debug, Clone)]
pub struct GiveUp {
    /// Pauses after attempts that failed.
    pub pauses: Vec<TimeDelta>,
    /// Failing for this long disables a webhook; for a third of it is reported.
    pub after: TimeDelta,
}

impl GiveUp {
    fn reported_after(&self) -> TimeDelta {
        self.after / 3
    }
}

/// An attempt that has ended.
#[derive(Debug, Clone)]
pub struct Tried {
    pub delivery: DeliveryId,
    pub started_at: DateTime<Utc>,
    pub ended_at: DateTime<Utc>,
    pub outcome: AttemptOutcome,
    pub http_status: Option<u16>,
    /// The pause that the receiver asked for.
    pub wish: Option<TimeDelta>,
    pub is_slow: bool,
}

impl Tried {
    /// Returns the pause that the receiver asked for, as far as it is heeded.
    fn heeded_wish(&self) -> Option<TimeDelta> {
        self.wish.map(|wish| wish.clamp(TimeDelta::zero(), LONGEST_WISH))
    }
}

/// What is known of a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub status: WebhookStatus,
    pub disabled_reason: Option<DisabledReason>,
    /// Attempts that failed since the last success, since when, and their delivery while it is only one.
    pub failures: i32,
    pub failing_since: Option<DateTime<Utc>>,
    pub failing_delivery: Option<DeliveryId>,
    pub is_reported: bool,
    pub last_success_at: Option<DateTime<Utc>>,
    pub last_attempt_at: Option<DateTime<Utc>>,
    pub is_doubtful: bool,
    pub not_before: Option<DateTime<Utc>>,
}

/// Where a delivery is among its attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub step: usize,
    pub next_attempt_at: DateTime<Utc>,
}

/// What becomes of a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    Delivered,
    Again(Moment),
    /// There was no success in time.
    Failed,
}

impl State {
    /// What is known of a new receiver.
    #[cfg(test)]
    pub const fn fresh() -> Self {
        Self {
            status: WebhookStatus::Active,
            disabled_reason: None,
            failures: 0,
            failing_since: None,
            failing_delivery: None,
            is_reported: false,
            last_success_at: None,
            last_attempt_at: None,
            is_doubtful: true,
            not_before: None,
        }
    }

    /// Learns from an attempt. `variation`, between 0.9 and 1.1, multiplies the pause. Returns what becomes of the
    /// delivery.
    pub fn learn(&mut self, tried: &Tried, delivery: Moment, policy: &GiveUp, variation: f64) -> After {
        self.last_attempt_at = self.last_attempt_at.max(Some(tried.started_at));
        self.is_doubtful = tried.is_slow || tried.outcome != AttemptOutcome::Delivered;
        if tried.outcome == AttemptOutcome::Delivered {
            self.succeeded(tried.ended_at);
            return After::Delivered;
        }
        self.failed(tried);
        // An attempt before its time, to see whether the receiver is back, uses no pause up.
        if delivery.next_attempt_at > tried.started_at {
            return After::Again(delivery);
        }
        let Some(pause) = policy.pauses.get(delivery.step) else { return After::Failed };
        let pause = varied(*pause, variation).max(tried.heeded_wish().unwrap_or_default());
        let next_attempt_at = tried.ended_at + pause;
        After::Again(Moment { step: delivery.step + 1, next_attempt_at })
    }

    fn succeeded(&mut self, now: DateTime<Utc>) {
        self.last_success_at = self.last_success_at.max(Some(now));
        if self.status != WebhookStatus::Disabled {
            self.start_anew();
        }
    }

    /// Forgets all failures, but not for how long it wants nothing: an attempt that began before it said so may succeed after.
    fn start_anew(&mut self) {
        self.status = WebhookStatus::Active;
        self.disabled_reason = None;
        (self.failures, self.failing_since, self.failing_delivery) = (0, None, None);
        self.is_reported = false;
    }

    fn failed(&mut self, tried: &Tried) {
        if self.failures == 0 {
            self.failing_since = Some(tried.started_at);
            self.failing_delivery = Some(tried.delivery);
        } else if self.failing_delivery != Some(tried.delivery) {
            self.failing_delivery = None;
        }
        self.failures = self.failures.saturating_add(1);
        self.not_before = self.not_before.max(tried.heeded_wish().map(|wish| tried.ended_at + wish));
        if self.status == WebhookStatus::Active && self.failures >= FAILURES_BEFORE_REST {
            self.status = WebhookStatus::Failing;
        }
        if tried.http_status == Some(GONE) {
            self.disable(DisabledReason::Gone);
        }
    }

    /// Sends nothing any more. One that is disabled keeps its reason.
    pub fn disable(&mut self, reason: DisabledReason) {
        if self.status != WebhookStatus::Disabled {
            self.status = WebhookStatus::Disabled;
            self.disabled_reason = Some(reason);
            self.not_before = None;
        }
    }

    /// Reports or disables a receiver that has failed for long, as an attempt has just shown. Failures of one message may be
    /// the message's fault: they disable nothing while others wait.
    pub fn judge(&mut self, policy: &GiveUp, waiting: i32, now: DateTime<Utc>) -> Option<WebhookEventType> {
        let failing_for = now - self.failing_since?;
        if self.status == WebhookStatus::Disabled {
            return None;
        }
        let is_one_message = self.failing_delivery.is_some();
        if failing_for >= policy.after && (!is_one_message || waiting <= 1) {
            self.disable(DisabledReason::Failing);
            return None;
        }
        if failing_for >= policy.reported_after() && !self.is_reported {
            self.is_reported = true;
            self.status = WebhookStatus::Failing;
            return Some(WebhookEventType::Failing);
        }
        None
    }

    /// Returns the moments at which it is decided whether it is reported and given up, as far as they are still to come.
    fn decisions(&self, policy: &GiveUp, now: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
        let since = self.failing_since.filter(|_| self.status != WebhookStatus::Disabled);
        let report = since.filter(|_| !self.is_reported).map(|since| since + policy.reported_after());
        let end = since.map(|since| since + policy.after);
        report.into_iter().chain(end).filter(move |moment| *moment > now)
    }

    /// Returns whether one message is to be tried now, before its time if need be, to see whether the receiver is back.
    pub fn is_to_be_probed(&self, policy: &GiveUp, now: DateTime<Utc>) -> bool {
        let has_decision = |after: TimeDelta| self.failing_since.is_some_and(|since| since + after <= now);
        self.status == WebhookStatus::Failing
            || has_decision(policy.after)
            || (!self.is_reported && has_decision(policy.reported_after()))
    }
}

/// What waits for a receiver.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outlook {
    /// The first moment at which a delivery is due.
    pub first: Option<DateTime<Utc>>,
    /// The first such moment that is still to come.
    pub next: Option<DateTime<Utc>>,
}

/// Returns when the next attempt at a receiver is due.
pub fn due(state: &State, outlook: Outlook, policy: &GiveUp, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let first = outlook.first?;
    let at = match state.status {
        WebhookStatus::Disabled => return None,
        WebhookStatus::Active => first.max(now),
        WebhookStatus::Failing => {
            let failing_for = state.failing_since.map_or_else(TimeDelta::zero, |since| now - since);
            let rest = now + (failing_for / 4).clamp(SHORTEST_REST, LONGEST_REST);
            outlook.next.map_or(rest, |next| next.min(rest))
        }
    };
    let at = state.decisions(policy, now).fold(at, Ord::min);
    Some(state.not_before.map_or(at, |not_before| at.max(not_before)))
}

fn varied(pause: TimeDelta, variation: f64) -> TimeDelta {
    let seconds = pause.as_seconds_f64() * variation;
    TimeDelta::from_std(std::time::Duration::from_secs_f64(seconds.max(0.0))).unwrap_or(pause)
}
