//! Which feeds give which flights.
use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::{AirportCode, FeedId, FlightId, FlightNumber};
use loadmaster_platform::postgres::{PgSession, column, planned_list};
use uuid::Uuid;

use crate::model::FlightFeed;

/// A scheduled flight of a feed.
#[derive(Debug)]
pub(crate) struct OfFeed {
    pub id: FlightId,
    pub number: FlightNumber,
    pub origin: AirportCode,
    pub date: NaiveDate,
    /// The best known time.
    pub departure: DateTime<Utc>,
    pub is_kept: bool,
    /// It has bookings or holds.
    pub has_freight: bool,
}

pub(crate) async fn find(db: &mut PgSession, flights: &[FlightId]) -> sqlx::Result<Vec<(FlightId, FlightFeed)>> {
    let found = sqlx::query!(
        "select flight_id, feed_id, seen_at, is_kept from flight_feeds where flight_id = any($1)",
        &planned_list(&column(flights, |flight| flight.uuid())),
    );
    let found = found.fetch_all(db).await?.into_iter();
    let feed = |row: (Uuid, DateTime<Utc>, bool)| FlightFeed { id: row.0.into(), seen_at: row.1, is_kept: row.2 };
    Ok(found.map(|row| (row.flight_id.into(), feed((row.feed_id, row.seen_at, row.is_kept)))).collect())
}

pub(crate) async fn keep(db: &mut PgSession, flight: FlightId, is_kept: bool) -> sqlx::Result<()> {
    let kept = sqlx::query!("update flight_feeds set is_kept = $2 where flight_id = $1", flight.uuid(), is_kept);
    kept.execute(db).await.map(drop)
}

/// Forgets a feed. Flights are locked in ascending order, as [`note`] does.
pub(crate) async fn forget(db: &mut PgSession, feed: FeedId) -> sqlx::Result<()> {
    let forgotten = sqlx::query!(
        "delete from flight_feeds where feed_id = $1 and flight_id = any(array(
             select flight_id from flight_feeds where feed_id = $1 order by flight_id for update))",
        feed.uuid(),
    );
    forgotten.execute(db).await.map(drop)
}

/// Returns the flights from this date on that persons keep from feeds.
pub(crate) async fn kept(db: &mut PgSession, from: NaiveDate) -> sqlx::Result<Vec<FlightId>> {
    let kept = sqlx::query_scalar!(
        "select ff.flight_id from flight_feeds ff join flights f on f.id = ff.flight_id
         where ff.is_kept and f.scheduled_date >= $1",
        from,
    );
    Ok(kept.fetch_all(db).await?.into_iter().map(FlightId::from).collect())
}

/// Returns the scheduled flights of a feed whose local date is the first, the last or between, by id.
pub(crate) async fn of_feed(
    db: &mut PgSession,
    feed: FeedId,
    (first, last): (NaiveDate, NaiveDate),
) -> sqlx::Result<Vec<OfFeed>> {
    let found = sqlx::query!(
        r#"select f.id, f.flight_number as "number: FlightNumber", f.origin as "origin: AirportCode", f.scheduled_date,
                  f.departure_at, ff.is_kept,
                  (c.booked_weight_hg + c.held_weight_hg + c.booked_volume_l + c.held_volume_l
                   + c.booked_positions + c.held_positions) > 0 as "has_freight!"
           from flight_feeds ff join flights f on f.id = ff.flight_id join flight_capacity c on c.flight_id = f.id
           where ff.feed_id = $1 and f.scheduled_date between $2 and $3 and f.cancelled_at is null
             and c.status = 'SCHEDULED'
           order by f.id"#,
        feed.uuid(),
        first,
        last,
    );
    let found = found.fetch_all(db).await?.into_iter();
    Ok(found
        .map(|row| OfFeed {
            id: row.id.into(),
            number: row.number,
            origin: row.origin,
            date: row.scheduled_date,
            departure: row.departure_at,
            is_kept: row.is_kept,
            has_freight: row.has_freight,
        })
        .collect())
}

/// Returns the number of flights of a feed that were to leave after one instant, and not after another.
pub(crate) async fn count_left(
    db: &mut PgSession,
    feed: FeedId,
    (after, until): (DateTime<Utc>, DateTime<Utc>),
) -> sqlx::Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from flight_feeds ff join flights f on f.id = ff.flight_id
           where ff.feed_id = $1 and f.departure_at > $2 and f.departure_at <= $3"#,
        feed.uuid(),
        after,
        until,
    );
    count.fetch_one(db).await
}

/// Notes that a run of a feed has given these flights. What a person keeps stays with its feed.
pub(crate) async fn note(
    db: &mut PgSession,
    feed: FeedId,
    flights: &[FlightId],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let noted = sqlx::query!(
        "insert into flight_feeds (flight_id, feed_id, seen_at)
         select id, $2, $3 from unnest($1::uuid[]) as id order by id
         on conflict (flight_id) do update set feed_id = excluded.feed_id, seen_at = excluded.seen_at
         where not flight_feeds.is_kept",
        &column(flights, |flight| flight.uuid()),
        feed.uuid(),
        now,
    );
    noted.execute(db).await.map(drop)
}
