use loadmaster_accounts::{AccountError, SleepReason};
use loadmaster_kernel::{Fault, WebhookId};
use loadmaster_platform::{
    idempotency::Repetition,
    postgres::{DbError, Transient},
    random::NoRandomness,
    web::{InputFault, Problem, problem_codes, version_mismatch},
};

use super::model::{DisabledReason, Webhook, WebhookStatus};

problem_codes! { { loadmaster_accounts::code::EMAIL_UNVERIFIED } }

#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    #[error("no such webhook, or not the caller's")]
    Unknown,
    #[error("no such delivery, or not the caller's")]
    UnknownDelivery,
    /// Scope `all` is for operators.
    #[error("only operators have webhooks for everybody's messages")]
    AllIsForOperators,
    #[error("an operator changed the webhook last")]
    ChangedByOperator,
    #[error("the organization has {0} webhooks already")]
    LimitReached(u32),
    #[error("{action} is not possible from {from:?}")]
    InvalidTransition { from: WebhookStatus, action: &'static str },
    #[error("{0} is not possible while the webhook sleeps")]
    Asleep(&'static str),
    #[error("the webhook is at version {0}")]
    VersionMismatch(i32),
    /// Members that contradict existing values.
    #[error("{0:?}")]
    Invalid(Vec<(&'static str, Fault)>),
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Random(#[from] NoRandomness),
    #[error(transparent)]
    Repeated(#[from] Repetition),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for WebhookError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl Transient for WebhookError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Repeated(Repetition::Database(cause)) | Self::Database(cause) => cause.is_transient(),
            Self::Account(cause) => cause.is_transient(),
            _ => false,
        }
    }
}

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::Unknown => Self::new(code::NOT_FOUND, "There is no such webhook, or it is not yours."),
            WebhookError::UnknownDelivery => {
                Self::new(code::NOT_FOUND, "There is no such delivery, or it is not yours.")
            }
            WebhookError::AllIsForOperators => {
                Self::new(code::FORBIDDEN, "Only operators may have webhooks with the scope `all`.")
            }
            WebhookError::ChangedByOperator => {
                Self::new(code::FORBIDDEN, "An operator changed this webhook last; you may only disable or delete it.")
            }
            WebhookError::LimitReached(limit) => {
                let text = format!("Your organization has {limit} webhooks already; delete one first.");
                Self::new(code::LIMIT_REACHED, text).with("what", "webhooks").with("limit", limit)
            }
            WebhookError::InvalidTransition { from, action } => {
                let text = format!("You cannot {action} a webhook that is {}; make it ACTIVE first.", from.as_str());
                Self::new(code::INVALID_TRANSITION, text)
                    .with("from", from)
                    .with("action", action)
                    .with("allowed", ["enable"])
            }
            WebhookError::Asleep(action) => {
                let text = format!(
                    "You cannot {action} a webhook that sleeps: its user has no access to its messages now. Take it over \
                     with `status` ACTIVE first."
                );
                Self::new(code::INVALID_TRANSITION, text)
                    .with("from", "asleep")
                    .with("action", action)
                    .with("allowed", ["enable"])
            }
            WebhookError::VersionMismatch(current) => version_mismatch(current),
            WebhookError::Invalid(faults) => Self::validation(&InputFault::members(&faults)),
            WebhookError::Account(cause) => cause.into(),
            WebhookError::Random(cause) => cause.into(),
            WebhookError::Repeated(repetition) => repetition.into(),
            WebhookError::Database(cause) => cause.into(),
        }
    }
}

/// Why messages are not queued again for a webhook.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("there is no webhook {0}")]
    Unknown(WebhookId),
    #[error("the webhook {0} is disabled ({reason}), and nothing queues for it: enable it first", reason = .1.as_str())]
    Disabled(WebhookId, DisabledReason),
    #[error(
        "the webhook {0} sleeps ({reason}), and nothing queues for it: take it over with `status` ACTIVE first",
        reason = .1.as_str()
    )]
    Asleep(WebhookId, SleepReason),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl ReplayError {
    /// Fails if nothing is queued for the webhook that was found.
    pub(crate) fn check(id: WebhookId, found: Option<&Webhook>) -> Result<(), Self> {
        let webhook = found.ok_or(Self::Unknown(id))?;
        if webhook.status == WebhookStatus::Disabled {
            return Err(Self::Disabled(id, webhook.disabled_reason.unwrap_or(DisabledReason::Manual)));
        }
        webhook.asleep_because.map_or(Ok(()), |reason| Err(Self::Asleep(id, reason)))
    }
}

impl Transient for ReplayError {
    fn is_transient(&self) -> bool {
        matches!(self, Self::Database(cause) if cause.is_transient())
    }
}
