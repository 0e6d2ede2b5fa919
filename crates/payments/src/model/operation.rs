use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_kernel::{Money, PaymentId, PaymentOperationId, words};
use loadmaster_platform::queue::pause_after;

use super::Outcome;

words! {
    /// What is asked of a provider.
    pub enum OperationKind {
        Authorize = "AUTHORIZE",
        Capture = "CAPTURE",
        Refund = "REFUND",
        Void = "VOID",
    }
}

words! {
    pub enum OperationStatus {
        /// Promised, or its outcome is not known yet.
        Open = "OPEN",
        Succeeded = "SUCCEEDED",
        Declined = "DECLINED",
        /// Asked for too long; an administrator finds out.
        Unresolved = "UNRESOLVED",
    }
}

/// Longest wait for a provider's answer.
pub const CALL_TIME: TimeDelta = TimeDelta::seconds(10);
/// Time for which an authorization is left to the process that has the token.
pub const TOKEN_KEPT: TimeDelta = TimeDelta::seconds(30);
/// Pauses before the next attempt, after the first, second … one; the last one again and again.
const PAUSES: [TimeDelta; 5] = [
    TimeDelta::seconds(5),
    TimeDelta::seconds(15),
    TimeDelta::minutes(1),
    TimeDelta::minutes(5),
    TimeDelta::minutes(15),
];
/// Time after the first attempt for which it is repeated: providers keep idempotency keys for 24 hours.
const ASKED_FOR: TimeDelta = TimeDelta::hours(23);

/// One request to a provider. Its id is the provider's idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    pub id: PaymentOperationId,
    pub payment_id: PaymentId,
    /// From 1, without gaps.
    pub sequence: i32,
    pub kind: OperationKind,
    pub amount: Money,
    pub status: OperationStatus,
    /// The provider's name of a refund.
    pub reference: Option<String>,
    /// Counted before each request.
    pub attempts: i32,
    pub first_attempt_at: Option<DateTime<Utc>>,
    /// As long as it is open.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Why it is undecided or was declined, or how it was resolved.
    pub note: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Operation {
    pub(super) fn promised(
        payment_id: PaymentId,
        sequence: i32,
        kind: OperationKind,
        amount: Money,
        id: PaymentOperationId,
        now: DateTime<Utc>,
    ) -> Self {
        let wait = if kind == OperationKind::Authorize { TOKEN_KEPT } else { TimeDelta::zero() };
        Self {
            id,
            payment_id,
            sequence,
            kind,
            amount,
            status: OperationStatus::Open,
            reference: None,
            attempts: 0,
            first_attempt_at: None,
            next_attempt_at: Some(now + wait),
            note: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// Whether it was asked for so long ago that the provider may have forgotten its key: asked again, it might act again.
    pub fn is_too_old(&self, now: DateTime<Utc>) -> bool {
        self.first_attempt_at.is_some_and(|first| now > first + ASKED_FOR)
    }

    /// Returns it as one that is asked for no more.
    #[must_use]
    pub fn given_up(&self, now: DateTime<Utc>) -> Self {
        let mut after = Self { updated_at: now, ..self.clone() };
        after.decide(OperationStatus::Unresolved, Some("asked for too long ago".to_owned()));
        after
    }

    /// Returns the minor units of the refunds among `all` that were promised before this one and not declined; 0 unless this
    /// is a refund.
    pub fn refunded_before(&self, all: &[Self]) -> i64 {
        let is_refund = |one: &&Self| one.kind == OperationKind::Refund && one.status != OperationStatus::Declined;
        let before = all.iter().filter(is_refund).filter(|one| one.sequence < self.sequence);
        if self.kind == OperationKind::Refund { before.map(|one| one.amount.minor()).sum() } else { 0 }
    }

    /// Whether money may still move by it.
    pub const fn is_undecided(&self) -> bool {
        matches!(self.status, OperationStatus::Open | OperationStatus::Unresolved)
    }

    /// Whether an attempt may be made now: when it is due, and the first one at any time by the process that has the token.
    pub fn is_to_be_tried(&self, has_token: bool, now: DateTime<Utc>) -> bool {
        let is_due = self.next_attempt_at.is_some_and(|due| due <= now);
        self.status == OperationStatus::Open && (is_due || (has_token && self.attempts == 0))
    }

    /// Returns it as an attempt begins, counted; the next one is due after this one must have ended.
    #[must_use]
    pub fn attempted(&self, now: DateTime<Utc>) -> Self {
        let attempts = self.attempts.saturating_add(1);
        let pause = pause_after(&PAUSES, attempts).max(CALL_TIME + TimeDelta::seconds(1));
        Self {
            attempts,
            first_attempt_at: self.first_attempt_at.or(Some(now)),
            next_attempt_at: Some(now + pause),
            updated_at: now,
            ..self.clone()
        }
    }

    /// Returns it after the provider's answer, or after its silence.
    pub(super) fn answered(&self, outcome: &Outcome, now: DateTime<Utc>) -> Self {
        let mut after = Self { updated_at: now, ..self.clone() };
        match outcome {
            Outcome::Succeeded { reference } => {
                after.decide(OperationStatus::Succeeded, None);
                if self.kind == OperationKind::Refund && reference.is_some() {
                    after.reference.clone_from(reference);
                }
            }
            // What cannot be voided may have been captured, or be void already; what cannot be refunded may have gone back
            // already: a person finds out.
            Outcome::Declined { failure, .. } if matches!(self.kind, OperationKind::Void | OperationKind::Refund) => {
                after.decide(OperationStatus::Unresolved, Some(failure.code.clone()));
            }
            Outcome::Declined { failure, .. } => after.decide(OperationStatus::Declined, Some(failure.code.clone())),
            // Nothing was sent before either: it did not happen.
            Outcome::NotSent if self.kind == OperationKind::Authorize && self.attempts <= 1 => {
                after.decide(OperationStatus::Declined, Some("not sent".to_owned()));
            }
            Outcome::Voided { .. } if self.kind == OperationKind::Authorize => {
                after.decide(OperationStatus::Declined, Some("voided".to_owned()));
            }
            Outcome::Voided { .. } => after.decide(OperationStatus::Unresolved, Some("voided".to_owned())),
            Outcome::RequiresAction { .. } => after.ask_again("waits for the payer's confirmation", now),
            Outcome::Pending { reference } => {
                if self.kind == OperationKind::Refund {
                    after.reference = Some(reference.clone());
                }
                after.ask_again("the provider has not decided", now);
            }
            Outcome::Unknown(reason) => after.ask_again(reason, now),
            Outcome::NotSent => after.ask_again("not sent", now),
        }
        after
    }

    fn decide(&mut self, status: OperationStatus, note: Option<String>) {
        (self.status, self.next_attempt_at, self.note) = (status, None, note);
    }

    /// Has it asked again, unless that was done for long enough. What became due while the provider was asked stays due: a
    /// webhook may report something that came after the answer.
    fn ask_again(&mut self, why: &str, now: DateTime<Utc>) {
        let is_hurried = self.next_attempt_at.is_some_and(|due| due <= now);
        let next = if is_hurried { now } else { now + pause_after(&PAUSES, self.attempts) };
        let last = self.first_attempt_at.map_or(next, |first| first + ASKED_FOR);
        if now >= last {
            return self.decide(OperationStatus::Unresolved, Some(why.to_owned()));
        }
        let next = next.min(last);
        (self.next_attempt_at, self.note) = (Some(next), Some(why.to_owned()));
    }
}
