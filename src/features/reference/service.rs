use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
    sync::{Arc, OnceLock},
};

use super::{
    dto::AirportFilter,
    error::ReferenceError,
    model::{Aircraft, Airline, Airport, Catalogue, Region},
    region, repository,
    search::SearchIndex,
    written::WrittenAirports,
};
use crate::{
    kernel::{AircraftCode, AirlineCode, AirportCode, Fault, FaultCode, FlightNumber, HandlingCode},
    platform::{
        postgres::Database,
        web::{PageRequest, Raw, read},
    },
};

/// Maximum number of airports in the autocomplete and in the list of popular ones.
const SHORT_LIST: usize = 20;

/// All reference data, in memory; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Reference(Arc<Loaded>);

#[derive(Debug, Default)]
struct Loaded {
    catalogue: Catalogue,
    /// Built by the first search: most commands, and most tests, never search.
    index: OnceLock<SearchIndex>,
    /// Written by the first autocomplete.
    written: OnceLock<WrittenAirports>,
}

impl Reference {
    /// Reads everything from the database. Later changes of the tables are not seen.
    pub async fn load(db: &Database) -> Result<Self, ReferenceError> {
        let mut db = db.read().await?;
        let catalogue = Catalogue {
            airports: repository::airports(&mut db).await?,
            airlines: repository::airlines(&mut db).await?,
            aircraft: repository::aircraft(&mut db).await?,
            handling_codes: repository::handling_codes(&mut db).await?,
            regions: region::bundled(),
        };
        Ok(Self::new(catalogue))
    }

    pub(super) fn new(catalogue: Catalogue) -> Self {
        Self(Arc::new(Loaded { catalogue, ..Loaded::default() }))
    }

    fn index(&self) -> &SearchIndex {
        self.0.index.get_or_init(|| SearchIndex::new(self.0.catalogue.airports.values()))
    }

    /// Returns the data of this build, read without a database. Fails only if a bundled file is damaged.
    pub fn bundled() -> anyhow::Result<Self> {
        Ok(Self::new(super::seed::bundled()?))
    }

    /// Returns every airport, by code.
    pub fn airports(&self) -> impl Iterator<Item = &Airport> {
        self.0.catalogue.airports.values()
    }

    /// Returns every airline, by code.
    pub fn airlines(&self) -> impl Iterator<Item = &Airline> {
        self.0.catalogue.airlines.values()
    }

    pub fn airport(&self, code: AirportCode) -> Option<&Airport> {
        self.0.catalogue.airports.get(&code)
    }

    pub fn airline(&self, code: AirlineCode) -> Option<&Airline> {
        self.0.catalogue.airlines.get(&code)
    }

    pub fn aircraft(&self, code: AircraftCode) -> Option<&Aircraft> {
        self.0.catalogue.aircraft.get(&code)
    }

    /// Parses the code of an existing airport.
    pub fn read_airport(&self, raw: Raw<'_>) -> Result<AirportCode, Fault> {
        let code = read::code(raw)?;
        self.airport(code).map(|airport| airport.code).ok_or_else(|| unknown("airport", &code))
    }

    /// Parses the code of an existing airport, other than the `origin`.
    pub fn read_destination(&self, raw: Raw<'_>, origin: Option<AirportCode>) -> Result<AirportCode, Fault> {
        let destination = self.read_airport(raw)?;
        if origin == Some(destination) {
            return Err(Fault::new(FaultCode::SameAsOrigin, "must differ from the origin"));
        }
        Ok(destination)
    }

    /// Parses the code of an existing airline.
    pub fn read_airline(&self, raw: Raw<'_>) -> Result<AirlineCode, Fault> {
        let code = read::code(raw)?;
        self.airline(code).map(|airline| airline.code).ok_or_else(|| unknown("airline", &code))
    }

    /// Parses the code of an existing aircraft type.
    pub fn read_aircraft(&self, raw: Raw<'_>) -> Result<AircraftCode, Fault> {
        let code = read::code(raw)?;
        self.aircraft(code).map(|aircraft| aircraft.code).ok_or_else(|| unknown("aircraft type", &code))
    }

    /// Parses an existing special handling code.
    pub fn read_handling_code(&self, raw: Raw<'_>) -> Result<HandlingCode, Fault> {
        let code = read::code(raw)?;
        let known = self.0.catalogue.handling_codes.contains_key(&code);
        known.then_some(code).ok_or_else(|| unknown("special handling code", &code))
    }

    /// Parses a flight number of an existing airline.
    pub fn read_flight_number(&self, raw: Raw<'_>) -> Result<FlightNumber, Fault> {
        let number: FlightNumber = read::code(raw)?;
        match self.airline(number.airline()) {
            Some(_) => Ok(number),
            None => Err(unknown("airline", &number.airline())),
        }
    }
}

/// The answers of the room's own routes.
impl Reference {
    pub(super) fn known_airport(&self, code: AirportCode) -> Result<&Airport, ReferenceError> {
        self.airport(code).ok_or_else(|| ReferenceError::unknown("airport", code))
    }

    pub(super) fn known_airline(&self, code: AirlineCode) -> Result<&Airline, ReferenceError> {
        self.airline(code).ok_or_else(|| ReferenceError::unknown("airline", code))
    }

    pub(super) fn known_aircraft(&self, code: AircraftCode) -> Result<&Aircraft, ReferenceError> {
        self.aircraft(code).ok_or_else(|| ReferenceError::unknown("aircraft type", code))
    }

    /// Returns the airports that `text` may be the beginning of, the likeliest first, as a list in JSON.
    pub(super) fn complete_airport(&self, text: &str) -> serde_json::Result<String> {
        let codes = self.index().complete(text, SHORT_LIST);
        if let Some(written) = self.0.written.get() {
            return Ok(written.list(&codes));
        }
        let written = WrittenAirports::new(self.airports())?;
        Ok(self.0.written.get_or_init(|| written).list(&codes))
    }

    /// Returns the largest cargo airports, the largest first.
    pub(super) fn popular_airports(&self) -> Vec<&Airport> {
        let codes = self.index().by_rank().iter().copied();
        self.these(codes).take_while(|airport| airport.is_major()).take(SHORT_LIST).collect()
    }

    /// Returns the airports of a city, the largest first; case, diacritics and punctuation of its name are ignored.
    pub(super) fn airports_of_city(&self, name: &str) -> Result<Vec<&Airport>, ReferenceError> {
        let airports: Vec<_> = self.these(self.index().of_city(name)).collect();
        if airports.is_empty() {
            return Err(ReferenceError::Unknown("airport in a city of that name".to_owned()));
        }
        Ok(airports)
    }

    pub(super) fn regions(&self) -> &[Region] {
        &self.0.catalogue.regions
    }

    /// Returns the airports of a city in a country, the largest first.
    pub(super) fn airports_of(&self, city: &str, country: &str) -> impl Iterator<Item = &Airport> {
        self.these(self.index().of_city(city)).filter(move |airport| airport.country_code == country)
    }

    pub(super) fn page_of_airports(&self, filter: &AirportFilter, page: &PageRequest<AirportCode>) -> Vec<&Airport> {
        let AirportFilter { q, country, major } = filter;
        let found = q.as_deref().map(|text| self.index().matching(text));
        let chosen = after(&self.0.catalogue.airports, page)
            .map(|(_, airport)| airport)
            .filter(|airport| country.as_ref().is_none_or(|country| airport.country_code == *country))
            .filter(|airport| major.is_none_or(|major| airport.is_major() == major))
            .filter(|airport| found.as_ref().is_none_or(|found| found.binary_search(&airport.code).is_ok()));
        cut(chosen, page)
    }

    pub(super) fn page_of_airlines(&self, page: &PageRequest<AirlineCode>) -> Vec<&Airline> {
        cut(after(&self.0.catalogue.airlines, page).map(|(_, airline)| airline), page)
    }

    pub(super) fn page_of_aircraft(&self, page: &PageRequest<AircraftCode>) -> Vec<&Aircraft> {
        cut(after(&self.0.catalogue.aircraft, page).map(|(_, aircraft)| aircraft), page)
    }

    pub(super) fn page_of_handling_codes(&self, page: &PageRequest<HandlingCode>) -> Vec<(HandlingCode, &str)> {
        cut(after(&self.0.catalogue.handling_codes, page).map(|(code, name)| (*code, name.as_str())), page)
    }

    fn these(&self, codes: impl IntoIterator<Item = AirportCode>) -> impl Iterator<Item = &Airport> {
        codes.into_iter().filter_map(|code| self.airport(code))
    }
}

/// Returns the entries after the page's cursor.
fn after<'a, K: Ord, V>(all: &'a BTreeMap<K, V>, page: &PageRequest<K>) -> impl Iterator<Item = (&'a K, &'a V)> {
    let start = page.after.as_ref().map_or(Unbounded, Excluded);
    all.range((start, Unbounded))
}

/// Returns the page's entries, and one more if there is one.
fn cut<T, K>(entries: impl Iterator<Item = T>, page: &PageRequest<K>) -> Vec<T> {
    let most = usize::try_from(page.fetch()).unwrap_or_default();
    entries.skip(page.offset as usize).take(most).collect()
}

pub(super) fn unknown(kind: &str, code: &dyn std::fmt::Display) -> Fault {
    Fault::new(FaultCode::UnknownValue, format!("names an unknown {kind}: {code}"))
}
