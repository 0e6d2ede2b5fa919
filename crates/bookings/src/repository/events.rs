//! The history of one booking, a bounded part at a time.
use chrono::{DateTime, Utc};
use loadmaster_kernel::{AirportCode, BookingId, FlightId, FlightNumber, LegId, Pieces, UserId, Weight, from_column};
use loadmaster_platform::postgres::{IdMonths, PgSession};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::model::{BookingStatus, Correction, Event, EventType};

/// Returns the newest `limit` events of the booking, newest first; if an event number is given, only those before it.
/// They are found by the primary key, backwards: the cost does not depend on their total number. The inner limit is a
/// constant, so that no plan is made for more: `limit` is 201 at most.
pub(crate) async fn newest_events(
    db: &mut PgSession,
    id: BookingId,
    before: Option<i32>,
    limit: i64,
) -> sqlx::Result<Vec<Event>> {
    let some = "e.sequence < coalesce($2, 2147483647) order by e.sequence desc limit 201";
    let select = select(IdMonths::of(id.uuid()), some, "order by e.sequence desc limit $3");
    let rows = sqlx::query_as::<_, EventRow>(select).bind(id.uuid()).bind(before).bind(limit);
    rows.fetch_all(db).await?.into_iter().map(EventRow::into_event).collect()
}

/// Returns the events of the booking after this number, oldest first, at most 200. They are found by the primary key.
pub(crate) async fn events_after(db: &mut PgSession, id: BookingId, after: i32) -> sqlx::Result<Vec<Event>> {
    let select =
        select(IdMonths::of(id.uuid()), "e.sequence > $2 order by e.sequence limit 200", "order by e.sequence");
    let rows = sqlx::query_as::<_, EventRow>(select).bind(id.uuid()).bind(after);
    rows.fetch_all(db).await?.into_iter().map(EventRow::into_event).collect()
}

/// Selects some events of the booking `$1`, in this order. A step is taken back by the very next event, if at all.
fn select(months: IdMonths, some: &str, order: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!(
        "select e.id, e.sequence, e.event_type, e.status, e.location, e.flight_id, e.flight_number, e.leg_id, e.pieces,
                e.weight_hg, e.actor_id, e.data, e.occurred_at, e.created_at, n.notes,
                e.event_type in ('DEPARTED', 'ARRIVED', 'DELIVERED') and exists (
                    select from booking_events c
                    where c.booking_id = $1 and {corrections} and c.sequence = e.sequence + 1
                      and c.event_type = 'CORRECTED') as is_corrected
         from (select * from booking_events e where e.booking_id = $1 and {events} and {some}) e
         left join booking_event_notes n on n.booking_id = $1 and {notes} and n.sequence = e.sequence
         {order}",
        corrections = months.contain("c.booking_id"),
        events = months.contain("e.booking_id"),
        notes = months.contain("n.booking_id"),
    ))
}

/// Returns the last movement before this event that was not taken back: the status after it, and its time.
pub(crate) async fn moved_before(
    db: &mut PgSession,
    id: BookingId,
    before: i32,
) -> sqlx::Result<Option<(BookingStatus, DateTime<Utc>)>> {
    let movement = sqlx::query!(
        "select e.status, e.occurred_at from booking_events e
         where e.booking_id = $1 and e.sequence < $2 and e.event_type in ('DEPARTED', 'ARRIVED', 'DELIVERED')
           and not exists (select from booking_events c
                           where c.booking_id = $1 and c.sequence = e.sequence + 1 and c.event_type = 'CORRECTED')
         order by e.sequence desc limit 1",
        id.uuid(),
        before,
    );
    let Some(movement) = movement.fetch_optional(db).await? else { return Ok(None) };
    Ok(Some((from_column(BookingStatus::WORDS, &movement.status)?, movement.occurred_at)))
}

#[derive(sqlx::FromRow)]
struct EventRow {
    id: Uuid,
    sequence: i32,
    event_type: String,
    status: String,
    location: Option<AirportCode>,
    flight_id: Option<Uuid>,
    flight_number: Option<FlightNumber>,
    leg_id: Option<Uuid>,
    pieces: Pieces,
    weight_hg: Weight,
    actor_id: Option<Uuid>,
    data: Value,
    occurred_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
    notes: Option<String>,
    is_corrected: bool,
}

impl EventRow {
    fn into_event(self) -> sqlx::Result<Event> {
        Ok(Event {
            id: self.id.into(),
            sequence: self.sequence,
            event_type: from_column(EventType::WORDS, &self.event_type)?,
            status: from_column(BookingStatus::WORDS, &self.status)?,
            location: self.location,
            flight_id: self.flight_id.map(FlightId::from),
            flight_number: self.flight_number,
            leg_id: self.leg_id.map(LegId::from),
            pieces: self.pieces,
            weight: self.weight_hg,
            actor: self.actor_id.map(UserId::from),
            notes: self.notes,
            corrects: Correction::of(&self.data),
            data: self.data,
            is_corrected: self.is_corrected,
            occurred_at: self.occurred_at,
            created_at: self.created_at,
        })
    }
}

/// Returns the time of the amendment that lies `back` amendments before the newest one, if it is later than `since`.
/// Reads at most `most` events, newest first.
pub(crate) async fn amended_since(
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
