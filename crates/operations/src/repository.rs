//! All SQL of this room: steps of flights that have not reached all of their bookings.
use chrono::{DateTime, Utc};
use loadmaster_bookings::StepAboard;
use loadmaster_kernel::{FlightId, UserId};
use loadmaster_platform::postgres::PgSession;
use uuid::Uuid;

/// A step that has not reached all bookings.
#[derive(Debug)]
pub(super) struct Unfinished {
    pub step: StepAboard,
    pub actor: Option<UserId>,
    /// The last booking processed.
    pub done_to: Uuid,
}

const DEPART: &str = "DEPART";
const ARRIVE: &str = "ARRIVE";
const CANCEL: &str = "CANCEL";
const RETIME: &str = "RETIME";

/// Records that these flights have made a step and their bookings have not. New times may follow unfinished new times:
/// processing then starts again with the first booking.
pub(super) async fn insert(
    db: &mut PgSession,
    flights: &[FlightId],
    step: &StepAboard,
    actor: Option<UserId>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = flights.iter().map(|flight| flight.uuid()).collect();
    let (word, occurred_at, reason) = match step {
        StepAboard::Depart { occurred_at } => (DEPART, Some(*occurred_at), None),
        StepAboard::Arrive { occurred_at } => (ARRIVE, Some(*occurred_at), None),
        StepAboard::Cancel { reason } => (CANCEL, None, reason.as_deref()),
        StepAboard::Retime => (RETIME, None, None),
    };
    let inserted = sqlx::query!(
        "insert into flight_steps (flight_id, step, occurred_at, reason, actor_id, created_at)
         select id, $2, $3, $4, $5, $6 from unnest($1::uuid[]) as id order by id
         on conflict (flight_id) do update
         set actor_id = excluded.actor_id, done_to = default, created_at = excluded.created_at",
        &ids,
        word,
        occurred_at,
        reason,
        actor.map(UserId::uuid),
        now,
    );
    inserted.execute(db).await.map(drop)
}

/// Returns the step that has not reached all of the flight's bookings. The caller holds the flight's lock.
pub(super) async fn find(db: &mut PgSession, flight: FlightId) -> sqlx::Result<Option<Unfinished>> {
    let row = sqlx::query!(
        "select step, occurred_at, reason, actor_id, done_to from flight_steps where flight_id = $1",
        flight.uuid(),
    );
    let Some(row) = row.fetch_optional(db).await? else { return Ok(None) };
    let step = match (row.step.as_str(), row.occurred_at) {
        (DEPART, Some(occurred_at)) => StepAboard::Depart { occurred_at },
        (ARRIVE, Some(occurred_at)) => StepAboard::Arrive { occurred_at },
        (CANCEL, None) => StepAboard::Cancel { reason: row.reason },
        (RETIME, None) => StepAboard::Retime,
        (word, _) => return Err(sqlx::Error::Decode(format!("unknown step {word}").into())),
    };
    Ok(Some(Unfinished { step, actor: row.actor_id.map(UserId::from), done_to: row.done_to }))
}

/// Returns the flights with unfinished steps and the time since when, longest waiting first: at most 1000, after the
/// given one.
pub(super) async fn unfinished(
    db: &mut PgSession,
    after: Option<(DateTime<Utc>, FlightId)>,
) -> sqlx::Result<Vec<(DateTime<Utc>, FlightId)>> {
    let (since, flight) = after.unzip();
    let rows = sqlx::query!(
        "select created_at, flight_id from flight_steps
         where $1::timestamptz is null or (created_at, flight_id) > ($1, $2::uuid)
         order by created_at, flight_id limit 1000",
        since,
        flight.map(FlightId::uuid),
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.created_at, row.flight_id.into())).collect())
}

pub(super) async fn advance(db: &mut PgSession, flight: FlightId, done_to: Uuid) -> sqlx::Result<()> {
    let moved = sqlx::query!("update flight_steps set done_to = $2 where flight_id = $1", flight.uuid(), done_to);
    moved.execute(db).await.map(drop)
}

pub(super) async fn finish(db: &mut PgSession, flight: FlightId) -> sqlx::Result<()> {
    sqlx::query!("delete from flight_steps where flight_id = $1", flight.uuid()).execute(db).await.map(drop)
}
