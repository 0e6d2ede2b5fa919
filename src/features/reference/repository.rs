use std::collections::BTreeMap;

use sqlx::{PgConnection, PgExecutor};

use super::{
    error::ReferenceError,
    model::{Aircraft, Airline, Airport},
};
use crate::{
    kernel::{AircraftCode, AirlineCode, AirportCode, HandlingCode, Positions, Volume, Weight},
    platform::postgres::PgSession,
};

pub(super) async fn airports(db: &mut PgSession) -> Result<BTreeMap<AirportCode, Airport>, ReferenceError> {
    let rows = sqlx::query!(
        r#"select iata_code as "code: AirportCode", icao_code, name, city, country_code, latitude, longitude,
                  elevation_ft, time_zone, cargo_rank
             from airports"#
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let airport = Airport {
                code: row.code,
                icao_code: row.icao_code,
                name: row.name,
                city: row.city,
                country_code: row.country_code,
                latitude: row.latitude,
                longitude: row.longitude,
                elevation_ft: row.elevation_ft,
                time_zone: Airport::zone(row.code, &row.time_zone)?,
                cargo_rank: row.cargo_rank,
            };
            Ok((airport.code, airport))
        })
        .collect()
}

pub(super) async fn airlines(db: &mut PgSession) -> sqlx::Result<BTreeMap<AirlineCode, Airline>> {
    let airlines = sqlx::query_as!(
        Airline,
        r#"select iata_code as "code: AirlineCode", icao_code, name, country_code, awb_prefix, alliance, is_cargo_only
             from airlines"#
    )
    .fetch_all(db)
    .await?;
    Ok(airlines.into_iter().map(|airline| (airline.code, airline)).collect())
}

pub(super) async fn aircraft(db: &mut PgSession) -> sqlx::Result<BTreeMap<AircraftCode, Aircraft>> {
    let aircraft = sqlx::query_as!(
        Aircraft,
        r#"select iata_code as "code: AircraftCode", icao_code, name, manufacturer,
                  max_cargo_hg as "max_cargo: Weight", max_cargo_l as "max_volume: Volume",
                  positions as "positions: Positions", is_freighter
             from aircraft_types"#
    )
    .fetch_all(db)
    .await?;
    Ok(aircraft.into_iter().map(|aircraft| (aircraft.code, aircraft)).collect())
}

pub(super) async fn handling_codes(db: &mut PgSession) -> sqlx::Result<BTreeMap<HandlingCode, String>> {
    let rows = sqlx::query!(r#"select code as "code: HandlingCode", name from handling_codes"#).fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| (row.code, row.name)).collect())
}

/// Takes the seeding lock, held until the transaction ends.
pub(super) async fn lock_seeding(tx: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(r#"select pg_advisory_xact_lock(hashtextextended('loadmaster.reference_data', 0)) as "lock: ()""#)
        .execute(tx)
        .await
        .map(drop)
}

/// Returns the fingerprint of the files that were loaded last.
pub(super) async fn seeded(db: impl PgExecutor<'_>) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select value from installation where name = 'reference_data'").fetch_optional(db).await
}

/// Stores the fingerprint. The instant is the database's; it is informational and no decision depends on it.
pub(super) async fn set_seeded(tx: &mut PgConnection, fingerprint: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into installation (name, value, updated_at) values ('reference_data', $1, now())
         on conflict (name) do update set value = excluded.value, updated_at = excluded.updated_at",
        fingerprint,
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Returns one column of many rows, as `unnest` takes it.
fn column<'a, K, V, T>(rows: &'a BTreeMap<K, V>, value: impl Fn(&'a V) -> T) -> Vec<T> {
    rows.values().map(value).collect()
}

pub(super) async fn upsert_airports(tx: &mut PgConnection, rows: &BTreeMap<AirportCode, Airport>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into airports (iata_code, icao_code, name, city, country_code, latitude, longitude, elevation_ft,
                               time_zone, cargo_rank)
         select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::double precision[],
                              $7::double precision[], $8::integer[], $9::text[], $10::integer[])
         on conflict (iata_code) do update
            set icao_code = excluded.icao_code, name = excluded.name, city = excluded.city,
                country_code = excluded.country_code, latitude = excluded.latitude, longitude = excluded.longitude,
                elevation_ft = excluded.elevation_ft, time_zone = excluded.time_zone,
                cargo_rank = excluded.cargo_rank
          where airports.* is distinct from excluded.*",
        &column(rows, |airport| airport.code) as &[AirportCode],
        &column(rows, |airport| airport.icao_code.as_deref()) as &[Option<&str>],
        &column(rows, |airport| airport.name.as_str()) as &[&str],
        &column(rows, |airport| airport.city.as_str()) as &[&str],
        &column(rows, |airport| airport.country_code.as_str()) as &[&str],
        &column(rows, |airport| airport.latitude),
        &column(rows, |airport| airport.longitude),
        &column(rows, |airport| airport.elevation_ft) as &[Option<i32>],
        &column(rows, |airport| airport.time_zone.name()) as &[&str],
        &column(rows, |airport| airport.cargo_rank) as &[Option<i32>],
    )
    .execute(tx)
    .await
    .map(drop)
}

pub(super) async fn upsert_airlines(tx: &mut PgConnection, rows: &BTreeMap<AirlineCode, Airline>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into airlines (iata_code, icao_code, name, country_code, awb_prefix, alliance, is_cargo_only)
         select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[])
         on conflict (iata_code) do update
            set icao_code = excluded.icao_code, name = excluded.name, country_code = excluded.country_code,
                awb_prefix = excluded.awb_prefix, alliance = excluded.alliance, is_cargo_only = excluded.is_cargo_only
          where airlines.* is distinct from excluded.*",
        &column(rows, |airline| airline.code) as &[AirlineCode],
        &column(rows, |airline| airline.icao_code.as_deref()) as &[Option<&str>],
        &column(rows, |airline| airline.name.as_str()) as &[&str],
        &column(rows, |airline| airline.country_code.as_str()) as &[&str],
        &column(rows, |airline| airline.awb_prefix.as_deref()) as &[Option<&str>],
        &column(rows, |airline| airline.alliance.as_deref()) as &[Option<&str>],
        &column(rows, |airline| airline.is_cargo_only),
    )
    .execute(tx)
    .await
    .map(drop)
}

pub(super) async fn upsert_aircraft(
    tx: &mut PgConnection,
    rows: &BTreeMap<AircraftCode, Aircraft>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into aircraft_types (iata_code, icao_code, name, manufacturer, max_cargo_hg, max_cargo_l, positions,
                                     is_freighter)
         select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[],
                              $7::bigint[], $8::boolean[])
         on conflict (iata_code) do update
            set icao_code = excluded.icao_code, name = excluded.name, manufacturer = excluded.manufacturer,
                max_cargo_hg = excluded.max_cargo_hg, max_cargo_l = excluded.max_cargo_l,
                positions = excluded.positions, is_freighter = excluded.is_freighter
          where aircraft_types.* is distinct from excluded.*",
        &column(rows, |aircraft| aircraft.code) as &[AircraftCode],
        &column(rows, |aircraft| aircraft.icao_code.as_deref()) as &[Option<&str>],
        &column(rows, |aircraft| aircraft.name.as_str()) as &[&str],
        &column(rows, |aircraft| aircraft.manufacturer.as_str()) as &[&str],
        &column(rows, |aircraft| aircraft.max_cargo.hectograms()),
        &column(rows, |aircraft| aircraft.max_volume.litres()),
        &column(rows, |aircraft| aircraft.positions.count()),
        &column(rows, |aircraft| aircraft.is_freighter),
    )
    .execute(tx)
    .await
    .map(drop)
}

pub(super) async fn upsert_handling_codes(
    tx: &mut PgConnection,
    rows: &BTreeMap<HandlingCode, String>,
) -> sqlx::Result<()> {
    let codes: Vec<_> = rows.keys().copied().collect();
    sqlx::query!(
        "insert into handling_codes (code, name)
         select * from unnest($1::text[], $2::text[])
         on conflict (code) do update set name = excluded.name where handling_codes.* is distinct from excluded.*",
        &codes as &[HandlingCode],
        &column(rows, String::as_str) as &[&str],
    )
    .execute(tx)
    .await
    .map(drop)
}
