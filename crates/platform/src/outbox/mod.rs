//! Events for other systems: each state change writes a message in its own transaction. [`relay()`] delivers the
//! messages to sinks, at least once and in order per aggregate; with a [`Feed`] this process follows them itself.
mod document;
mod feed;
mod listeners;
mod mark;
mod readings;
mod relay;
mod replay;
mod sinks;
mod streams;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use super::telemetry;
use crate::postgres::{PgSession, column};
pub use document::Source;
pub use feed::{Entry, Feed, FeedError};
pub use listeners::{Listeners, type_matches};
pub use mark::Resumed;
pub use readings::Readings;
pub use relay::{Sink, SinkAway, relay};
pub use replay::{Page, Past, Replayed, Wanted, replay};
pub use sinks::{Lag, delete_delivered, lags, retire};
pub use streams::RedisStreams;

/// A state change that is published after the commit, with its data `D`. No personal data.
#[derive(Debug)]
pub struct Message<'a, D> {
    /// The type of the aggregate that changed.
    pub aggregate: &'static str,
    pub aggregate_id: Uuid,
    /// The organization that the aggregate belongs to; `None`: to nobody alone.
    pub organization: Option<Uuid>,
    /// The aggregate's public name.
    pub subject: &'a str,
    /// The number of the event among the events of its aggregate.
    pub sequence: i32,
    pub event_type: &'static str,
    pub data: D,
    pub occurred_at: DateTime<Utc>,
    /// The trace of its cause; `None`: the current one.
    pub trace: Option<&'a str>,
}

/// The version of every event type.
const TYPE_VERSION: u32 = 1;

/// Returns the `type` of messages about events of this type.
pub fn type_of(aggregate: &str, event_type: &str) -> String {
    format!("loadmaster.{aggregate}.{}.v{TYPE_VERSION}", event_type.to_ascii_lowercase())
}

/// A `CloudEvents` 1.0 document; `docs/events.md` describes each type.
#[derive(Serialize)]
pub struct CloudEvent<'a, D> {
    specversion: &'static str,
    id: String,
    source: &'static str,
    #[serde(rename = "type")]
    kind: String,
    subject: &'a str,
    time: DateTime<Utc>,
    datacontenttype: &'static str,
    sequence: String,
    data: &'a D,
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

impl<'a, D> CloudEvent<'a, D> {
    fn new(about: &About<'_>, subject: &'a str, time: DateTime<Utc>, data: &'a D) -> Self {
        let About { aggregate, aggregate_id, sequence, event_type } = about;
        Self {
            specversion: "1.0",
            id: format!("{aggregate_id}-{sequence}"),
            source: "/loadmaster",
            kind: type_of(aggregate, event_type),
            subject,
            time,
            datacontenttype: "application/json",
            sequence: sequence.to_string(),
            data,
            traceparent: None,
        }
    }
}

impl<D> Message<'_, D> {
    fn cloud_event<'a>(&'a self, traceparent: Option<&'a str>) -> CloudEvent<'a, D> {
        let about = About {
            aggregate: self.aggregate,
            aggregate_id: self.aggregate_id,
            sequence: self.sequence,
            event_type: self.event_type,
        };
        CloudEvent { traceparent, ..CloudEvent::new(&about, self.subject, self.occurred_at, &self.data) }
    }
}

/// Writes messages in the caller's transaction: they exist exactly when the change does. Must follow the change's own
/// writes: the transaction then already has its number, by which a feed detects that a missing message will never come.
pub async fn append_in_tx<D: Serialize + Sync>(tx: &mut PgSession, messages: &[Message<'_, D>]) -> sqlx::Result<()> {
    let trace = telemetry::traceparent();
    let written = sqlx::query!(
        "insert into outbox (aggregate, aggregate_id, sequence, event_type, payload, occurred_at, organization_id)
         select * from unnest($1::text[], $2::uuid[], $3::int[], $4::text[], $5::jsonb[], $6::timestamptz[], $7::uuid[])",
        &column(messages, |m| m.aggregate) as &[&str],
        &column(messages, |m| m.aggregate_id),
        &column(messages, |m| m.sequence),
        &column(messages, |m| m.event_type) as &[&str],
        &documents(messages, trace.as_deref()) as &[Json<CloudEvent<'_, D>>],
        &column(messages, |m| m.occurred_at),
        &column(messages, |m| m.organization) as &[Option<Uuid>],
    );
    written.execute(tx).await.map(drop)
}

/// Returns the documents of messages, for a statement that writes them together with their change; the transaction must
/// have its number before, as after locking a row. `trace`: the current one.
pub fn documents<'a, D>(messages: &'a [Message<'_, D>], trace: Option<&'a str>) -> Vec<Json<CloudEvent<'a, D>>> {
    column(messages, |message| Json(message.cloud_event(message.trace.or(trace))))
}
