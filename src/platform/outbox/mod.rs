//! Events for other systems: each state change writes a message in its own transaction. [`relay()`] delivers the
//! messages to sinks, at least once and in order per aggregate; with a [`Feed`] this process follows them itself.
mod feed;
mod relay;
mod sinks;
mod streams;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::telemetry;
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
    /// The trace of its cause; `None`: the current one.
    pub trace: Option<String>,
}

/// The version of every event type.
const TYPE_VERSION: u32 = 1;

/// A `CloudEvents` 1.0 document; `docs/events.md` describes each type.
#[derive(Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    id: String,
    source: &'static str,
    #[serde(rename = "type")]
    kind: String,
    subject: &'a str,
    time: DateTime<Utc>,
    datacontenttype: &'static str,
    sequence: String,
    data: &'a Value,
    /// The trace of its origin, if there is one: `CloudEvents`' extension for distributed tracing.
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
}

/// What identifies a message: the aggregate with its type, and the number and type of the event.
struct About<'a> {
    aggregate: &'a str,
    aggregate_id: Uuid,
    sequence: i32,
    event_type: &'a str,
}

impl<'a> CloudEvent<'a> {
    fn new(about: &About<'_>, subject: &'a str, time: DateTime<Utc>, data: &'a Value) -> Self {
        let About { aggregate, aggregate_id, sequence, event_type } = about;
        Self {
            specversion: "1.0",
            id: format!("{aggregate_id}-{sequence}"),
            source: "/loadmaster",
            kind: format!("loadmaster.{aggregate}.{}.v{TYPE_VERSION}", event_type.to_ascii_lowercase()),
            subject,
            time,
            datacontenttype: "application/json",
            sequence: sequence.to_string(),
            data,
            traceparent: None,
        }
    }
}

impl Message {
    fn cloud_event<'a>(&'a self, traceparent: Option<&'a str>) -> CloudEvent<'a> {
        let about = About {
            aggregate: self.aggregate,
            aggregate_id: self.aggregate_id,
            sequence: self.sequence,
            event_type: self.event_type,
        };
        CloudEvent { traceparent, ..CloudEvent::new(&about, &self.subject, self.occurred_at, &self.payload) }
    }
}

/// Writes messages in the caller's transaction: they exist exactly when the change does. Must follow the change's own
/// writes: the transaction then already has its number, by which a feed detects that a missing message will never come.
pub async fn append_in_tx(tx: &mut PgSession, messages: &[Message]) -> sqlx::Result<()> {
    let aggregates: Vec<&str> = messages.iter().map(|m| m.aggregate).collect();
    let ids: Vec<Uuid> = messages.iter().map(|m| m.aggregate_id).collect();
    let sequences: Vec<i32> = messages.iter().map(|m| m.sequence).collect();
    let types: Vec<&str> = messages.iter().map(|m| m.event_type).collect();
    let trace = telemetry::traceparent();
    let payloads: Vec<_> =
        messages.iter().map(|m| Json(m.cloud_event(m.trace.as_deref().or(trace.as_deref())))).collect();
    let instants: Vec<DateTime<Utc>> = messages.iter().map(|m| m.occurred_at).collect();
    sqlx::query!(
        "insert into outbox (aggregate, aggregate_id, sequence, event_type, payload, occurred_at)
         select * from unnest($1::text[], $2::uuid[], $3::int[], $4::text[], $5::jsonb[], $6::timestamptz[])",
        &aggregates as &[&str],
        &ids,
        &sequences,
        &types as &[&str],
        &payloads as &[Json<CloudEvent<'_>>],
        &instants,
    )
    .execute(tx)
    .await
    .map(drop)
}
