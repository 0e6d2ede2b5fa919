//! Bookings and their histories, a page at a time: an audit never holds them all in memory.
use futures_util::{Stream, StreamExt};
use loadmaster_kernel::{AirportCode, BookingId, FlightId, FlightNumber, LegId, Pieces, UserId, Weight, from_column};
use loadmaster_platform::{outbox::Wanted, postgres::PgSession};
use uuid::Uuid;

use crate::model::{BookingStatus, Correction, Event, EventType, replay::PastEvent};

/// Returns the ids after `after` that have a row or an event, in ascending order.
pub(crate) async fn page(db: &mut PgSession, only: Option<&[Uuid]>, after: Uuid, size: i64) -> sqlx::Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        r#"select id as "id!" from (
               (select id from bookings where id > $2 and ($1::uuid[] is null or id = any($1)) order by id limit $3)
               union
               (select distinct booking_id from booking_events
                where booking_id > $2 and ($1::uuid[] is null or booking_id = any($1))
                order by booking_id limit $3)) next
           order by id limit $3"#,
        only as Option<&[Uuid]>,
        after,
        size,
    );
    ids.fetch_all(db).await
}

/// Streams the events of these bookings, by booking and number.
pub(crate) fn past_events<'a>(
    db: &'a mut PgSession,
    ids: &[Uuid],
) -> impl Stream<Item = sqlx::Result<(BookingId, PastEvent)>> + Send + Unpin + use<'a> {
    let rows = sqlx::query!(
        "select booking_id, sequence, id, event_type, status, data_version, data, occurred_at, created_at
         from booking_events where booking_id = any($1) order by booking_id, sequence",
        ids,
    );
    rows.fetch(db).map(|row| {
        let row = row?;
        let event = PastEvent {
            id: row.id.into(),
            sequence: row.sequence,
            event_type: from_column(EventType::WORDS, &row.event_type)?,
            status: from_column(BookingStatus::WORDS, &row.status)?,
            data_version: row.data_version,
            data: row.data,
            occurred_at: row.occurred_at,
            created_at: row.created_at,
        };
        Ok((row.booking_id.into(), event))
    })
}

/// Returns the next bookings after an id that have wanted events.
pub(crate) async fn ids_to_replay(
    db: &mut PgSession,
    wanted: &Wanted,
    after: Uuid,
    size: i64,
) -> sqlx::Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "select distinct booking_id from booking_events
         where booking_id > $1 and ($2::timestamptz is null or created_at >= $2) and created_at < $3
           and ($4::text is null or booking_id = (select booking_id from booking_refs where ref_id = $4))
         order by booking_id limit $5",
        after,
        wanted.since,
        wanted.until,
        wanted.subject.as_deref(),
        size,
    );
    ids.fetch_all(db).await
}

/// Streams the events of these bookings with all that their messages say, by booking and number.
pub(crate) fn published_events<'a>(
    db: &'a mut PgSession,
    ids: &[Uuid],
) -> impl Stream<Item = sqlx::Result<(BookingId, Event)>> + Send + Unpin + use<'a> {
    let rows = sqlx::query!(
        r#"select booking_id, sequence, id, event_type, status, location as "location: AirportCode", flight_id,
                  flight_number as "flight_number: FlightNumber", leg_id, pieces as "pieces: Pieces",
                  weight_hg as "weight_hg: Weight", actor_id, data, occurred_at, created_at
           from booking_events where booking_id = any($1) order by booking_id, sequence"#,
        ids,
    );
    rows.fetch(db).map(|row| {
        let row = row?;
        let event = Event {
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
            notes: None,
            corrects: Correction::of(&row.data),
            is_corrected: false,
            data: row.data,
            occurred_at: row.occurred_at,
            created_at: row.created_at,
        };
        Ok((row.booking_id.into(), event))
    })
}
