use chrono::{DateTime, Utc};
use loadmaster_kernel::{BookingRef, HoldId, Money, PaymentId, words};
use loadmaster_platform::outbox::Message;
use serde::Serialize;
use utoipa::ToSchema;

use super::{PAYMENT, Payment, PaymentMethod, PaymentStatus};

words! {
    /// What happened to a payment.
    pub enum PaymentEventType {
        Created = "CREATED",
        Processing = "PROCESSING",
        RequiresAction = "REQUIRES_ACTION",
        Authorized = "AUTHORIZED",
        Captured = "CAPTURED",
        Failed = "FAILED",
        Voided = "VOIDED",
        Refunded = "REFUNDED",
    }
}

impl PaymentEventType {
    /// The meaning of each of [`Self::NAMES`].
    pub const ABOUT: [&str; Self::NAMES.len()] = [
        "A payment was made.",
        "The provider was asked.",
        "The payer has something to do.",
        "The amount is reserved.",
        "The amount, or a part of it, was taken.",
        "The payment has failed.",
        "What was reserved was given back.",
        "A part or all of what was taken went back.",
    ];

    const fn of(status: PaymentStatus) -> Self {
        match status {
            PaymentStatus::Created => Self::Created,
            PaymentStatus::Processing => Self::Processing,
            PaymentStatus::RequiresAction => Self::RequiresAction,
            PaymentStatus::Authorized => Self::Authorized,
            PaymentStatus::Captured => Self::Captured,
            PaymentStatus::Failed => Self::Failed,
            PaymentStatus::Voided => Self::Voided,
        }
    }

    /// Returns what happened between two states, in order. `before` is `None` if it is new.
    pub fn between(before: Option<&Payment>, after: &Payment) -> Vec<Self> {
        let mut happened = Vec::new();
        if before.is_none() && after.status == PaymentStatus::Processing {
            happened.push(Self::Created);
        }
        if before.is_none_or(|before| before.status != after.status) {
            happened.push(Self::of(after.status));
        }
        if before.map_or(0, |before| before.refunded) != after.refunded {
            happened.push(Self::Refunded);
        }
        happened
    }
}

/// The state of a payment after an event: ids and figures only.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = PaymentMessage)]
pub struct PaymentEvent {
    payment_id: PaymentId,
    #[schema(required = true)]
    hold_id: Option<HoldId>,
    #[schema(required = true)]
    booking_ref: Option<BookingRef>,
    method: PaymentMethod,
    status: PaymentStatus,
    amount: Money,
    captured: Money,
    refunded: Money,
    /// Why it failed.
    #[schema(required = true)]
    failure_code: Option<String>,
    /// The payment's version, as in its `ETag`.
    version: i32,
}

impl From<&Payment> for PaymentEvent {
    fn from(payment: &Payment) -> Self {
        Self {
            payment_id: payment.id,
            hold_id: payment.hold_id,
            booking_ref: payment.booking.as_ref().map(|(_, reference)| reference.clone()),
            method: payment.method,
            status: payment.status,
            amount: payment.amount,
            captured: payment.amount.with_minor(payment.captured),
            refunded: payment.amount.with_minor(payment.refunded),
            failure_code: payment.failure.as_ref().map(|failure| failure.code.clone()),
            version: payment.version,
        }
    }
}

/// Returns the message about an event with this number.
pub fn message<'a>(
    payment: &Payment,
    subject: &'a str,
    event_type: PaymentEventType,
    sequence: i32,
    now: DateTime<Utc>,
) -> Message<'a, PaymentEvent> {
    Message {
        aggregate: PAYMENT,
        aggregate_id: payment.id.uuid(),
        organization: Some(payment.organization_id.uuid()),
        subject,
        sequence,
        event_type: event_type.as_str(),
        data: PaymentEvent::from(payment),
        occurred_at: now,
        trace: None,
    }
}
