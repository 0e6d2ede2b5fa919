//! The history of one booking, a bounded part at a time.
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::{
    features::bookings::model::{BookingStatus, Event, EventType},
    kernel::{AirportCode, BookingId, FlightId, FlightNumber, LegId, Pieces, UserId, Weight, from_column},
    platform::postgres::PgSession,
};

/// Returns the newest `limit` events of the booking, newest first; if an event number is given, only those before it.
/// They are found by the primary key, backwards: the cost does not depend on their total number. The inner limit is a
/// constant, so that no plan is made for more: `limit` is 201 at most.
pub(in crate::features::bookings) async fn newest_events(
    db: &mut PgSession,
    id: BookingId,
    before: Option<i32>,
    limit: i64,
) -> sqlx::Result<Vec<Event>> {
    let rows = sqlx::query!(
        r#"select e.id, e.sequence, e.event_type, e.status, e.location as "location: AirportCode", e.flight_id,
                  e.flight_number as "flight_number: FlightNumber", e.leg_id, e.pieces as "pieces: Pieces",
                  e.weight_hg as "weight_hg: Weight", e.actor_id, e.data as "data: Value", e.occurred_at, e.created_at,
                  (select n.notes from booking_event_notes n where n.booking_id = $1 and n.sequence = e.sequence)
                      as "notes?"
           from (select * from booking_events e
                 where e.booking_id = $1 and e.sequence < coalesce($2, 2147483647)
                 order by e.sequence desc limit 201) e
           order by e.sequence desc limit $3"#,
        id.uuid(),
        before,
        limit,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Event {
                id: row.id.into(),
                sequence: row.sequence,
                event_type: from_column(EventType::WORDS, &row.event_type)?,
                status: from_column(BookingStatus::WORDS, &row.status)?,
                location: row.location,
                flight_id: row.flight_id.map(FlightId::from),
                flight_number: row.flight_number,
                leg_id: row.leg_id.map(LegId::from),
                pieces: row.pieces,
                weight: row.weight_hg,
                actor: row.actor_id.map(UserId::from),
                notes: row.notes,
                data: row.data,
                occurred_at: row.occurred_at,
                created_at: row.created_at,
            })
        })
        .collect()
}

/// Returns the time of the amendment that lies `back` amendments before the newest one, if it is later than `since`.
/// Reads at most `most` events, newest first.
pub(in crate::features::bookings) async fn amended_since(
    db: &mut PgSession,
    id: BookingId,
    back: i64,
    since: DateTime<Utc>,
    most: i64,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    let found = sqlx::query_scalar!(
        "select created_at
         from (select event_type, created_at, sequence from booking_events where booking_id = $1
               order by sequence desc limit $4) newest
         where event_type in ('AMENDED', 'REROUTED') and created_at > $2
         order by sequence desc offset $3 limit 1",
        id.uuid(),
        since,
        back,
        most,
    );
    found.fetch_optional(db).await
}
