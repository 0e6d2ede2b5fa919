//! Dates of flights, and the rules by which they were computed.
use chrono::{DateTime, Utc};
use loadmaster_kernel::FlightId;
use loadmaster_platform::postgres::PgSession;

use crate::{Flight, dates::Dated};

/// What a release of the rules of time zones has changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Applied {
    pub version: String,
    /// Flights that have another date.
    pub flights: i32,
    /// Flights whose date stayed, because another flight has the name.
    pub kept: i32,
}

/// Returns the latest release by which dates were computed, and when.
pub(crate) async fn last_applied(db: &mut PgSession) -> sqlx::Result<Option<(String, DateTime<Utc>)>> {
    let found = sqlx::query!("select version, applied_at from time_zone_releases order by version desc limit 1");
    Ok(found.fetch_optional(db).await?.map(|row| (row.version, row.applied_at)))
}

/// Returns flights that are to depart, from behind this one on in the order of departure, then id.
pub(crate) async fn upcoming(
    db: &mut PgSession,
    (departure, id): (DateTime<Utc>, FlightId),
    most: i64,
) -> sqlx::Result<Vec<Dated>> {
    let rows = sqlx::query!(
        r#"select id, origin as "origin: loadmaster_kernel::AirportCode", departure_at, scheduled_departure_at, scheduled_date
             from flights
            where (departure_at, id) > ($1, $2) and cancelled_at is null and actual_departure_at is null
            order by departure_at, id
            limit $3"#,
        departure,
        id.uuid(),
        most,
    );
    let dated = rows.fetch_all(db).await?.into_iter().map(|row| Dated {
        id: row.id.into(),
        origin: row.origin,
        departure: row.departure_at,
        scheduled_departure: row.scheduled_departure_at,
        date: row.scheduled_date,
    });
    Ok(dated.collect())
}

/// Moves the dates of flights out of each other's way, until the transaction sets those that they get.
pub(crate) async fn vacate(db: &mut PgSession, flights: &[Flight]) -> sqlx::Result<()> {
    let ids: Vec<uuid::Uuid> = flights.iter().map(|flight| flight.id.uuid()).collect();
    sqlx::query!("update flights set scheduled_date = scheduled_date - 1000000 where id = any($1)", &ids)
        .execute(db)
        .await
        .map(drop)
}

/// Writes down what a release has changed. If it was applied before, adds to it.
pub(crate) async fn note(db: &mut PgSession, done: &Applied, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into time_zone_releases as known (version, flights, kept, applied_at) values ($1, $2, $3, $4)
         on conflict (version) do update
            set flights = known.flights + excluded.flights, kept = excluded.kept, applied_at = excluded.applied_at",
        done.version,
        done.flights,
        done.kept,
        now,
    )
    .execute(db)
    .await
    .map(drop)
}
