use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use anyhow::Context;
use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use loadmaster_kernel::{
    AircraftCode, AirlineCode, AirportCode, CityCode, HandlingCode, Opening, Positions, Volume, Weight,
};
use loadmaster_platform::postgres::{Database, DbError};
use serde::{Deserialize, de::DeserializeOwned};
use sqlx::{Connection, PgConnection};

use super::{
    model::{Aircraft, Airline, AirlineKind, Airport, Catalogue, City, EntryState, PlaceName},
    openings::openings_of_text,
    repository::{self, Rows, Writer, places},
};

const AIRPORTS: &str = include_str!("../../../data/airports.csv");
const CLOSED_AIRPORTS: &str = include_str!("../../../data/closed_airports.csv");
const AIRLINES: &str = include_str!("../../../data/airlines.csv");
const AIRCRAFT: &str = include_str!("../../../data/aircraft.csv");
const HANDLING_CODES: &str = include_str!("../../../data/handling_codes.csv");
const CITIES: &str = include_str!("../../../data/cities.csv");
const PLACE_NAMES: &str = include_str!("../../../data/place_names.csv");

/// Brings the tables up to the files of this build, in one transaction. Needs the owner role. Does nothing if the same
/// files were loaded last; rows absent from the files stay, since flights may refer to them, and so does what an
/// administrator has set.
pub async fn load_reference_data(owner: &mut PgConnection) -> anyhow::Result<()> {
    let fingerprint = fingerprint();
    let mut tx = owner.begin().await?;
    // Of two concurrent migrations the second waits here and then finds the work done.
    repository::lock_changes(&mut *tx).await?;
    if repository::seeded(&mut *tx).await?.as_deref() == Some(fingerprint.as_str()) {
        return Ok(tx.rollback().await?);
    }
    let Catalogue { airports, airlines, aircraft, handling_codes, cities, place_names } = bundled()?;
    Airport::write(&mut *tx, airports.values().map(AsRef::as_ref), Writer::Release)
        .await
        .context("loading the airports failed")?;
    Airline::write(&mut *tx, airlines.values().map(AsRef::as_ref), Writer::Release)
        .await
        .context("loading the airlines failed")?;
    Aircraft::write(&mut *tx, aircraft.values().map(AsRef::as_ref), Writer::Release)
        .await
        .context("loading the aircraft types failed")?;
    repository::upsert_handling_codes(&mut tx, &handling_codes).await.context("loading the handling codes failed")?;
    places::set_cities(&mut tx, &cities).await.context("loading the cities failed")?;
    places::set_names(&mut tx, &place_names).await.context("loading the names of places failed")?;
    repository::set_seeded(&mut tx, &fingerprint).await?;
    tx.commit().await?;
    tracing::info!(airports = airports.len(), airlines = airlines.len(), "reference data loaded");
    Ok(())
}

/// Returns whether the files of any build were loaded. The database must be migrated.
pub async fn is_reference_data_loaded(db: &Database) -> Result<bool, DbError> {
    Ok(repository::seeded(&mut *db.read().await?).await?.is_some())
}

fn fingerprint() -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for file in [AIRPORTS, CLOSED_AIRPORTS, AIRLINES, AIRCRAFT, HANDLING_CODES, CITIES, PLACE_NAMES] {
        context.update(file.as_bytes());
        context.update(b"\0");
    }
    URL_SAFE_NO_PAD.encode(context.finish())
}

/// Reads the bundled files.
pub(super) fn bundled() -> anyhow::Result<Catalogue> {
    let closed = closed_airports()?;
    let cities = read(CITIES, CityRow::city).context("cities.csv is damaged")?;
    let names: BTreeMap<_, _> =
        read(PLACE_NAMES, |row: NameRow| Ok(((row.name.clone(), row.country_code.clone()), row)))
            .context("place_names.csv is damaged")?;
    let of_city = |city: &City| city.airports.iter().map(|airport| (*airport, city.code)).collect::<Vec<_>>();
    let city_codes: BTreeMap<AirportCode, CityCode> = cities.values().flat_map(of_city).collect();
    let airport = |row: AirportRow| row.airport(&closed, &city_codes);
    Ok(Catalogue {
        airports: read(AIRPORTS, airport).context("airports.csv is damaged")?,
        airlines: read(AIRLINES, |row: AirlineRow| Ok(row.airline())).context("airlines.csv is damaged")?,
        aircraft: read(AIRCRAFT, AircraftRow::aircraft).context("aircraft.csv is damaged")?,
        handling_codes: read(HANDLING_CODES, |row: HandlingRow| Ok((row.code, row.name)))
            .context("handling_codes.csv is damaged")?,
        cities,
        place_names: names.into_values().map(NameRow::place_name).collect(),
    })
}

/// Returns the airports that are closed. They stay in the tables, inactive: former shipments have gone there.
pub(super) fn closed_airports() -> anyhow::Result<BTreeSet<AirportCode>> {
    let closed = read(CLOSED_AIRPORTS, |row: ClosedRow| Ok((row.iata_code, ())));
    Ok(closed.context("closed_airports.csv is damaged")?.into_keys().collect())
}

fn read<R: DeserializeOwned, K: Ord, V>(
    file: &str,
    entry: impl Fn(R) -> anyhow::Result<(K, V)>,
) -> anyhow::Result<BTreeMap<K, V>> {
    csv::Reader::from_reader(file.as_bytes()).into_deserialize().map(|row| entry(row?)).collect()
}

#[derive(Deserialize)]
struct AirportRow {
    iata_code: AirportCode,
    icao_code: Option<String>,
    name: String,
    city: String,
    country_code: String,
    latitude: f64,
    longitude: f64,
    elevation_ft: Option<i32>,
    time_zone: String,
    cargo_rank: Option<i32>,
}

impl AirportRow {
    fn airport(
        self,
        closed: &BTreeSet<AirportCode>,
        city_codes: &BTreeMap<AirportCode, CityCode>,
    ) -> anyhow::Result<(AirportCode, Arc<Airport>)> {
        let airport = Airport {
            code: self.iata_code,
            icao_code: self.icao_code,
            name: self.name,
            city: self.city,
            city_code: city_codes.get(&self.iata_code).copied(),
            country_code: self.country_code,
            latitude: self.latitude,
            longitude: self.longitude,
            elevation_ft: self.elevation_ft,
            time_zone: Airport::zone(self.iata_code, &self.time_zone)?,
            cargo_rank: self.cargo_rank,
            state: EntryState { is_active: !closed.contains(&self.iata_code), ..EntryState::NEW },
        };
        Ok((airport.code, Arc::new(airport)))
    }
}

/// A closed airport; the other columns say where that was found, and when.
#[derive(Deserialize)]
struct ClosedRow {
    iata_code: AirportCode,
}

#[derive(Deserialize)]
struct AirlineRow {
    iata_code: AirlineCode,
    icao_code: Option<String>,
    name: String,
    country_code: String,
    awb_prefix: Option<String>,
    alliance: Option<String>,
    is_cargo_only: bool,
}

impl AirlineRow {
    fn airline(self) -> (AirlineCode, Arc<Airline>) {
        let airline = Airline {
            code: self.iata_code,
            icao_code: self.icao_code,
            name: self.name,
            country_code: self.country_code,
            awb_prefix: self.awb_prefix,
            alliance: self.alliance,
            is_cargo_only: self.is_cargo_only,
            // All that the file lists carry cargo.
            kind: Some(if self.is_cargo_only { AirlineKind::Cargo } else { AirlineKind::Both }),
            // Only administrators name hubs.
            hub_airports: Vec::new(),
            on_time_percent: None,
            state: EntryState::NEW,
        };
        (airline.code, Arc::new(airline))
    }
}

#[derive(Deserialize)]
struct AircraftRow {
    iata_code: AircraftCode,
    icao_code: Option<String>,
    name: String,
    manufacturer: String,
    max_cargo_kg: String,
    max_cargo_m3: String,
    positions: i64,
    is_freighter: bool,
    openings: String,
}

impl AircraftRow {
    fn aircraft(self) -> anyhow::Result<(AircraftCode, Arc<Aircraft>)> {
        let aircraft = Aircraft {
            code: self.iata_code,
            icao_code: self.icao_code,
            name: self.name,
            manufacturer: self.manufacturer,
            max_cargo: Weight::from_kilograms(&self.max_cargo_kg)?,
            max_volume: Volume::from_cubic_metres(&self.max_cargo_m3)?,
            positions: Positions::new(self.positions),
            is_freighter: self.is_freighter,
            // Only administrators name factors.
            co2e_per_tkm: None,
            openings: openings_of_text(&self.openings)?.into_iter().map(Opening::from).collect(),
            state: EntryState::NEW,
        };
        Ok((aircraft.code, Arc::new(aircraft)))
    }
}

#[derive(Deserialize)]
struct HandlingRow {
    code: HandlingCode,
    name: String,
}

#[derive(Deserialize)]
struct CityRow {
    code: CityCode,
    name: String,
    country_code: String,
    airports: String,
}

impl CityRow {
    fn city(self) -> anyhow::Result<(CityCode, City)> {
        let airports: Vec<AirportCode> =
            self.airports.split(' ').map(str::parse::<AirportCode>).collect::<Result<_, _>>()?;
        Ok((self.code, City { code: self.code, name: self.name, country_code: self.country_code, airports }))
    }
}

#[derive(Deserialize)]
struct NameRow {
    name: String,
    city: String,
    country_code: String,
}

impl NameRow {
    fn place_name(self) -> PlaceName {
        PlaceName { name: self.name, city: self.city, country_code: self.country_code }
    }
}
