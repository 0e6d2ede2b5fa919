//! What follows for a hold from what became of its payment. Pure.
use chrono::{DateTime, Utc};
use loadmaster_holds::{Hold, HoldChange, HoldEventType, HoldStatus};
use loadmaster_payments::{Failure, Payment, PaymentStatus};

/// Returns the change of an open hold by a change of its payment: one that failed or was voided returns it to its caller.
pub fn followed(hold: Hold, payment: &Payment, now: DateTime<Utc>) -> Option<HoldChange> {
    if !hold.is_open() || hold.payment_id() != Some(payment.id) {
        return None;
    }
    let is_over = matches!(payment.status, PaymentStatus::Failed | PaymentStatus::Voided);
    // By the tables: it waits for nothing any more, also if its time is up and that is not recorded yet.
    let returns = is_over && hold.status == HoldStatus::Committing;
    Some(with_payment(hold, payment.clone(), returns, now))
}

/// Returns the change of a hold by a change of its payment; `returns`: its caller gets it back.
pub fn with_payment(hold: Hold, payment: Payment, returns: bool, now: DateTime<Utc>) -> HoldChange {
    let mut after = hold.clone();
    if returns {
        after.return_to_caller(now);
        // What was never asked for is no attempt to pay.
        if payment.failure.as_ref().is_some_and(Failure::was_not_sent) {
            after.attempts = after.attempts.saturating_sub(1);
        }
    }
    after.payment = Some(payment);
    (after.version, after.event_sequence, after.updated_at) = (hold.version + 1, hold.event_sequence + 1, now);
    HoldChange { before: Some(hold), after, event_type: HoldEventType::Amended, actor: None, trace: None }
}
