use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::platform::postgres::PgSession;

/// Enters a reminder for each of these bookings that was made before it is due. A booking that needs rerouting counts as one
/// without a flight: its reminder waits for the new itinerary.
pub(in crate::features::notifications) async fn enter(
    db: &mut PgSession,
    bookings: &[Uuid],
    before_hours: i32,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into reminders (booking_id, status, due_at, created_at, updated_at)
         select b.id, 'WAITING', coalesce(f.cutoff_at - make_interval(hours => $2), 'infinity'), $3, $3
         from bookings b
         left join lateral (
             select l.flight_id from booking_legs l
             where l.booking_id = b.id and l.status = 'BOOKED' and not b.needs_rerouting
             order by l.sequence limit 1
         ) l on true
         left join flight_capacity f on f.flight_id = l.flight_id
         where b.id = any($1) and b.status = 'BOOKED'
           and coalesce(f.cutoff_at - make_interval(hours => $2), 'infinity') > b.created_at
         on conflict (booking_id) do nothing",
        bookings,
        before_hours,
        now,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Moves or drops the reminders of these bookings, and of the bookings on these flights, as the tables say.
pub(in crate::features::notifications) async fn judge(
    db: &mut PgSession,
    bookings: &[Uuid],
    flights: &[Uuid],
    before_hours: i32,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let concerned = sqlx::query_scalar!(
        "select r.booking_id from reminders r
         join (select unnest($1::uuid[]) as booking_id
               union select l.booking_id from booking_legs l where l.flight_id = any($2)) k on k.booking_id = r.booking_id
         where r.status = 'WAITING' order by r.booking_id for update of r",
        bookings,
        flights,
    );
    let concerned = concerned.fetch_all(&mut *db).await?;
    if concerned.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update reminders r
         set status = case when b.status = 'BOOKED' then 'WAITING' else 'DROPPED' end, updated_at = $3,
             due_at = coalesce(f.cutoff_at - make_interval(hours => $2), 'infinity')
         from bookings b
         left join lateral (
             select l.flight_id from booking_legs l
             where l.booking_id = b.id and l.status = 'BOOKED' and not b.needs_rerouting
             order by l.sequence limit 1
         ) l on true
         left join flight_capacity f on f.flight_id = l.flight_id
         where r.booking_id = b.id and b.id = any($1)
           and (b.status <> 'BOOKED'
                or r.due_at is distinct from coalesce(f.cutoff_at - make_interval(hours => $2), 'infinity'))",
        &concerned,
        before_hours,
        now,
    )
    .execute(db)
    .await
    .map(drop)
}

/// A reminder that is due, as the tables say now.
pub(in crate::features::notifications) struct Reminder {
    pub booking_id: Uuid,
    pub ref_id: Option<String>,
    pub is_on: bool,
    pub flight_id: Option<Uuid>,
    /// When the freight must be there.
    pub cutoff_at: Option<DateTime<Utc>>,
    pub due_at: Option<DateTime<Utc>>,
}

/// Locks the next reminders that are due, but those that another process has.
pub(in crate::features::notifications) async fn lock_due(
    db: &mut PgSession,
    before_hours: i32,
    now: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<Reminder>> {
    let locked = sqlx::query_scalar!(
        "select booking_id from reminders where status = 'WAITING' and due_at <= $1
         order by due_at, booking_id limit $2 for update skip locked",
        now,
        limit,
    );
    let locked = locked.fetch_all(&mut *db).await?;
    if locked.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as!(
        Reminder,
        r#"select k.id as "booking_id!", b.ref_id as "ref_id?", coalesce(b.status = 'BOOKED', false) as "is_on!",
                  f.flight_id as "flight_id?", f.cutoff_at as "cutoff_at?",
                  f.cutoff_at - make_interval(hours => $2) as due_at
           from unnest($1::uuid[]) as k (id)
           left join bookings b on b.id = k.id
           left join lateral (
               select l.flight_id from booking_legs l
               where l.booking_id = b.id and l.status = 'BOOKED' and not b.needs_rerouting
             order by l.sequence limit 1
           ) l on true
           left join flight_capacity f on f.flight_id = l.flight_id
           order by k.id"#,
        &locked,
        before_hours,
    )
    .fetch_all(db)
    .await
}

/// Settles one: `due_at` of one that goes on waiting, `None` while it has no flight.
pub(in crate::features::notifications) async fn settle(
    db: &mut PgSession,
    settled: &[(Uuid, &'static str, Option<DateTime<Utc>>)],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let (ids, statuses, dues) = (
        settled.iter().map(|(id, ..)| *id).collect::<Vec<_>>(),
        settled.iter().map(|(_, status, _)| (*status).to_owned()).collect::<Vec<_>>(),
        settled.iter().map(|(.., due)| *due).collect::<Vec<_>>(),
    );
    sqlx::query!(
        "update reminders r
         set status = s.status, updated_at = $4,
             due_at = case when s.status = 'WAITING' then coalesce(s.due_at, 'infinity') else r.due_at end
         from unnest($1::uuid[], $2::text[], $3::timestamptz[]) as s (booking_id, status, due_at)
         where r.booking_id = s.booking_id",
        &ids,
        &statuses,
        &dues as &[Option<DateTime<Utc>>],
        now,
    )
    .execute(db)
    .await
    .map(drop)
}
