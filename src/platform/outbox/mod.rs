//! Events for other systems: each state change writes a message in its own transaction. [`relay()`] delivers the
//! messages to sinks, at least once and in order per aggregate; with a [`Feed`] this process follows them itself.
mod feed;
mod relay;
mod sinks;
mod streams;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::telemetry::{self, TRACEPARENT};
use crate::platform::postgres::PgSession;
pub use feed::{Entry, Feed, FeedError};
pub use relay::{Sink, SinkAway, relay};
pub use sinks::{Lag, delete_delivered, lags, retire};
pub use streams::RedisStreams;

/// A state change that is published after the commit. No personal data.
#[derive(Debug, Clone)]
pub struct Message {
    /// The type of the aggregate that changed.
    pub aggregate: &'static str,
    pub aggregate_id: Uuid,
    /// The aggregate's public name.
    pub subject: String,
    /// The number of the event among the events of its aggregate.
    pub sequence: i32,
    pub event_type: &'static str,
    pub payload: Value,
    pub occurred_at: DateTime<Utc>,
}

/// The version of every event type.
const TYPE_VERSION: u32 = 1;

impl Message {
    fn cloud_event(&self) -> Value {
        let kind = (self.aggregate, self.event_type);
        cloud_event(kind, self.aggregate_id, self.sequence, &self.subject, self.occurred_at, &self.payload)
    }
}

/// Builds a `CloudEvents` 1.0 document in JSON; `docs/events.md` describes each type.
fn cloud_event(
    (aggregate, event_type): (&str, &str),
    aggregate_id: Uuid,
    sequence: i32,
    subject: &str,
    time: DateTime<Utc>,
    data: &Value,
) -> Value {
    json!({
        "specversion": "1.0",
        "id": format!("{aggregate_id}-{sequence}"),
        "source": "/loadmaster",
        "type": format!("loadmaster.{aggregate}.{}.v{TYPE_VERSION}", event_type.to_ascii_lowercase()),
        "subject": subject,
        "time": time,
        "datacontenttype": "application/json",
        "sequence": sequence.to_string(),
        "data": data,
    })
}

/// Adds the trace of its origin to each event, if there is one: `CloudEvents`' extension for distributed tracing.
fn traced(mut events: Vec<Value>) -> Vec<Value> {
    if let Some(traceparent) = telemetry::traceparent() {
        for event in &mut events {
            event[TRACEPARENT] = traceparent.clone().into();
        }
    }
    events
}

/// Writes messages in the caller's transaction: they exist exactly when the change does. Must follow the change's own
/// writes: the transaction then already has its number, by which a feed detects that a missing message will never come.
pub async fn append_in_tx(tx: &mut PgSession, messages: &[Message]) -> sqlx::Result<()> {
    let aggregates: Vec<&str> = messages.iter().map(|m| m.aggregate).collect();
    let ids: Vec<Uuid> = messages.iter().map(|m| m.aggregate_id).collect();
    let sequences: Vec<i32> = messages.iter().map(|m| m.sequence).collect();
    let types: Vec<&str> = messages.iter().map(|m| m.event_type).collect();
    let payloads = traced(messages.iter().map(Message::cloud_event).collect());
    let instants: Vec<DateTime<Utc>> = messages.iter().map(|m| m.occurred_at).collect();
    sqlx::query!(
        "insert into outbox (aggregate, aggregate_id, sequence, event_type, payload, occurred_at)
         select * from unnest($1::text[], $2::uuid[], $3::int[], $4::text[], $5::jsonb[], $6::timestamptz[])",
        &aggregates as &[&str],
        &ids,
        &sequences,
        &types as &[&str],
        &payloads,
        &instants,
    )
    .execute(tx)
    .await
    .map(drop)
}
