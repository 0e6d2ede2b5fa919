//! All SQL of this room.
use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_accounts::Role;
use loadmaster_kernel::AirportCode;
use loadmaster_platform::postgres::{PgSession, column};

use super::counted::Row;

/// What stands for both ends of a lane that is not known.
const ANY: &str = "*";

/// Adds rows, without those that are there already.
pub(crate) async fn insert(db: &mut PgSession, rows: &[Row], counted_at: DateTime<Utc>) -> sqlx::Result<()> {
    let origin = |row: &Row| row.key.lane.as_ref().map_or(ANY.to_owned(), |(origin, ..)| origin.to_string());
    let destination = |row: &Row| row.key.lane.as_ref().map_or(ANY.to_owned(), |(_, end, _)| end.to_string());
    sqlx::query!(
        "insert into searches (id, asked_on, origin, destination, departure_date, weight_class, role, channel, outcome, searches,
                               options, bookable, took_us, cache_hits, counted_at)
         select s.*, $15::timestamptz
         from unnest($1::uuid[], $2::date[], $3::text[], $4::text[], $5::date[], $6::int[], $7::text[], $8::text[], $9::text[],
                     $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[]) as s
         on conflict (id) do nothing",
        &column(rows, |row| row.id),
        &column(rows, |row| row.key.asked_on),
        &column(rows, origin) as &[String],
        &column(rows, destination) as &[String],
        &column(rows, |row| row.key.lane.map(|(.., date)| date)) as &[Option<NaiveDate>],
        &column(rows, |row| row.key.weight_class),
        &column(rows, |row| row.key.role.map(Role::as_str)) as &[Option<&str>],
        &column(rows, |row| row.key.channel.as_str()) as &[&str],
        &column(rows, |row| row.key.outcome.as_str()) as &[&str],
        &column(rows, |row| row.sums.searches),
        &column(rows, |row| row.sums.options),
        &column(rows, |row| row.sums.bookable),
        &column(rows, |row| row.sums.took_us),
        &column(rows, |row| row.sums.cache_hits),
        counted_at,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Returns the lanes with the most searches since then that had options, the most searched first: whoever asks for what nobody
/// flies crowds out no other lane.
pub(crate) async fn most_searched(
    db: &mut PgSession,
    since: DateTime<Utc>,
    most: i64,
) -> sqlx::Result<Vec<(AirportCode, AirportCode)>> {
    let lanes = sqlx::query!(
        r#"select origin as "origin: AirportCode", destination as "destination: AirportCode" from searches
           where id >= uuid_v7_floor($1) and origin <> $2 and options > 0
           group by origin, destination order by sum(searches) desc, origin, destination limit $3"#,
        since,
        ANY,
        most,
    );
    Ok(lanes.fetch_all(db).await?.into_iter().map(|row| (row.origin, row.destination)).collect())
}

/// Adds up to `most` rows of dates before this one to the sums of their days. Returns their number.
pub(crate) async fn sum_up(db: &mut PgSession, before: NaiveDate, most: i64) -> sqlx::Result<u64> {
    let moved = sqlx::query_scalar!(
        r#"with gone as (
               delete from searches where id in (select id from searches where asked_on < $1 order by asked_on, id limit $2)
               returning asked_on, origin, destination, weight_class, channel, outcome, searches, options, bookable, took_us,
                         cache_hits
           ), summed as (
               insert into search_days as d (asked_on, origin, destination, weight_class, channel, outcome, searches, options,
                                             bookable, took_us, cache_hits)
               select asked_on, origin, destination, weight_class, channel, outcome, sum(searches), sum(options), sum(bookable),
                      sum(took_us), sum(cache_hits)
               from gone group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6
               on conflict (asked_on, origin, destination, weight_class, channel, outcome) do update
               set searches = d.searches + excluded.searches, options = d.options + excluded.options,
                   bookable = d.bookable + excluded.bookable, took_us = d.took_us + excluded.took_us,
                   cache_hits = d.cache_hits + excluded.cache_hits
           )
           select count(*) as "count!" from gone"#,
        before,
        most,
    );
    Ok(moved.fetch_one(db).await?.unsigned_abs())
}
