//! Flights of a window of time.
use chrono::{DateTime, Days, Utc};
use loadmaster_kernel::{AirportCode, FlightId};
use loadmaster_platform::postgres::PgSession;
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::dto::FlightFilter;

/// Days within which a flight arrives after its departure, also when both were reported late.
const LONGEST_DAYS: Days = Days::new(3);

/// Returns the ids of flights that depart behind one place in the order of departure, then id, and before a moment; only those
/// from or to `station` if one is given.
pub(crate) async fn departing(
    db: &mut PgSession,
    station: Option<AirportCode>,
    (departure, id): (DateTime<Utc>, FlightId),
    to: DateTime<Utc>,
    most: i64,
) -> sqlx::Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "select id from flights
         where (departure_at, id) > ($1, $2) and departure_at < $3
           and ($4::text is null or origin = $4 or destination = $4)
         order by departure_at, id
         limit $5",
        departure,
        id.uuid(),
        to,
        station as Option<AirportCode>,
        most,
    );
    ids.fetch_all(db).await
}

/// Chooses by arrival. Lists are read by the index of departures: its part is bounded, too, as no flight arrives before it departs.
pub(crate) fn arriving(query: &mut QueryBuilder<sqlx::Postgres>, filter: &FlightFilter) {
    if let Some(from) = filter.arrival_from {
        query.push(" and f.arrival_at >= ").push_bind(from);
        query.push(" and f.departure_at >= ").push_bind(from - LONGEST_DAYS);
    }
    if let Some(to) = filter.arrival_to {
        query.push(" and f.arrival_at < ").push_bind(to);
        query.push(" and f.departure_at < ").push_bind(to);
    }
}

/// Bounds the arrivals of flights that are chosen by their departure: no flight arrives before it departs, or much later.
pub(crate) fn arriving_soon(query: &mut QueryBuilder<sqlx::Postgres>, filter: &FlightFilter) {
    if let Some(from) = filter.departure_from {
        query.push(" and f.arrival_at >= ").push_bind(from);
    }
    if let Some(to) = filter.departure_to {
        query.push(" and f.arrival_at < ").push_bind(to + LONGEST_DAYS);
    }
}
