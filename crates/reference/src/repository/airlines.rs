use loadmaster_kernel::{AirlineCode, AirportCode, Tenths, from_column};
use loadmaster_platform::postgres::PgSession;
use sqlx::PgExecutor;

use super::{Rows, Writer, by_code, column, joined, remember_deletion};

use crate::{
    error::ReferenceError,
    model::{Airline, AirlineKind, Entries, EntryState, Flown},
};

impl Rows for Airline {
    type Code = AirlineCode;

    async fn read(db: &mut PgSession, only: Option<AirlineCode>) -> Result<Entries<AirlineCode, Self>, ReferenceError> {
        let rows = sqlx::query!(
            r#"select iata_code as "code: AirlineCode", icao_code, name, country_code, awb_prefix, alliance, is_cargo_only, kind,
                      hub_airports as "hub_airports: Vec<AirportCode>", is_active, version,
                      flights as "flights?", on_time as "on_time?"
                 from airlines left join airline_punctuality on airline_code = iata_code
                where $1::text is null or iata_code = $1"#,
            only as Option<AirlineCode>,
        )
        .fetch_all(&mut *db)
        .await?;
        let entries = rows.into_iter().map(|row| -> sqlx::Result<Self> {
            let (flights, on_time) = (row.flights.unwrap_or_default(), row.on_time.unwrap_or_default());
            let kind = row.kind.map(|kind| from_column(AirlineKind::WORDS, &kind)).transpose()?;
            Ok(Airline {
                code: row.code,
                icao_code: row.icao_code,
                name: row.name,
                country_code: row.country_code,
                awb_prefix: row.awb_prefix,
                alliance: row.alliance,
                is_cargo_only: row.is_cargo_only,
                kind: AirlineKind::agreeing(kind, row.is_cargo_only),
                hub_airports: row.hub_airports,
                on_time_percent: Flown::percent(flights, on_time),
                state: EntryState { is_active: row.is_active, version: row.version },
            })
        });
        let entries: Vec<Self> = entries.collect::<sqlx::Result<_>>()?;
        Ok(by_code(entries.into_iter(), |entry| entry.code))
    }

    async fn write<'a>(
        tx: impl PgExecutor<'a>,
        entries: impl Iterator<Item = &'a Self> + Send,
        writer: Writer,
    ) -> sqlx::Result<()> {
        let rows: Vec<&Self> = entries.collect();
        sqlx::query!(
            "insert into airlines (iata_code, icao_code, name, country_code, awb_prefix, alliance, is_cargo_only, is_active, kind, hub_airports, is_own)
             select given.iata_code, given.icao_code, given.name, given.country_code, given.awb_prefix, given.alliance, given.is_cargo_only,
                    given.is_active, given.kind, string_to_array(given.hub_airports, ' '), $10
               from unnest($1::text[],
                    $2::text[],
                    $3::text[],
                    $4::text[],
                    $5::text[],
                    $6::text[],
                    $7::boolean[],
                    $8::boolean[],
                    $9::text[],
                    $11::text[])
                    as given (iata_code, icao_code, name, country_code, awb_prefix, alliance, is_cargo_only, is_active, kind, hub_airports)
              where $10 or not exists (select from deleted_reference_data where kind = 'airline' and code = iata_code)
             on conflict (iata_code) do update
                set icao_code = excluded.icao_code, name = excluded.name, country_code = excluded.country_code, awb_prefix = excluded.awb_prefix, alliance = excluded.alliance, is_cargo_only = excluded.is_cargo_only, is_active = excluded.is_active, kind = excluded.kind, hub_airports = excluded.hub_airports,
                    version = airlines.version + 1, is_own = airlines.is_own or excluded.is_own
              where ($10 or not airlines.is_own)
                and (airlines.icao_code, airlines.name, airlines.country_code, airlines.awb_prefix, airlines.alliance, airlines.is_cargo_only, airlines.is_active, airlines.kind, airlines.hub_airports)
                    is distinct from (excluded.icao_code, excluded.name, excluded.country_code, excluded.awb_prefix, excluded.alliance, excluded.is_cargo_only, excluded.is_active, excluded.kind, excluded.hub_airports)",
            &column(&rows, |row| row.code) as &[AirlineCode],
            &column(&rows, |row| row.icao_code.as_deref()) as &[Option<&str>],
            &column(&rows, |row| row.name.as_str()) as &[&str],
            &column(&rows, |row| row.country_code.as_str()) as &[&str],
            &column(&rows, |row| row.awb_prefix.as_deref()) as &[Option<&str>],
            &column(&rows, |row| row.alliance.as_deref()) as &[Option<&str>],
            &column(&rows, |row| row.is_cargo_only),
            &column(&rows, |row| row.state.is_active),
            &column(&rows, |row| row.kind.map(AirlineKind::as_str)) as &[Option<&str>],
            writer == Writer::Administrator,
            &column(&rows, |row| joined(&row.hub_airports)),
        )
        .execute(tx)
        .await
        .map(drop)
    }

    async fn delete(tx: &mut PgSession, code: AirlineCode) -> sqlx::Result<()> {
        sqlx::query!("delete from airlines where iata_code = $1", code as AirlineCode).execute(&mut *tx).await?;
        remember_deletion(tx, "airline", code.as_str()).await
    }

    fn airports(&self) -> &[AirportCode] {
        &self.hub_airports
    }

    fn computed(&self) -> Option<Tenths> {
        self.on_time_percent
    }
}
