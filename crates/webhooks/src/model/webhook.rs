use chrono::{DateTime, Utc};
use loadmaster_accounts::{Credential, Obstacle, Principal, Role, SleepReason};
use loadmaster_kernel::{
    AirportCode, ApiKeyId, DeliveryId, OrganizationId, UserId, WebhookId, WebhookMessageId, words,
};
use loadmaster_platform::outbound;
use serde::{Deserialize, Serialize};

/// Kind of a webhook in messages and acts.
pub const WEBHOOK: &str = "webhook";

words! {
    /// `ACTIVE`; `FAILING`: the receiver fails, and messages are sent one at a time; `DISABLED`: nothing is sent.
    pub enum WebhookStatus {
        Active = "ACTIVE",
        /// Its receiver fails: it is tried with one message at a time.
        Failing = "FAILING",
        /// Nothing is sent.
        Disabled = "DISABLED",
    }
}

words! {
    /// Why a webhook is disabled.
    pub enum DisabledReason {
        Manual = "manual",
        /// Its receiver has failed for too long.
        Failing = "failing",
        /// Its receiver answered 410.
        Gone = "gone",
        /// By a former release: its scope is `all`, and who changed it last was no operator any more. It would sleep today.
        OwnerChanged = "owner_changed",
        /// The API key that made it was revoked or has expired.
        KeyEnded = "key_ended",
        /// A new password has ended all that its user made.
        AccessEnded = "access_ended",
    }
}

impl DisabledReason {
    /// What is stored for older servers, and the word that stands beside it where that is not precise.
    pub const fn stored(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::KeyEnded | Self::AccessEnded => (Self::OwnerChanged.as_str(), Some(self.as_str())),
            _ => (self.as_str(), None),
        }
    }

    /// The reason for which something has ended for good; none while it sleeps.
    pub const fn of(obstacle: Obstacle) -> Option<Self> {
        match obstacle {
            Obstacle::Asleep(_) => None,
            Obstacle::KeyEnded => Some(Self::KeyEnded),
            Obstacle::AccessEnded => Some(Self::AccessEnded),
        }
    }
}

words! {
    /// Whose messages a webhook gets.
    pub enum WebhookScope {
        /// Those about bookings, holds, payments, waitlist entries, alerts and consolidations of its organization.
        Organization = "organization",
        /// All of them: for operators.
        All = "all",
    }
}

words! {
    /// Result of sending a message to a webhook.
    pub enum DeliveryStatus {
        Waiting = "WAITING",
        Delivered = "DELIVERED",
        Failed = "FAILED",
    }
}

words! {
    /// What became of an attempt.
    pub enum AttemptOutcome {
        /// The receiver answered 2xx.
        Delivered = "delivered",
        /// It answered another status, or unreadably.
        Rejected = "rejected",
        /// It answered 3xx, which is not followed.
        Redirected = "redirected",
        Timeout = "timeout",
        /// There is no such name or no connection, or the address is not allowed.
        Unreachable = "unreachable",
        /// Its certificate is not valid, or it speaks no TLS 1.2.
        Tls = "tls",
    }
}

impl From<outbound::Outcome> for AttemptOutcome {
    fn from(outcome: outbound::Outcome) -> Self {
        match outcome {
            outbound::Outcome::Delivered => Self::Delivered,
            outbound::Outcome::Rejected => Self::Rejected,
            outbound::Outcome::Redirected => Self::Redirected,
            outbound::Outcome::Timeout => Self::Timeout,
            outbound::Outcome::Unreachable => Self::Unreachable,
            outbound::Outcome::Tls => Self::Tls,
        }
    }
}

words! {
    /// What happened to a webhook.
    pub enum WebhookEventType {
        /// Every attempt has failed for a third of the time after which it is disabled.
        Failing = "FAILING",
        Disabled = "DISABLED",
        /// Its owner asked for a message.
        Test = "TEST",
    }
}

/// Where a webhook goes and what it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    pub url: String,
    pub description: Option<String>,
    pub types: Vec<String>,
    /// Empty: any.
    pub origins: Vec<AirportCode>,
    pub destinations: Vec<AirportCode>,
    pub scope: WebhookScope,
}

/// Who chose where a webhook goes and what it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Maker {
    pub user: UserId,
    /// The API key that did it; none: a session.
    pub api_key: Option<ApiKeyId>,
    /// It was an operator's credential.
    pub by_operator: bool,
}

impl Maker {
    pub fn of(caller: Principal) -> Self {
        let api_key = match caller.credential {
            Credential::ApiKey { id, .. } => Some(id),
            Credential::Session(_) | Credential::Guest => None,
        };
        Self { user: caller.user_id, api_key, by_operator: caller.role >= Role::Operator }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    pub id: WebhookId,
    pub organization_id: OrganizationId,
    pub terms: Terms,
    pub status: WebhookStatus,
    pub disabled_reason: Option<DisabledReason>,
    /// Of the first attempt that failed since the last success.
    pub failing_since: Option<DateTime<Utc>>,
    pub last_success_at: Option<DateTime<Utc>>,
    pub waiting: i32,
    pub maker: Maker,
    /// `by_operator`, and the maker is still an operator.
    pub is_trusted: bool,
    /// Why it sends nothing for the time being.
    pub asleep_because: Option<SleepReason>,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Webhook {
    /// Returns whether the caller may change it. A customer may not change one that an operator changed last: it may go
    /// where the customer's may not. One that does not act for its maker any more is there to be taken over.
    pub fn may_be_changed_by(&self, caller: Principal) -> bool {
        caller.role >= Role::Operator || !self.is_trusted || self.has_ended() || self.asleep_because.is_some()
    }

    /// Returns whether it has ended with the access by which it was made.
    pub const fn has_ended(&self) -> bool {
        matches!(self.disabled_reason, Some(DisabledReason::KeyEnded | DisabledReason::AccessEnded))
    }

    /// Returns since when it fails, as it is shown: single failures are not.
    pub fn shown_failing_since(&self) -> Option<DateTime<Utc>> {
        let is_failing = self.status == WebhookStatus::Failing || self.disabled_reason == Some(DisabledReason::Failing);
        self.failing_since.filter(|_| is_failing)
    }
}

/// What a higher room may know of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AboutWebhook {
    pub id: WebhookId,
    pub organization_id: OrganizationId,
    /// Who chose where it goes and what it gets.
    pub changed_by: UserId,
    pub url: String,
    pub description: Option<String>,
    pub status: WebhookStatus,
    pub failing_since: Option<DateTime<Utc>>,
    pub is_deleted: bool,
}

/// A message for one webhook.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub id: DeliveryId,
    pub message_id: WebhookMessageId,
    /// The `id` of the event.
    pub event_id: String,
    pub event_type: String,
    pub subject: String,
    pub status: DeliveryStatus,
    pub attempt_count: i32,
    pub next_attempt_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub delivered_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone)]
pub struct Attempt {
    pub number: i32,
    pub started_at: DateTime<Utc>,
    pub duration_ms: i32,
    pub outcome: AttemptOutcome,
    pub http_status: Option<i32>,
    pub response: Option<String>,
}

/// The end of a page of webhooks: lists start with the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookAnchor(pub WebhookId);

/// The end of a page of deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAnchor(pub DeliveryId);
