use chrono::{DateTime, Utc};
use loadmaster_kernel::WebhookId;
use loadmaster_platform::outbox::{Entry, Message, Source, type_of};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{DisabledReason, WEBHOOK, WebhookEventType, WebhookStatus};

/// A message of the outbox, as webhooks get it.
#[derive(Debug, Clone)]
pub struct Outgoing {
    pub aggregate: String,
    pub aggregate_id: Uuid,
    /// The `id` of the event.
    pub event_id: String,
    pub event_type: String,
    pub subject: String,
    pub sequence: i64,
    /// The document as it is sent.
    pub body: String,
}

impl Outgoing {
    /// Returns the message, sent as `body`; `None` if it is no event as this version writes them.
    pub fn of(entry: &Entry, body: String) -> Option<Self> {
        let text = |name: &str| entry.event.get(name)?.as_str();
        Some(Self {
            aggregate: entry.aggregate.clone(),
            aggregate_id: entry.aggregate_id,
            event_id: text("id")?.to_owned(),
            event_type: text("type")?.to_owned(),
            subject: text("subject")?.to_owned(),
            sequence: text("sequence")?.parse().ok()?,
            body,
        })
    }
}

/// The data of a message about a webhook: ids and words only. Its address may be a secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookMessage {
    pub webhook_id: WebhookId,
    pub status: WebhookStatus,
    #[schema(required = true)]
    pub disabled_reason: Option<DisabledReason>,
    #[schema(required = true)]
    pub failing_since: Option<DateTime<Utc>>,
}

/// The data of a message that only says that messages come.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookTest {
    pub webhook_id: WebhookId,
}

/// Returns the message about an event of a webhook.
pub fn message(
    data: WebhookMessage,
    subject: &str,
    sequence: i32,
    event_type: WebhookEventType,
    now: DateTime<Utc>,
) -> Message<'_, WebhookMessage> {
    Message {
        aggregate: WEBHOOK,
        aggregate_id: data.webhook_id.uuid(),
        organization: None,
        subject,
        sequence,
        event_type: event_type.as_str(),
        data,
        occurred_at: now,
        trace: None,
    }
}

/// Returns a message that only says that messages come. It is not in the outbox: one webhook alone gets it.
pub fn test_message(webhook: WebhookId, id: Uuid, source: &Source, now: DateTime<Utc>) -> Outgoing {
    let event_type = type_of(WEBHOOK, WebhookEventType::Test.as_str());
    let subject = webhook.to_string();
    let event_id = format!("{id}-1");
    let event = json!({
        "specversion": "1.0", "id": event_id, "type": event_type, "subject": subject, "time": now,
        "datacontenttype": "application/json", "sequence": "1", "data": WebhookTest { webhook_id: webhook },
    });
    let entry = Entry {
        id: 0,
        aggregate: WEBHOOK.to_owned(),
        aggregate_id: id,
        sequence: 1,
        event_type: WebhookEventType::Test.as_str().to_owned(),
        event: event.into(),
        written_at: now,
        organization: None,
        listeners: None,
    };
    let body = source.document(&entry).unwrap_or_default();
    Outgoing { aggregate: entry.aggregate, aggregate_id: id, event_id, event_type, subject, sequence: 1, body }
}
