use loadmaster_kernel::{AircraftCode, EmissionFactor, Opening, Positions, Volume, Weight};
use loadmaster_platform::postgres::PgSession;
use serde_json::Value;
use sqlx::{PgExecutor, types::Json};

use super::{Rows, Writer, by_code, column, remember_deletion};

use crate::{
    error::ReferenceError,
    model::{Aircraft, Entries, EntryState},
    openings::{OPENINGS, text_of_openings},
};

impl Rows for Aircraft {
    type Code = AircraftCode;

    async fn read(
        db: &mut PgSession,
        only: Option<AircraftCode>,
    ) -> Result<Entries<AircraftCode, Self>, ReferenceError> {
        let rows = sqlx::query!(
            r#"select iata_code as "code: AircraftCode", icao_code, name, manufacturer, max_cargo_hg as "max_cargo: Weight", max_cargo_l as "max_volume: Volume", positions as "positions: Positions", is_freighter, co2e_per_tkm as "co2e_per_tkm: EmissionFactor", openings as "openings: Json<Vec<Opening>>", is_active, version
                 from aircraft_types
                where $1::text is null or iata_code = $1"#,
            only as Option<AircraftCode>,
        )
        .fetch_all(&mut *db)
        .await?;
        let entries = rows.into_iter().map(|row| Aircraft {
            code: row.code,
            icao_code: row.icao_code,
            name: row.name,
            manufacturer: row.manufacturer,
            max_cargo: row.max_cargo,
            max_volume: row.max_volume,
            positions: row.positions,
            is_freighter: row.is_freighter,
            co2e_per_tkm: row.co2e_per_tkm,
            openings: row.openings.0,
            state: EntryState { is_active: row.is_active, version: row.version },
        });
        Ok(by_code(entries, |entry| entry.code))
    }

    async fn write<'a>(
        tx: impl PgExecutor<'a>,
        entries: impl Iterator<Item = &'a Self> + Send,
        writer: Writer,
    ) -> sqlx::Result<()> {
        let rows: Vec<&Self> = entries.collect();
        sqlx::query!(
            "insert into aircraft_types (iata_code, icao_code, name, manufacturer, max_cargo_hg, max_cargo_l, positions, is_freighter, is_active, co2e_per_tkm, openings, is_own)
             select given.*, $10
               from unnest($1::text[],
                    $2::text[],
                    $3::text[],
                    $4::text[],
                    $5::bigint[],
                    $6::bigint[],
                    $7::bigint[],
                    $8::boolean[],
                    $9::boolean[],
                    $11::bigint[],
                    $12::jsonb[])
                    as given (iata_code, icao_code, name, manufacturer, max_cargo_hg, max_cargo_l, positions, is_freighter, is_active, co2e_per_tkm, openings)
              where $10 or not exists (select from deleted_reference_data where kind = 'aircraft' and code = iata_code)
             on conflict (iata_code) do update
                set icao_code = excluded.icao_code, name = excluded.name, manufacturer = excluded.manufacturer, max_cargo_hg = excluded.max_cargo_hg, max_cargo_l = excluded.max_cargo_l, positions = excluded.positions, is_freighter = excluded.is_freighter, is_active = excluded.is_active, co2e_per_tkm = excluded.co2e_per_tkm, openings = excluded.openings,
                    version = aircraft_types.version + 1, is_own = aircraft_types.is_own or excluded.is_own
              where ($10 or not aircraft_types.is_own)
                and (aircraft_types.icao_code, aircraft_types.name, aircraft_types.manufacturer, aircraft_types.max_cargo_hg, aircraft_types.max_cargo_l, aircraft_types.positions, aircraft_types.is_freighter, aircraft_types.is_active, aircraft_types.co2e_per_tkm, aircraft_types.openings)
                    is distinct from (excluded.icao_code, excluded.name, excluded.manufacturer, excluded.max_cargo_hg, excluded.max_cargo_l, excluded.positions, excluded.is_freighter, excluded.is_active, excluded.co2e_per_tkm, excluded.openings)",
            &column(&rows, |row| row.code) as &[AircraftCode],
            &column(&rows, |row| row.icao_code.as_deref()) as &[Option<&str>],
            &column(&rows, |row| row.name.as_str()) as &[&str],
            &column(&rows, |row| row.manufacturer.as_str()) as &[&str],
            &column(&rows, |row| row.max_cargo.hectograms()),
            &column(&rows, |row| row.max_volume.litres()),
            &column(&rows, |row| row.positions.count()),
            &column(&rows, |row| row.is_freighter),
            &column(&rows, |row| row.state.is_active),
            writer == Writer::Administrator,
            &column(&rows, |row| row.co2e_per_tkm.map(EmissionFactor::ten_thousandths)) as &[Option<i64>],
            &column(&rows, |row| Json(row.openings.as_slice())) as &[Json<&[Opening]>],
        )
        .execute(tx)
        .await
        .map(drop)
    }

    async fn delete(tx: &mut PgSession, code: AircraftCode) -> sqlx::Result<()> {
        sqlx::query!("delete from aircraft_types where iata_code = $1", code as AircraftCode).execute(&mut *tx).await?;
        remember_deletion(tx, "aircraft", code.as_str()).await
    }

    fn put_into_row(&self, row: &mut Value) {
        row[OPENINGS] = text_of_openings(&self.openings).into();
    }
}
