//! All SQL of this room.

/// Reads what is known of a receiver from a row that has its columns.
macro_rules! state_of {
    ($row:ident) => {{
        use crate::model::{DisabledReason, WebhookStatus};
        let reason = $row.disabled_reason.as_deref().map(|reason| from_column(DisabledReason::WORDS, reason));
        State {
            status: from_column(WebhookStatus::WORDS, &$row.status)?,
            disabled_reason: reason.transpose()?,
            failures: $row.failures,
            failing_since: $row.failing_since,
            failing_delivery: $row.failing_delivery.map(DeliveryId::from),
            is_reported: $row.is_reported,
            last_success_at: $row.last_success_at,
            last_attempt_at: $row.last_attempt_at,
            is_doubtful: $row.is_doubtful,
            not_before: $row.not_before,
        }
    }};
}

mod clean;
mod lease;
mod pick;
mod queue;
mod read;
mod save;
mod write;

pub(super) use clean::*;
pub(super) use lease::*;
pub(super) use pick::*;
pub(super) use queue::*;
pub(super) use read::*;
pub(super) use save::*;
pub(super) use write::*;
