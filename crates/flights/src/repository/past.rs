//! The messages about flights, from their histories.
use chrono::{DateTime, Utc};
use loadmaster_kernel::{FlightId, from_column};
use loadmaster_platform::{outbox::Wanted, postgres::PgSession};
use serde_json::Value;
use uuid::Uuid;

use crate::model::FlightEventType;

/// An event with all that its message says.
#[derive(Debug)]
pub(crate) struct PublishedEvent {
    pub flight_id: FlightId,
    pub sequence: i32,
    pub event_type: FlightEventType,
    pub data: Value,
    pub occurred_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

/// Returns the next flights after an id that have wanted events.
pub(crate) async fn ids_to_replay(
    db: &mut PgSession,
    wanted: &Wanted,
    after: Uuid,
    size: i64,
) -> sqlx::Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "select distinct flight_id from flight_events
         where flight_id > $1 and ($2::timestamptz is null or created_at >= $2) and created_at < $3
           and ($4::text is null or flight_id::text = $4)
         order by flight_id limit $5",
        after,
        wanted.since,
        wanted.until,
        wanted.subject.as_deref(),
        size,
    );
    ids.fetch_all(db).await
}

/// Returns all events of these flights, by flight and number.
pub(crate) async fn published_events(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<PublishedEvent>> {
    let rows = sqlx::query!(
        "select flight_id, sequence, event_type, data, occurred_at, created_at
         from flight_events where flight_id = any($1) order by flight_id, sequence",
        ids,
    );
    let rows = rows.fetch_all(db).await?.into_iter();
    rows.map(|row| {
        Ok(PublishedEvent {
            flight_id: row.flight_id.into(),
            sequence: row.sequence,
            event_type: from_column(FlightEventType::WORDS, &row.event_type)?,
            data: row.data,
            occurred_at: row.occurred_at,
            created_at: row.created_at,
        })
    })
    .collect()
}
