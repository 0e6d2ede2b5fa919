use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use loadmaster_kernel::AirportCode;
use loadmaster_platform::postgres::PgSession;
use sqlx::types::Json;

use crate::model::{BusyLane, StationDates, StationSums, StationTrend};

/// Fewer searches of a week are not shown.
const FEWEST_SEARCHES: i64 = 20;
/// Most stations that are shown as rising.
const MOST_STATIONS: i64 = 100;
/// Lanes of a station that are shown.
const LANES: i64 = 5;

/// Replaces the stations to which more is searched and booked, by the dates of each.
pub(crate) async fn replace_trends(db: &mut PgSession, dates: &StationDates, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("delete from station_trends").execute(&mut *db).await?;
    // No station's dates begin before these.
    let (first_date, first_instant): (NaiveDate, DateTime<Utc>) =
        (now.date_naive() - Days::new(37), now - TimeDelta::days(38));
    sqlx::query_file!(
        "src/repository/trends.sql",
        &dates.stations as &[AirportCode],
        &dates.todays,
        &dates.befores,
        &dates.weeks,
        &dates.ends,
        first_date,
        first_instant,
        FEWEST_SEARCHES,
        now,
        MOST_STATIONS,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Replaces what is going on at stations, by the dates of each. Rates are those for this weight.
pub(crate) async fn replace_insights(
    db: &mut PgSession,
    dates: &StationDates,
    weight_kg: i32,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!("delete from station_insights").execute(&mut *db).await?;
    sqlx::query_file!(
        "src/repository/insights.sql",
        &dates.stations as &[AirportCode],
        &dates.todays,
        &dates.insights,
        &dates.ends,
        weight_kg,
        LANES,
        now,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Returns the first stations to which more is searched and booked.
pub(crate) async fn trends(db: &mut PgSession, limit: i64) -> sqlx::Result<Vec<StationTrend>> {
    let found = sqlx::query_as!(
        StationTrend,
        "select station, rank, searches, bookings, former from station_trends order by rank limit $1",
        limit,
    );
    found.fetch_all(db).await
}

/// Returns what is going on at a station; `None` if no flight was to leave it.
pub(crate) async fn insights(db: &mut PgSession, station: AirportCode) -> sqlx::Result<Option<StationSums>> {
    let found = sqlx::query!(
        r#"select first_date, last_date, departures, departed, on_time, booked_hg, capacity_hg,
                  lanes as "lanes: Json<Vec<BusyLane>>", computed_at
           from station_insights where station = $1"#,
        station.as_str(),
    );
    Ok(found.fetch_optional(db).await?.map(|row| StationSums {
        first_date: row.first_date,
        last_date: row.last_date,
        departures: row.departures,
        departed: row.departed,
        on_time: row.on_time,
        booked_hg: row.booked_hg,
        capacity_hg: row.capacity_hg,
        lanes: row.lanes.0,
        computed_at: row.computed_at,
    }))
}
