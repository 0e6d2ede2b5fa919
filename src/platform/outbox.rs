use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// What a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    Booking,
    Flight,
}

impl Aggregate {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Booking => "booking",
            Self::Flight => "flight",
        }
    }
}

/// A state change that others will be told of after the commit. No personal data.
#[derive(Debug, Clone)]
pub struct Message {
    pub aggregate: Aggregate,
    pub aggregate_id: Uuid,
    /// The number of the event among the events of its aggregate.
    pub sequence: i32,
    pub event_type: &'static str,
    pub payload: Value,
    pub occurred_at: DateTime<Utc>,
}

/// Joins the caller's transaction: the message is there exactly when the change is.
pub async fn append_in_tx(tx: &mut PgConnection, messages: &[Message]) -> sqlx::Result<()> {
    let aggregates: Vec<&str> = messages.iter().map(|m| m.aggregate.as_str()).collect();
    let ids: Vec<Uuid> = messages.iter().map(|m| m.aggregate_id).collect();
    let sequences: Vec<i32> = messages.iter().map(|m| m.sequence).collect();
    let types: Vec<&str> = messages.iter().map(|m| m.event_type).collect();
    let payloads: Vec<Value> = messages.iter().map(|m| m.payload.clone()).collect();
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
