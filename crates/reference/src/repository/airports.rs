use loadmaster_kernel::{AirportCode, CityCode};
use loadmaster_platform::postgres::PgSession;
use sqlx::PgExecutor;

use super::{Rows, Writer, column, remember_deletion};

use crate::{
    error::ReferenceError,
    model::{Airport, Entries, EntryState},
};

impl Rows for Airport {
    type Code = AirportCode;

    async fn read(db: &mut PgSession, only: Option<AirportCode>) -> Result<Entries<AirportCode, Self>, ReferenceError> {
        let rows = sqlx::query!(
            r#"select iata_code as "code!: AirportCode", icao_code as "icao_code?", name as "name!", city as "city!",
                      city_code as "city_code?: CityCode", country_code as "country_code!", latitude as "latitude!",
                      longitude as "longitude!", elevation_ft, time_zone as "time_zone!", cargo_rank,
                      is_active as "is_active!", version as "version!"
                 from airports
                 left join (select code as city_code, unnest(airports) as airport from cities) as served on airport = iata_code
                where $1::text is null or iata_code = $1"#,
            only as Option<AirportCode>,
        )
        .fetch_all(&mut *db)
        .await?;
        rows.into_iter()
            .map(|row| {
                let airport = Airport {
                    code: row.code,
                    icao_code: row.icao_code,
                    name: row.name,
                    city: row.city,
                    city_code: row.city_code,
                    country_code: row.country_code,
                    latitude: row.latitude,
                    longitude: row.longitude,
                    elevation_ft: row.elevation_ft,
                    time_zone: Airport::zone(row.code, &row.time_zone)?,
                    cargo_rank: row.cargo_rank,
                    state: EntryState { is_active: row.is_active, version: row.version },
                };
                Ok((airport.code, std::sync::Arc::new(airport)))
            })
            .collect()
    }

    async fn write<'a>(
        tx: impl PgExecutor<'a>,
        entries: impl Iterator<Item = &'a Self> + Send,
        writer: Writer,
    ) -> sqlx::Result<()> {
        let rows: Vec<&Self> = entries.collect();
        sqlx::query!(
            "insert into airports (iata_code, icao_code, name, city, country_code, latitude, longitude, elevation_ft, time_zone, cargo_rank, is_active, is_own)
             select given.*, $12
               from unnest($1::text[],
                    $2::text[],
                    $3::text[],
                    $4::text[],
                    $5::text[],
                    $6::double precision[],
                    $7::double precision[],
                    $8::integer[],
                    $9::text[],
                    $10::integer[],
                    $11::boolean[])
                    as given (iata_code, icao_code, name, city, country_code, latitude, longitude, elevation_ft, time_zone, cargo_rank, is_active)
              where $12 or not exists (select from deleted_reference_data where kind = 'airport' and code = iata_code)
             on conflict (iata_code) do update
                set icao_code = excluded.icao_code, name = excluded.name, city = excluded.city, country_code = excluded.country_code, latitude = excluded.latitude, longitude = excluded.longitude, elevation_ft = excluded.elevation_ft, time_zone = excluded.time_zone, cargo_rank = excluded.cargo_rank, is_active = excluded.is_active,
                    version = airports.version + 1, is_own = airports.is_own or excluded.is_own
              where ($12 or not airports.is_own)
                and (airports.icao_code, airports.name, airports.city, airports.country_code, airports.latitude, airports.longitude, airports.elevation_ft, airports.time_zone, airports.cargo_rank, airports.is_active)
                    is distinct from (excluded.icao_code, excluded.name, excluded.city, excluded.country_code, excluded.latitude, excluded.longitude, excluded.elevation_ft, excluded.time_zone, excluded.cargo_rank, excluded.is_active)",
            &column(&rows, |row| row.code) as &[AirportCode],
            &column(&rows, |row| row.icao_code.as_deref()) as &[Option<&str>],
            &column(&rows, |row| row.name.as_str()) as &[&str],
            &column(&rows, |row| row.city.as_str()) as &[&str],
            &column(&rows, |row| row.country_code.as_str()) as &[&str],
            &column(&rows, |row| row.latitude),
            &column(&rows, |row| row.longitude),
            &column(&rows, |row| row.elevation_ft) as &[Option<i32>],
            &column(&rows, |row| row.time_zone.name()) as &[&str],
            &column(&rows, |row| row.cargo_rank) as &[Option<i32>],
            &column(&rows, |row| row.state.is_active),
            writer == Writer::Administrator,
        )
        .execute(tx)
        .await
        .map(drop)
    }

    async fn delete(tx: &mut PgSession, code: AirportCode) -> sqlx::Result<()> {
        sqlx::query!("delete from airports where iata_code = $1", code as AirportCode).execute(&mut *tx).await?;
        remember_deletion(tx, "airport", code.as_str()).await
    }
}
