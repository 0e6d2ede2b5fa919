//! Dates in the names of flights.
use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::{AirportCode, FlightId, FlightNumber};
use loadmaster_platform::postgres::{PgSession, column};

/// A flight by its name, and when it is scheduled to depart.
pub(crate) type Scheduled = ((FlightNumber, AirportCode, NaiveDate), DateTime<Utc>);

/// A flight to come.
pub(crate) struct Upcoming {
    pub id: FlightId,
    pub origin: AirportCode,
    pub departure_at: DateTime<Utc>,
    pub scheduled_departure_at: DateTime<Utc>,
    pub scheduled_date: NaiveDate,
}

/// Returns the latest release with which names were compared, and when.
pub(crate) async fn last_compared(db: &mut PgSession) -> sqlx::Result<Option<(String, DateTime<Utc>)>> {
    let found = sqlx::query!("select version, compared_at from time_zone_releases order by version desc limit 1");
    Ok(found.fetch_optional(db).await?.map(|row| (row.version, row.compared_at)))
}

/// Returns flights that are to depart, from behind this one on in the order of departure, then id.
pub(crate) async fn upcoming(
    db: &mut PgSession,
    (departure, id): (DateTime<Utc>, FlightId),
    most: i64,
) -> sqlx::Result<Vec<Upcoming>> {
    sqlx::query_as!(
        Upcoming,
        r#"select id as "id: FlightId", origin as "origin: AirportCode", departure_at, scheduled_departure_at, scheduled_date
             from flights
            where (departure_at, id) > ($1, $2) and cancelled_at is null and actual_departure_at is null
            order by departure_at, id
            limit $3"#,
        departure,
        id.uuid(),
        most,
    )
    .fetch_all(db)
    .await
}

/// Notes how many flights to come have another date by a release.
pub(crate) async fn note(db: &mut PgSession, version: &str, flights: i32, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into time_zone_releases (version, flights, compared_at) values ($1, $2, $3)
         on conflict (version) do update set flights = excluded.flights, compared_at = excluded.compared_at",
        version,
        flights,
        now,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Returns whether names were compared with this release, and none differed.
pub(crate) async fn has_no_former_names(db: &mut PgSession, version: &str) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!("select flights from time_zone_releases where version = $1", version);
    Ok(found.fetch_optional(db).await? == Some(0))
}

/// Returns the places of those that are scheduled at the same instants under the dates before or after, with these dates.
pub(crate) async fn former_dates(db: &mut PgSession, given: &[Scheduled]) -> sqlx::Result<Vec<(usize, NaiveDate)>> {
    let places: Vec<i32> = (0..).take(given.len()).collect();
    let found = sqlx::query!(
        r#"select given.place as "place!", f.scheduled_date
             from unnest($1::int[], $2::text[], $3::text[], $4::date[], $5::timestamptz[])
                  as given (place, number, origin, date, departure)
             join flights f on f.flight_number = given.number and f.origin = given.origin
                  and f.scheduled_date in (given.date - 1, given.date + 1)
                  and f.scheduled_departure_at = given.departure and f.cancelled_at is null"#,
        &places,
        &column(given, |((number, ..), _)| number.as_str()) as &[&str],
        &column(given, |((_, origin, _), _)| *origin) as &[AirportCode],
        &column(given, |((.., date), _)| *date),
        &column(given, |(_, departure)| *departure),
    );
    let found = found.fetch_all(db).await?.into_iter();
    Ok(found.filter_map(|found| Some((usize::try_from(found.place).ok()?, found.scheduled_date))).collect())
}
