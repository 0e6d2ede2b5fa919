//! Flights as far as they decide which routes there are.
use chrono::{DateTime, Utc};
use loadmaster_kernel::{AircraftCode, AirportCode, FlightNumber};
use loadmaster_platform::postgres::{PgSession, planned_list};
use uuid::Uuid;

use super::super::{
    departures::{Departure, DeparturePosition},
    model::Lane,
};

struct Row {
    id: Uuid,
    flight_number: FlightNumber,
    origin: AirportCode,
    destination: AirportCode,
    departure_at: DateTime<Utc>,
    arrival_at: DateTime<Utc>,
    aircraft_code: Option<AircraftCode>,
    is_freighter: bool,
    version: i32,
    is_scheduled: bool,
}

impl Row {
    fn read(self) -> (Lane, Departure) {
        let Self { version, aircraft_code: aircraft, is_freighter, .. } = self;
        let departure = Departure::new(self.id.into(), self.flight_number, self.departure_at, self.arrival_at);
        ((self.origin, self.destination), departure.with(version, aircraft, is_freighter))
    }
}

/// Returns scheduled flights that depart before `to`, from behind this place on in the order of departure, then id.
pub(crate) async fn page(
    db: &mut PgSession,
    (departure, id): DeparturePosition,
    to: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<(Lane, Departure)>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select f.id, f.flight_number as "flight_number: _", f.origin as "origin: _", f.destination as "destination: _",
                  f.departure_at, f.arrival_at, f.aircraft_code as "aircraft_code: _", f.is_freighter, c.version,
                  true as "is_scheduled!"
           from flights f join flight_capacity c on c.flight_id = f.id
           where (f.departure_at, f.id) > ($1, $2) and f.departure_at < $3
             and f.cancelled_at is null and f.actual_departure_at is null
           order by f.departure_at, f.id limit $4"#,
        departure,
        id.uuid(),
        to,
        limit,
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(Row::read).collect())
}

/// Returns these flights, each with whether it is scheduled.
pub(crate) async fn find(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<(Lane, Departure, bool)>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select f.id, f.flight_number as "flight_number: _", f.origin as "origin: _", f.destination as "destination: _",
                  f.departure_at, f.arrival_at, f.aircraft_code as "aircraft_code: _", f.is_freighter, c.version,
                  f.cancelled_at is null and f.actual_departure_at is null as "is_scheduled!"
           from flights f join flight_capacity c on c.flight_id = f.id where f.id = any($1)"#,
        &planned_list(ids),
    );
    let rows = rows.fetch_all(db).await?.into_iter();
    Ok(rows
        .map(|row| {
            let is_scheduled = row.is_scheduled;
            let (lane, departure) = row.read();
            (lane, departure, is_scheduled)
        })
        .collect())
}
