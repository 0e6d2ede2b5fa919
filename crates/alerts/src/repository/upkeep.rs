//! What wakes alerts, what ends them, and what of them is personal.
use chrono::{DateTime, Utc};
use loadmaster_platform::{
    personal::Person,
    postgres::{PgSession, column},
};
use serde_json::Value;
use uuid::Uuid;

use crate::model::Changed;

/// Makes alerts due that these flights, bookings, holds and entries of the waitlist concern: those from a flight's origin, and
/// those to its destination. The flights of a booking or hold are those that it is or was on: an amended one has given back space
/// on the former. An alert that was checked just now waits a little, so that a busy lane is not searched all the time. Where
/// somebody waits for space, it waits until what is set aside is given or opened, of which no message speaks.
pub(crate) async fn wake_by_lanes(db: &mut PgSession, changed: &Changed, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let Changed { flights, bookings, holds, entries, .. } = changed;
    if [flights, bookings, holds, entries].iter().all(|ids| ids.is_empty()) {
        return Ok(0);
    }
    let woken = sqlx::query!(
        "with touched as materialized (
             select unnest($1::uuid[]) as flight_id
             union
             select l.flight_id from booking_legs l where l.booking_id = any($2)
             union
             select l.flight_id from hold_legs l where l.hold_id = any($3)
             union
             select former.id::uuid from hold_events e, jsonb_array_elements_text(e.data->'flight_ids') as former (id)
             where e.hold_id = any($3)
             union
             select unnest(w.flight_ids) from waitlist_entries w where w.id = any($4)
             union
             select w.flight_id from waitlist_flights w where w.entry_id = any($4)
             union
             select l.flight_id from waitlist_entries w join hold_legs l on l.hold_id = w.hold_id where w.id = any($4)
         ), lanes as materialized (
             select f.origin, f.destination, c.waiting > 0 or c.aside_until is not null as is_waited_for
             from touched join flights f on f.id = touched.flight_id left join flight_capacity c on c.flight_id = f.id
             union
             select w.origin, w.destination, true from waitlist_entries w where w.id = any($4)
         )
         update alerts
         set next_check_at = case
                 when origin in (select lanes.origin from lanes where lanes.is_waited_for)
                      or destination in (select lanes.destination from lanes where lanes.is_waited_for)
                 then least(next_check_at, $5::timestamptz + interval '40 seconds')
                 else greatest($5::timestamptz, least(last_checked_at, $5) + interval '30 seconds') end
         where status = 'ACTIVE' and failures = 0 and next_check_at > $5::timestamptz + interval '30 seconds'
           and (origin in (select lanes.origin from lanes) or destination in (select lanes.destination from lanes))",
        flights,
        bookings,
        holds,
        entries,
        now,
    );
    Ok(woken.execute(db).await?.rows_affected())
}

/// Returns the flights of these bookings and holds. The bounds let it look into the months of the bookings alone.
pub(crate) async fn flights_of(db: &mut PgSession, bookings: &[Uuid], holds: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    let found = sqlx::query_scalar!(
        r#"select l.flight_id as "flight_id!" from booking_legs l
           where l.booking_id = any($1) and l.booking_id >= $3 and l.booking_id <= $4
           union
           select l.flight_id from hold_legs l where l.hold_id = any($2)"#,
        bookings,
        holds,
        bookings.iter().min().copied().unwrap_or_default(),
        bookings.iter().max().copied().unwrap_or_default(),
    );
    found.fetch_all(db).await
}

/// Makes alerts due whose best option is on one of these flights, on which space was taken: no other one can have become false,
/// and none true.
pub(crate) async fn wake_by_options(db: &mut PgSession, flights: &[Uuid], now: DateTime<Utc>) -> sqlx::Result<u64> {
    let woken = sqlx::query!(
        "with concerned as materialized (
             select distinct a.id
             from alerts a cross join unnest(a.found_flight_ids) as best (flight_id)
                           join unnest($1::uuid[]) as taken (flight_id) on taken.flight_id = best.flight_id
             where a.status = 'ACTIVE' and a.failures = 0 and a.next_check_at > $2::timestamptz + interval '30 seconds'
         )
         update alerts
         set next_check_at = greatest($2::timestamptz, least(last_checked_at, $2) + interval '30 seconds')
         from concerned
         where alerts.id = concerned.id and status = 'ACTIVE' and failures = 0
           and next_check_at > $2::timestamptz + interval '30 seconds'",
        flights,
        now,
    );
    Ok(woken.execute(db).await?.rows_affected())
}

/// Makes all alerts on prices due, spread over half a minute.
pub(crate) async fn wake_by_prices(db: &mut PgSession, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let woken = sqlx::query!(
        "update alerts set next_check_at = $1::timestamptz + random() * interval '30 seconds'
         where status = 'ACTIVE' and failures = 0 and kind = 'PRICE'
           and next_check_at > $1::timestamptz + interval '30 seconds'",
        now,
    );
    Ok(woken.execute(db).await?.rows_affected())
}

/// Makes all alerts due, spread over five minutes.
pub(crate) async fn wake_all(db: &mut PgSession, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let woken = sqlx::query!(
        "update alerts set next_check_at = $1::timestamptz + random() * interval '5 minutes'
         where status = 'ACTIVE' and next_check_at > $1::timestamptz + interval '5 minutes'",
        now,
    );
    Ok(woken.execute(db).await?.rows_affected())
}

/// Ends the alerts whose time is up, or whose user is disabled or has left the organization. Returns their number.
pub(crate) async fn end(db: &mut PgSession, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let ended = sqlx::query!(
        "update alerts
         set status = 'EXPIRED', ended_at = $1, updated_at = $1, version = version + 1, lease_until = null,
             lease_holder = null
         where ended_at is null
           and (ends_at <= $1
                or not exists (select from users u where u.id = alerts.created_by and u.disabled_at is null
                                                     and u.organization_id = alerts.organization_id))",
        now,
    );
    Ok(ended.execute(db).await?.rows_affected())
}

/// Deletes up to `most` alerts that ended before this time. Returns their number.
pub(crate) async fn delete_old(db: &mut PgSession, before: DateTime<Utc>, most: i64) -> sqlx::Result<u64> {
    let deleted = sqlx::query!(
        "delete from alerts where id in
             (select id from alerts where ended_at < $1 order by ended_at limit $2 for update skip locked)",
        before,
        most,
    );
    Ok(deleted.execute(db).await?.rows_affected())
}

/// Returns the alerts that a person made, and those of the person's own organizations, oldest first.
pub(crate) async fn export(db: &mut PgSession, person: &Person) -> sqlx::Result<Vec<Value>> {
    let found = sqlx::query_scalar!(
        r#"select jsonb_build_object(
               'id', id, 'kind', kind, 'status', status, 'origin', origin, 'destination', destination,
               'date_from', date_from, 'date_to', date_to, 'weight_kg', trim_scale(weight_hg * 0.1),
               'volume_m3', trim_scale(volume_l * 0.001), 'positions', positions,
               'special_handling_codes', special_handling_codes, 'drop_percent', drop_percent,
               'below_minor_units', below_amount, 'currency', currency, 'expires_at', expires_at,
               'created_by_this_person', created_by = $2, 'created_at', created_at, 'updated_at', updated_at) as "alert!"
           from alerts
           where deleted_at is null and (organization_id = any($1) or created_by = $2)
           order by id"#,
        &column(&person.organizations, |organization| organization.uuid()),
        person.user_id.uuid(),
    );
    found.fetch_all(db).await
}

/// Deletes the alerts that a person made, and those of the person's own organizations. Returns their number.
pub(crate) async fn erase(db: &mut PgSession, person: &Person) -> sqlx::Result<u64> {
    let erased = sqlx::query!(
        "delete from alerts where organization_id = any($1) or created_by = $2",
        &column(&person.organizations, |organization| organization.uuid()),
        person.user_id.uuid(),
    );
    Ok(erased.execute(db).await?.rows_affected())
}

/// Returns the ids of the alerts that a person made, and of those of the person's own organizations.
pub(crate) async fn ids_of(db: &mut PgSession, person: &Person) -> sqlx::Result<Vec<String>> {
    let ids = sqlx::query_scalar!(
        r#"select id::text as "id!" from alerts where organization_id = any($1) or created_by = $2"#,
        &column(&person.organizations, |organization| organization.uuid()),
        person.user_id.uuid(),
    );
    ids.fetch_all(db).await
}
