use std::{
    ops::Bound::{Excluded, Unbounded},
    sync::{Arc, OnceLock, PoisonError, RwLock, Weak},
};

use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::{AircraftCode, AirlineCode, AirportCode, Fault, FaultCode, FlightNumber, HandlingCode};
use loadmaster_platform::{
    postgres::Database,
    web::{PageRequest, Raw, read},
};
use tokio::sync::Mutex;

use super::{
    dto::AirportFilter,
    error::ReferenceError,
    factors::ClassFactors,
    model::{Aircraft, Airline, Airport, Catalogue, Entries, Region},
    region, repository,
    search::SearchIndex,
    written::WrittenAirports,
};

/// Maximum number of airports in the autocomplete and in the list of popular ones.
const SHORT_LIST: usize = 20;

/// All reference data, in memory, as it is now; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Reference(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    current: RwLock<Arc<Loaded>>,
    regions: Vec<Region>,
    factors: ClassFactors,
    /// Held while it is read anew, so that what was read last is also what is kept.
    reading: Mutex<()>,
}

/// The data of one reading.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub catalogue: Catalogue,
    /// Built by the first search: most commands, and most tests, never search.
    index: OnceLock<SearchIndex>,
    /// Written by the first autocomplete.
    written: OnceLock<WrittenAirports>,
}

/// One reading of the data. Two are equal if nothing was read anew between them.
#[derive(Debug, Clone)]
pub struct Snapshot(Weak<Loaded>);

impl PartialEq for Snapshot {
    fn eq(&self, other: &Self) -> bool {
        self.0.ptr_eq(&other.0)
    }
}

impl Reference {
    /// Reads everything from the database.
    pub async fn load(db: &Database, factors: ClassFactors) -> Result<Self, ReferenceError> {
        Ok(Self::with_factors(repository::catalogue(&mut *db.read().await?).await?, factors))
    }

    /// Reads everything again.
    pub(super) async fn reload(&self, db: &Database) -> Result<(), ReferenceError> {
        let _reading = self.0.reading.lock().await;
        let catalogue = repository::catalogue(&mut *db.read().await?).await?;
        *self.0.current.write().unwrap_or_else(PoisonError::into_inner) = Loaded::of(catalogue);
        Ok(())
    }

    pub(super) fn new(catalogue: Catalogue) -> Self {
        Self::with_factors(catalogue, ClassFactors::default())
    }

    pub(super) fn with_factors(catalogue: Catalogue, factors: ClassFactors) -> Self {
        let current = RwLock::new(Loaded::of(catalogue));
        Self(Arc::new(Shared { current, regions: region::bundled(), factors, reading: Mutex::default() }))
    }

    /// Returns the data of this build, read without a database. Fails only if a bundled file is damaged.
    pub fn bundled() -> anyhow::Result<Self> {
        Ok(Self::new(super::seed::bundled()?))
    }

    /// Returns the data as it is now.
    pub(super) fn current(&self) -> Arc<Loaded> {
        self.0.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns which reading of the data is the current one.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(Arc::downgrade(&self.current()))
    }

    /// Returns every airport, by code.
    pub fn airports(&self) -> Vec<Arc<Airport>> {
        self.current().catalogue.airports.values().cloned().collect()
    }

    pub fn airport(&self, code: AirportCode) -> Option<Arc<Airport>> {
        self.current().catalogue.airports.get(&code).cloned()
    }

    /// Returns the local calendar date of an instant at an airport; the date in UTC if the airport is not known.
    pub fn local_date(&self, airport: AirportCode, instant: DateTime<Utc>) -> NaiveDate {
        self.airport(airport).map_or(instant.date_naive(), |airport| airport.local_date(instant))
    }

    pub fn airline(&self, code: AirlineCode) -> Option<Arc<Airline>> {
        self.current().catalogue.airlines.get(&code).cloned()
    }

    pub fn aircraft(&self, code: AircraftCode) -> Option<Arc<Aircraft>> {
        self.current().catalogue.aircraft.get(&code).cloned()
    }

    /// Returns the airports that a text may mean, of a country, by code.
    pub fn airports_like(&self, text: Option<&str>, country: Option<&str>) -> Vec<AirportCode> {
        let filter = AirportFilter {
            q: text.map(str::to_owned),
            country: country.map(str::to_owned),
            major: None,
            active: None,
        };
        let current = self.current();
        current.chosen_airports(&filter, None).map(|airport| airport.code).collect()
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
        let known = self.current().catalogue.handling_codes.contains_key(&code);
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

impl Reference {
    /// Returns the factors of the classes of aircraft.
    pub fn class_factors(&self) -> ClassFactors {
        self.0.factors
    }

    pub(super) fn regions(&self) -> &[Region] {
        &self.0.regions
    }

    /// Returns the airports of a city in a country, the largest first.
    pub(super) fn airports_of(&self, city: &str, country: &str) -> Vec<Arc<Airport>> {
        let current = self.current();
        let codes = current.index().of_city(city);
        let airports = codes.filter_map(|code| current.catalogue.airports.get(&code));
        airports.filter(|airport| airport.country_code == country).cloned().collect()
    }

    /// Returns a fault if an airport, airline or aircraft type is inactive: it is not for new flights.
    pub fn fault_of_inactive_airport(&self, code: AirportCode) -> Option<Fault> {
        self.airport(code).filter(|airport| !airport.state.is_active).map(|_| inactive("airport", &code))
    }

    pub fn fault_of_inactive_airline(&self, code: AirlineCode) -> Option<Fault> {
        self.airline(code).filter(|airline| !airline.state.is_active).map(|_| inactive("airline", &code))
    }

    pub fn fault_of_inactive_aircraft(&self, code: AircraftCode) -> Option<Fault> {
        self.aircraft(code).filter(|aircraft| !aircraft.state.is_active).map(|_| inactive("aircraft type", &code))
    }
}

fn inactive(kind: &str, code: &dyn std::fmt::Display) -> Fault {
    Fault::new(FaultCode::UnknownValue, format!("names an inactive {kind}: {code}"))
}

/// The answers of the room's own routes.
impl Loaded {
    fn of(catalogue: Catalogue) -> Arc<Self> {
        Arc::new(Self { catalogue, ..Self::default() })
    }

    fn index(&self) -> &SearchIndex {
        self.index.get_or_init(|| SearchIndex::new(&self.catalogue))
    }

    /// Returns the active airports that `text` may be the beginning of, the likeliest first, as a list in JSON.
    pub fn complete_airport(&self, text: &str) -> serde_json::Result<String> {
        let is_active = |code: AirportCode| self.catalogue.airports.get(&code).is_some_and(|it| it.state.is_active);
        let found = self.index().complete(text, SHORT_LIST, is_active);
        if let Some(written) = self.written.get() {
            return written.list(&found);
        }
        let written = WrittenAirports::new(self.catalogue.airports.values().map(AsRef::as_ref))?;
        self.written.get_or_init(|| written).list(&found)
    }

    /// Returns the largest cargo airports that are active, the largest first.
    pub fn popular_airports(&self) -> Vec<&Airport> {
        let codes = self.index().by_rank().iter().copied();
        self.offered(codes).take_while(|airport| airport.is_major()).take(SHORT_LIST).collect()
    }

    /// Returns the active airports of a city, the largest first; case, diacritics and punctuation of its name are
    /// ignored.
    pub fn airports_of_city(&self, name: &str) -> Result<Vec<&Airport>, ReferenceError> {
        let airports: Vec<_> = self.offered(self.index().of_city(name)).collect();
        if airports.is_empty() {
            return Err(ReferenceError::Unknown("airport in a city of that name".to_owned()));
        }
        Ok(airports)
    }

    /// Returns the airports that the filter chooses, by code, from after a code on.
    pub fn chosen_airports(
        &self,
        filter: &AirportFilter,
        after: Option<AirportCode>,
    ) -> impl Iterator<Item = &Airport> {
        let AirportFilter { q, country, major, active } = filter.clone();
        let found = q.as_deref().map(|text| self.index().matching(text));
        later(&self.catalogue.airports, after)
            .filter(move |airport| country.as_ref().is_none_or(|country| airport.country_code == *country))
            .filter(move |airport| major.is_none_or(|major| airport.is_major() == major))
            .filter(move |airport| active.is_none_or(|active| airport.state.is_active == active))
            .filter(move |airport| found.as_ref().is_none_or(|found| found.binary_search(&airport.code).is_ok()))
    }

    pub fn page_of_airports(&self, filter: &AirportFilter, page: &PageRequest<AirportCode>) -> Vec<&Airport> {
        cut(self.chosen_airports(filter, page.after), page)
    }

    pub fn chosen_airlines(&self, active: Option<bool>, after: Option<AirlineCode>) -> impl Iterator<Item = &Airline> {
        let all = later(&self.catalogue.airlines, after);
        all.filter(move |airline| active.is_none_or(|active| airline.state.is_active == active))
    }

    pub fn page_of_airlines(&self, active: Option<bool>, page: &PageRequest<AirlineCode>) -> Vec<&Airline> {
        cut(self.chosen_airlines(active, page.after), page)
    }

    pub fn chosen_aircraft(
        &self,
        active: Option<bool>,
        after: Option<AircraftCode>,
    ) -> impl Iterator<Item = &Aircraft> {
        let all = later(&self.catalogue.aircraft, after);
        all.filter(move |aircraft| active.is_none_or(|active| aircraft.state.is_active == active))
    }

    pub fn page_of_aircraft(&self, active: Option<bool>, page: &PageRequest<AircraftCode>) -> Vec<&Aircraft> {
        cut(self.chosen_aircraft(active, page.after), page)
    }

    pub fn page_of_handling_codes(&self, page: &PageRequest<HandlingCode>) -> Vec<(HandlingCode, &str)> {
        let start = page.after.as_ref().map_or(Unbounded, Excluded);
        let all = self.catalogue.handling_codes.range((start, Unbounded));
        cut(all.map(|(code, name)| (*code, name.as_str())), page)
    }

    fn offered(&self, codes: impl IntoIterator<Item = AirportCode>) -> impl Iterator<Item = &Airport> {
        let airports = codes.into_iter().filter_map(|code| self.catalogue.airports.get(&code));
        airports.map(AsRef::as_ref).filter(|airport| airport.state.is_active)
    }
}

/// Returns the entries after a code.
fn later<C: Ord, E>(all: &Entries<C, E>, after: Option<C>) -> impl Iterator<Item = &E> {
    let start = after.map_or(Unbounded, Excluded);
    all.range((start, Unbounded)).map(|(_, entry)| entry.as_ref())
}

/// Returns the page's entries, and one more if there is one.
pub(super) fn cut<T, K>(entries: impl Iterator<Item = T>, page: &PageRequest<K>) -> Vec<T> {
    let most = usize::try_from(page.fetch()).unwrap_or_default();
    entries.skip(page.offset as usize).take(most).collect()
}

pub(super) fn unknown(kind: &str, code: &dyn std::fmt::Display) -> Fault {
    Fault::new(FaultCode::UnknownValue, format!("names an unknown {kind}: {code}"))
}
