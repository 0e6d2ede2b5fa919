use chrono::{DateTime, Utc};
use loadmaster_kernel::{AirportCode, FlightId, HandlingCode, KeptDimensions, WaitlistEntryId};
use loadmaster_platform::postgres::{PgSession, column, planned_list};
use sqlx::types::Json;
use uuid::Uuid;

use crate::model::Waiting;

/// Inserts a new entry, and the flights that it could use.
pub(crate) async fn insert(db: &mut PgSession, entry: &Waiting, flights: &[FlightId]) -> sqlx::Result<()> {
    let codes: Vec<&str> = entry.special_handling_codes.iter().map(HandlingCode::as_str).collect();
    sqlx::query!(
        "with entry as (
             insert into waitlist_entries (id, organization_id, created_by, status, origin, destination, flight_ids,
                                           departure_date, weight_hg, volume_l, volume_defaulted, positions,
                                           special_handling_codes, priority, queued_at, created_at, updated_at,
                                           is_counted, dimensions)
             values ($1, $2, $3, 'WAITING', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
                     $14, $14, $14, $16, $17)
         )
         insert into waitlist_flights (flight_id, entry_id) select flight_id, $1 from unnest($15::uuid[]) flight_id",
        entry.id.uuid(),
        entry.organization_id.uuid(),
        entry.created_by.uuid(),
        entry.origin as AirportCode,
        entry.destination as AirportCode,
        &column(&entry.flight_ids, |flight| flight.uuid()),
        entry.departure_date,
        entry.space.weight.hectograms(),
        entry.space.volume.litres(),
        entry.volume_defaulted,
        entry.space.positions.count(),
        &codes as &[&str],
        entry.priority,
        entry.created_at,
        &column(flights, |flight| flight.uuid()),
        entry.is_counted,
        entry.dimensions.as_ref().map(|dimensions| Json(KeptDimensions::from(dimensions)))
            as Option<Json<KeptDimensions>>,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Writes what changes of entries. The caller holds their locks.
pub(crate) async fn save(db: &mut PgSession, entries: &[&Waiting]) -> sqlx::Result<()> {
    sqlx::query!(
        "update waitlist_entries e
         set status = new.status, priority = new.priority, hold_id = new.hold_id, event_sequence = new.sequence,
             version = new.version, updated_at = new.updated
         from unnest($1::uuid[], $2::text[], $3::int[], $4::uuid[], $5::int[], $6::int[], $7::timestamptz[])
              as new (id, status, priority, hold_id, sequence, version, updated)
         where e.id = new.id",
        &column(entries, |e| e.id.uuid()),
        &column(entries, |e| e.status.as_str()) as &[&str],
        &column(entries, |e| e.priority),
        &column(entries, |e| e.offer.as_ref().map(|offer| offer.hold_id.uuid())) as &[Option<Uuid>],
        &column(entries, |e| e.event_sequence),
        &column(entries, |e| e.version),
        &column(entries, |e| e.updated_at),
    )
    .execute(db)
    .await
    .map(drop)
}

/// Takes entries off the flights that they wait for; returns how many leave each.
pub(crate) async fn leave(db: &mut PgSession, entries: &[WaitlistEntryId]) -> sqlx::Result<Vec<(FlightId, i32)>> {
    let rows = sqlx::query!(
        r#"with gone as (delete from waitlist_flights where entry_id = any($1) returning flight_id)
           select flight_id, count(*)::int as "entries!" from gone group by flight_id order by flight_id"#,
        &planned_list(&column(entries, |entry| entry.uuid())),
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.flight_id.into(), row.entries)).collect())
}

/// Adds flights to those that entries wait for, as far as they still wait; returns how many are new on each flight. The
/// caller holds the locks of the entries and of all these flights.
pub(crate) async fn widen(
    db: &mut PgSession,
    more: &[(WaitlistEntryId, FlightId)],
) -> sqlx::Result<Vec<(FlightId, i32)>> {
    let rows = sqlx::query!(
        r#"with new as (
               insert into waitlist_flights (flight_id, entry_id)
               select more.flight_id, more.entry_id from unnest($1::uuid[], $2::uuid[]) as more (entry_id, flight_id)
               join waitlist_entries e on e.id = more.entry_id
               where e.status = 'WAITING'
               on conflict do nothing
               returning flight_id
           )
           select flight_id, count(*)::int as "entries!" from new group by flight_id order by flight_id"#,
        &column(more, |(entry, _)| entry.uuid()),
        &column(more, |(_, flight)| flight.uuid()),
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.flight_id.into(), row.entries)).collect())
}

/// Counts, up to `most`, that all were passed over that wait before this entry for one of these flights. Returns whether
/// one with named flights has reached that number by it.
pub(crate) async fn pass_over(
    db: &mut PgSession,
    entry: WaitlistEntryId,
    way: &[FlightId],
    most: i32,
) -> sqlx::Result<bool> {
    let has_reached = sqlx::query_scalar!(
        r#"with own as (
               select way.flight_id, coalesce(l.is_behind, false) as is_behind
               from unnest($2::uuid[]) way (flight_id) join waitlist_entries o on o.id = $1
               left join waitlist_lapses l on l.flight_id = way.flight_id and l.organization_id = o.organization_id
           ), before as (
               select e.id from waitlist_entries e
               where e.status = 'WAITING' and e.passed_over < $3
                 and (e.priority, e.rank) < (select o.priority, o.rank from waitlist_entries o where o.id = $1)
                 and exists (
                     select from own join waitlist_flights f on f.flight_id = own.flight_id
                     left join waitlist_lapses l on l.flight_id = f.flight_id and l.organization_id = e.organization_id
                     where f.entry_id = e.id and (own.is_behind or l.is_behind is not true))
               union
               select f.entry_id from own join waitlist_flights f on f.flight_id = own.flight_id
               join waitlist_entries w on w.id = f.entry_id
               left join waitlist_lapses l on l.flight_id = f.flight_id and l.organization_id = w.organization_id
               where own.is_behind and l.is_behind is not true
           ), passed as (
               select e.id from waitlist_entries e
               where e.id in (select id from before) and e.status = 'WAITING' and e.passed_over < $3
               order by e.id for no key update
           ), counted as (
               update waitlist_entries e set passed_over = e.passed_over + 1 from passed where e.id = passed.id
               returning e.passed_over, cardinality(e.flight_ids) as named
           )
           select coalesce(bool_or(passed_over >= $3 and named > 0), false) as "has_reached!" from counted"#,
        entry.uuid(),
        &column(way, |flight| flight.uuid()),
        most,
    );
    has_reached.fetch_one(db).await
}

/// Places an entry directly before another that waits; false if that one does not.
pub(crate) async fn move_before(
    db: &mut PgSession,
    id: WaitlistEntryId,
    before: WaitlistEntryId,
) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        "update waitlist_entries e
         set priority = b.priority,
             rank = coalesce((b.rank + (select max(o.rank) from waitlist_entries o
                                        where o.status = 'WAITING' and o.priority = b.priority and o.rank < b.rank
                                          and o.id <> e.id)) * 0.5, b.rank - 1)
         from waitlist_entries b
         where e.id = $1 and b.id = $2 and b.status = 'WAITING'",
        id.uuid(),
        before.uuid(),
    );
    Ok(moved.execute(db).await?.rows_affected() == 1)
}

/// Takes note that space is kept for these entries, for which it was not before. The caller holds the lock of a flight that
/// each waits for.
pub(crate) async fn keep(db: &mut PgSession, entries: &[WaitlistEntryId], now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "with kept as (
             select id from waitlist_entries where id = any($1) and status = 'WAITING' and kept_since is null
             order by id for no key update
         )
         update waitlist_entries e set kept_since = $2 from kept where e.id = kept.id",
        &planned_list(&column(entries, |entry| entry.uuid())),
        now,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Counts the offers of these entries that have lapsed: nobody took them in time, or they were given back in the second half
/// of their time. The caller holds the locks of the entries, and counts each once.
pub(crate) async fn count_lapses(db: &mut PgSession, entries: &[WaitlistEntryId]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into waitlist_lapses (flight_id, organization_id, lapses)
         select l.flight_id, h.organization_id, count(*)
         from waitlist_entries e join holds h on h.id = e.hold_id join hold_legs l on l.hold_id = h.id
         where e.id = any($1)
           and (h.status = 'EXPIRED'
                or (h.status = 'RELEASED' and h.end_reason in ('CALLER', 'DECLINED')
                    and h.ended_at - h.created_at > least(interval '1 hour', (h.latest_expires_at - h.created_at) / 2)))
         group by l.flight_id, h.organization_id order by l.flight_id, h.organization_id
         on conflict (flight_id, organization_id) do update set lapses = waitlist_lapses.lapses + excluded.lapses",
        &planned_list(&column(entries, |entry| entry.uuid())),
    )
    .execute(db)
    .await
    .map(drop)
}
