//! The bookings on flights. The number of rows returned is bounded by the query's limit, not by the bookings on a
//! flight.
use chrono::{DateTime, Utc};
use loadmaster_capacity::Space;
use loadmaster_kernel::{BookingRef, Dimensions, FlightId, FlightNumber, HandlingCode, KeptDimensions};
use loadmaster_platform::postgres::PgSession;
use sqlx::types::Json;
use uuid::Uuid;

use crate::model::LegStatus;

fn words(statuses: &[LegStatus]) -> Vec<&'static str> {
    statuses.iter().map(|status| status.as_str()).collect()
}

fn uuids(flights: &[FlightId]) -> Vec<Uuid> {
    flights.iter().map(|flight| flight.uuid()).collect()
}

/// Returns whether a leg with one of these statuses is on the flight.
pub(crate) async fn is_aboard(db: &mut PgSession, flight: FlightId, statuses: &[LegStatus]) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from booking_legs where flight_id = $1 and status = any($2)) as "found!""#,
        flight.uuid(),
        &words(statuses) as &[&str],
    );
    found.fetch_one(db).await
}

/// Counts the legs with one of these statuses on each of the flights; omits flights without any.
pub(crate) async fn count_aboard(
    db: &mut PgSession,
    flights: &[FlightId],
    statuses: &[LegStatus],
) -> sqlx::Result<Vec<(FlightId, usize)>> {
    let counts = sqlx::query!(
        r#"select flight_id, count(*) as "legs!" from booking_legs
           where flight_id = any($1) and status = any($2) group by flight_id"#,
        &uuids(flights),
        &words(statuses) as &[&str],
    );
    let rows = counts.fetch_all(db).await?.into_iter();
    Ok(rows.map(|row| (row.flight_id.into(), usize::try_from(row.legs).unwrap_or_default())).collect())
}

/// Returns a landed flight, if there is one, with a booking still in the air on it that is to leave with this flight.
pub(crate) async fn landed_inbound(db: &mut PgSession, flight: FlightId) -> sqlx::Result<Option<FlightNumber>> {
    let number = sqlx::query_scalar!(
        r#"select i.flight_number as "number: FlightNumber"
           from booking_legs l
           join bookings b on b.id = l.booking_id
           join booking_legs i on i.booking_id = l.booking_id
           join flight_capacity c on c.flight_id = i.flight_id
           where l.flight_id = $1 and l.status = 'BOOKED' and i.status = 'DEPARTED' and c.status = 'ARRIVED'
             and b.status not in ('DELIVERED', 'CANCELLED')
           limit 1"#,
        flight.uuid(),
    );
    number.fetch_optional(db).await
}

/// Returns the next `limit` bookings after `after` that have a leg with one of these statuses on one of the flights, in
/// ascending order of id.
pub(crate) async fn next_aboard(
    db: &mut PgSession,
    flights: &[FlightId],
    statuses: &[LegStatus],
    after: Uuid,
    limit: i64,
) -> sqlx::Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "select distinct booking_id from booking_legs
         where flight_id = any($1) and status = any($2) and booking_id > $3 order by 1 limit $4",
        &uuids(flights),
        &words(statuses) as &[&str],
        after,
        limit,
    );
    ids.fetch_all(db).await
}

/// Locks the bookings that have a leg on the flight which has not landed, in ascending order of id.
pub(crate) async fn lock_aboard(db: &mut PgSession, flight: FlightId) -> sqlx::Result<()> {
    let locked = sqlx::query!(
        "with locked as (
             select id from bookings
             where id = any(array(select booking_id from booking_legs
                                  where flight_id = $1 and status in ('BOOKED', 'DEPARTED')))
             order by id for no key update)
         select count(*) from locked",
        flight.uuid(),
    );
    locked.fetch_one(db).await.map(drop)
}

/// Returns those of the named bookings that can still be taken off the flight, in ascending order of id.
pub(crate) async fn named_aboard(
    db: &mut PgSession,
    flight: FlightId,
    references: &[&str],
) -> sqlx::Result<Vec<(Uuid, BookingRef)>> {
    let found = sqlx::query!(
        r#"select distinct r.booking_id, r.ref_id as "ref_id: BookingRef"
           from booking_refs r join booking_legs l on l.booking_id = r.booking_id
           where r.ref_id = any($2) and l.flight_id = $1 and l.status = 'BOOKED' order by 1"#,
        flight.uuid(),
        references as &[&str],
    );
    Ok(found.fetch_all(db).await?.into_iter().map(|row| (row.booking_id, row.ref_id)).collect())
}

/// Returns what has departed on these flights; omits flights on which nothing has.
pub(crate) async fn departed_on(db: &mut PgSession, flights: &[FlightId]) -> sqlx::Result<Vec<(FlightId, Space)>> {
    let sums = sqlx::query!(
        r#"select flight_id, sum(weight_hg)::bigint as "weight!", sum(volume_l)::bigint as "volume!",
                  sum(positions)::bigint as "positions!"
           from booking_legs where flight_id = any($1) and status in ('DEPARTED', 'ARRIVED') group by flight_id"#,
        &uuids(flights),
    );
    let rows = sums.fetch_all(db).await?.into_iter();
    Ok(rows.map(|row| (row.flight_id.into(), Space::from_columns(row.weight, row.volume, row.positions))).collect())
}

/// Returns when the freight that leaves with the flight last moved, and when the last of it was booked: bookings whose next
/// leg is on it, with the cargo at the flight's origin.
pub(crate) async fn before_departure(
    db: &mut PgSession,
    flight: FlightId,
) -> sqlx::Result<(Option<DateTime<Utc>>, Option<DateTime<Utc>>)> {
    let last = sqlx::query!(
        "select max(b.moved_at) as moved_at, max(b.created_at) as booked_at
         from booking_legs l join bookings b on b.id = l.booking_id
         where l.flight_id = $1 and l.status = 'BOOKED'
           and not exists (select from booking_legs e
                           where e.booking_id = l.booking_id
                             and (e.status = 'DEPARTED'
                                  or e.status = 'BOOKED' and (e.sequence, e.id) < (l.sequence, l.id)))
           and l.origin = coalesce((select a.destination from booking_legs a
                                    where a.booking_id = l.booking_id and a.status = 'ARRIVED'
                                    order by a.sequence desc, a.id desc limit 1), b.origin)",
        flight.uuid(),
    );
    last.fetch_one(db).await.map(|last| (last.moved_at, last.booked_at))
}

/// Returns the last movement time of the freight in the air on the flight.
pub(crate) async fn last_moved_before_arrival(
    db: &mut PgSession,
    flight: FlightId,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    let last = sqlx::query_scalar!(
        "select max(b.moved_at)
         from booking_legs l join bookings b on b.id = l.booking_id
         where l.flight_id = $1 and l.status = 'DEPARTED' and b.status not in ('DELIVERED', 'CANCELLED')",
        flight.uuid(),
    );
    last.fetch_one(db).await
}

/// Returns the first `limit` bookings on the flight with this handling code that are not over, in order of id.
pub(crate) async fn aboard_with_code(
    db: &mut PgSession,
    flight: FlightId,
    code: HandlingCode,
    limit: i64,
) -> sqlx::Result<Vec<BookingRef>> {
    let references = sqlx::query_scalar!(
        r#"select b.ref_id as "ref_id: BookingRef"
           from booking_legs l join bookings b on b.id = l.booking_id
           where l.flight_id = $1 and l.status in ('BOOKED', 'DEPARTED') and $2 = any(b.special_handling_codes)
             and b.status not in ('DELIVERED', 'CANCELLED')
           order by b.id limit $3"#,
        flight.uuid(),
        code.as_str(),
        limit,
    );
    references.fetch_all(db).await
}

/// Returns the bookings on the flight that have dimensions and are not over, in order of id.
pub(crate) async fn aboard_with_dimensions(
    db: &mut PgSession,
    flight: FlightId,
) -> sqlx::Result<Vec<(BookingRef, Dimensions)>> {
    let rows = sqlx::query!(
        r#"select b.ref_id as "ref_id: BookingRef", b.dimensions as "dimensions!: Json<KeptDimensions>"
           from booking_legs l join bookings b on b.id = l.booking_id
           where l.flight_id = $1 and l.status in ('BOOKED', 'DEPARTED') and b.dimensions is not null
             and b.status not in ('DELIVERED', 'CANCELLED')
           order by b.id"#,
        flight.uuid(),
    );
    let rows = rows.fetch_all(db).await?.into_iter();
    Ok(rows.map(|row| (row.ref_id, row.dimensions.0.into())).collect())
}

/// Returns the dimensions of the bookings on these flights that have some and are not over, each with its flight.
pub(crate) async fn dimensions_on(
    db: &mut PgSession,
    flights: &[FlightId],
) -> sqlx::Result<Vec<(FlightId, Dimensions)>> {
    let rows = sqlx::query!(
        r#"select l.flight_id, b.dimensions as "dimensions!: Json<KeptDimensions>"
           from booking_legs l join bookings b on b.id = l.booking_id
           where l.flight_id = any($1) and l.status in ('BOOKED', 'DEPARTED') and b.dimensions is not null
             and b.status not in ('DELIVERED', 'CANCELLED')"#,
        &uuids(flights),
    );
    let rows = rows.fetch_all(db).await?.into_iter();
    Ok(rows.map(|row| (row.flight_id.into(), row.dimensions.0.into())).collect())
}

/// A sum over legs in force on a flight.
pub(crate) struct Sum {
    /// `None`: all legs; else the bookings with this handling code.
    pub code: Option<HandlingCode>,
    pub bookings: i64,
    pub pieces: i64,
    pub space: Space,
}

/// Returns the next `limit` bookings by reference that have a leg in force on the flight, and the sums over all such legs: the
/// total, then by handling code. The bookings are looked up one by one, and once for both.
pub(crate) async fn manifest(
    db: &mut PgSession,
    flight: FlightId,
    after: Option<&BookingRef>,
    limit: i64,
) -> sqlx::Result<(Vec<Uuid>, Vec<Sum>)> {
    let found = sqlx::query!(
        r#"with aboard as materialized (
               select l.booking_id, l.pieces, l.weight_hg, l.volume_l, l.positions, b.ref_id, b.special_handling_codes
               from booking_legs l
               cross join lateral (select ref_id, special_handling_codes from bookings where id = l.booking_id offset 0) b
               where l.flight_id = $1 and l.status in ('BOOKED', 'DEPARTED', 'ARRIVED'))
           select null::text as "code?: HandlingCode", count(*) as "bookings!", coalesce(sum(pieces), 0)::bigint as "pieces!",
                  coalesce(sum(weight_hg), 0)::bigint as "weight!", coalesce(sum(volume_l), 0)::bigint as "volume!",
                  coalesce(sum(positions), 0)::bigint as "positions!",
                  array(select booking_id from aboard where $2::text is null or ref_id > $2
                        group by ref_id, booking_id order by ref_id limit $3) as "page!"
           from aboard
           union all
           select code, count(*), sum(pieces)::bigint, sum(weight_hg)::bigint, sum(volume_l)::bigint, sum(positions)::bigint, '{}'
           from aboard cross join lateral unnest(special_handling_codes) as code
           group by code
           order by 1 nulls first"#,
        flight.uuid(),
        after.map(BookingRef::as_str),
        limit,
    );
    let (mut page, mut sums) = (Vec::new(), Vec::new());
    for row in found.fetch_all(db).await? {
        page.extend(row.page);
        let space = Space::from_columns(row.weight, row.volume, row.positions);
        sums.push(Sum { code: row.code, bookings: row.bookings, pieces: row.pieces, space });
    }
    Ok((page, sums))
}
