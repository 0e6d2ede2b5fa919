use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_platform::postgres::PgSession;
use uuid::Uuid;

/// A booking whose shipper is to be reminded, and the flight that it must reach.
pub(crate) struct Reminder {
    pub booking_id: Uuid,
    pub ref_id: String,
    pub flight_id: Uuid,
    /// When the freight must be there.
    pub cutoff_at: DateTime<Utc>,
}

/// Which bookings are looked at: those on flights that close after `after`, and those that were moved themselves or with their
/// flights.
pub(crate) struct Among<'a> {
    pub after: Option<DateTime<Utc>>,
    pub bookings: &'a [Uuid],
    pub flights: &'a [Uuid],
}

/// Locks what [`set_looked_until`] writes, and returns it; `None` if another process looks.
pub(crate) async fn lock_looked_until(db: &mut PgSession) -> sqlx::Result<Option<DateTime<Utc>>> {
    let row = sqlx::query_scalar!("select looked_until from reminder_watermark for update skip locked");
    row.fetch_optional(db).await
}

pub(crate) async fn set_looked_until(db: &mut PgSession, until: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("update reminder_watermark set looked_until = $1", until).execute(db).await.map(drop)
}

/// Returns the bookings that were not reminded of yet and whose first flight closes in these hours: those made before these
/// hours began for the flight that they were made on. One that needs rerouting waits for its new flights.
pub(crate) async fn due(
    db: &mut PgSession,
    among: &Among<'_>,
    now: DateTime<Utc>,
    before_hours: i32,
    limit: i64,
) -> sqlx::Result<Vec<Reminder>> {
    let until = now + TimeDelta::hours(before_hours.into());
    let closing = closing(db, among, now, until).await?;
    if closing.is_empty() {
        return Ok(Vec::new());
    }
    // All is found by key, one after the other: a kept plan may otherwise read the bookings of all flights.
    sqlx::query_as!(
        Reminder,
        r#"select b.id as "booking_id!", b.ref_id as "ref_id!", f.flight_id as "flight_id!", f.cutoff_at as "cutoff_at!"
           from unnest($1::uuid[]) as chosen (id)
           cross join lateral (
               select flight_id, cutoff_at from flight_capacity c
               where c.flight_id = chosen.id and c.status = 'SCHEDULED' and c.cutoff_at > $2 and c.cutoff_at <= $5 limit 1) f
           cross join lateral (select departure_at from flights t where t.id = f.flight_id limit 1) t
           cross join lateral (
               select booking_id, sequence from booking_legs l
               where l.flight_id = f.flight_id and l.status = 'BOOKED' offset 0) l
           cross join lateral (
               select id, ref_id, created_at from bookings b
               where b.id = l.booking_id and b.status = 'BOOKED' and not b.needs_rerouting limit 1) b
           cross join lateral (
               select e.data from booking_events e
               where e.booking_id = b.id and e.sequence = 1
                 and not exists (select from reminders r where r.booking_id = b.id and r.status <> 'WAITING')
                 and not exists (select from booking_legs s
                                 where s.booking_id = b.id and s.status = 'BOOKED' and s.sequence < l.sequence)
               limit 1) e
           where (e.data #>> '{legs,0,departure_at}')::timestamptz - (t.departure_at - f.cutoff_at)
                 - make_interval(hours => $3) > b.created_at
           order by f.cutoff_at, b.id limit $4"#,
        &closing,
        now,
        before_hours,
        limit,
        until,
    )
    .fetch_all(db)
    .await
}

/// Returns the flights that close until then.
async fn closing(
    db: &mut PgSession,
    among: &Among<'_>,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"select flight_id as "flight_id!" from flight_capacity
           where status = 'SCHEDULED' and cutoff_at > $1 and cutoff_at <= $3
           union
           select flight_id from flight_capacity
           where status = 'SCHEDULED' and cutoff_at > $2 and cutoff_at <= $3 and flight_id in (
               select unnest($4::uuid[])
               union select flight_id from booking_legs where booking_id = any($5) and status = 'BOOKED')"#,
        among.after.unwrap_or(until),
        now,
        until,
        among.flights,
        among.bookings,
    )
    .fetch_all(db)
    .await
}

/// Writes down what was sent: once for ever.
pub(crate) async fn enter(db: &mut PgSession, sent: &[Reminder], now: DateTime<Utc>) -> sqlx::Result<()> {
    let (bookings, cutoffs): (Vec<Uuid>, Vec<DateTime<Utc>>) =
        sent.iter().map(|one| (one.booking_id, one.cutoff_at)).unzip();
    sqlx::query!(
        "insert into reminders (booking_id, status, due_at, created_at, updated_at)
         select id, 'SENT', cutoff_at, $3, $3 from unnest($1::uuid[], $2::timestamptz[]) as s (id, cutoff_at)
         on conflict (booking_id) do update set status = 'SENT', updated_at = $3 where reminders.status = 'WAITING'",
        &bookings,
        &cutoffs,
        now,
    )
    .execute(db)
    .await
    .map(drop)
}
