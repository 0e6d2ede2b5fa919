//! Cities with a code of their own, as they are listed, and as searches name them.
use loadmaster_kernel::{AirportCode, CityCode, Fault, FaultCode};
use loadmaster_platform::web::{PageRequest, Raw, read};

use super::{
    error::ReferenceError,
    model::{Airport, City},
    search::folded,
    service::{Loaded, Reference, cut, unknown},
};

/// Most airports of a city that one search covers, the larger cargo airports first.
const MOST_AIRPORTS: usize = 6;

/// Where a search begins or ends: an airport, or all active airports of a city.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// As it was asked for.
    pub code: AirportCode,
    /// The larger cargo airports first; at least one.
    airports: [Option<AirportCode>; MOST_AIRPORTS],
}

impl Place {
    fn of(code: AirportCode, found: impl IntoIterator<Item = AirportCode>) -> Self {
        let mut airports = [None; MOST_AIRPORTS];
        for (place, airport) in airports.iter_mut().zip(found) {
            *place = Some(airport);
        }
        Self { code, airports }
    }

    /// Returns the airport, or the largest of the city.
    pub fn first(self) -> AirportCode {
        self.airports[0].unwrap_or(self.code)
    }

    /// Returns the lanes from an airport here to another one there, at most 36.
    pub fn lanes_to(self, destination: Self) -> impl Iterator<Item = (AirportCode, AirportCode)> {
        let there = destination.airports.into_iter().flatten();
        let lanes = move |origin: AirportCode| there.clone().map(move |other| (origin, other));
        self.airports.into_iter().flatten().flat_map(lanes).filter(|(origin, other)| origin != other)
    }
}

impl Reference {
    /// Parses the code of a city or of an existing airport. A code that is both means the city.
    pub fn read_place(&self, raw: Raw<'_>) -> Result<Place, Fault> {
        let code: AirportCode = read::code(raw)?;
        let current = self.current();
        let city = current.catalogue.cities.get(&CityCode::from(code));
        let airports = city.map(|city| current.active_airports(city)).unwrap_or_default();
        if !airports.is_empty() {
            return Ok(Place::of(code, airports));
        }
        match current.catalogue.airports.get(&code) {
            Some(airport) => Ok(Place::of(code, [airport.code])),
            None if city.is_some() => {
                Err(Fault::new(FaultCode::UnknownValue, format!("names a city without an active airport: {code}")))
            }
            None => Err(unknown("airport or city", &code)),
        }
    }

    /// Parses the code of a city or of an existing airport that can be reached from the `origin`.
    pub fn read_other_place(&self, raw: Raw<'_>, origin: Option<Place>) -> Result<Place, Fault> {
        let destination = self.read_place(raw)?;
        let is_same = |origin: Place| origin.code == destination.code || origin.lanes_to(destination).next().is_none();
        if origin.is_some_and(is_same) {
            return Err(Fault::new(FaultCode::SameAsOrigin, "must differ from the origin"));
        }
        Ok(destination)
    }
}

impl Loaded {
    /// Returns a city with its active airports.
    pub fn city(&self, code: CityCode) -> Result<(&City, Vec<AirportCode>), ReferenceError> {
        let city = self.catalogue.cities.get(&code).ok_or_else(|| ReferenceError::unknown("city", code))?;
        Ok((city, self.active_airports(city)))
    }

    /// Returns the cities that `text` may be the beginning of, by code, with their active airports.
    pub fn page_of_cities(&self, text: Option<&str>, page: &PageRequest<CityCode>) -> Vec<(&City, Vec<AirportCode>)> {
        let text = text.map(folded);
        let all = self.catalogue.cities.values().filter(|city| page.after.is_none_or(|after| city.code > after));
        let wanted = all.filter(|city| text.as_deref().is_none_or(|text| self.is_called(city, text)));
        cut(wanted, page).into_iter().map(|city| (city, self.active_airports(city))).collect()
    }

    /// Returns whether the code, a word of the name or another name of a city begins with a folded text.
    fn is_called(&self, city: &City, text: &str) -> bool {
        let (code, name) = (folded(city.code.as_str()), folded(&city.name));
        let starts = name.match_indices(' ').map(|(at, _)| at + 1);
        let others = self.catalogue.place_names.iter();
        let mut others = others.filter(|other| (&other.city, &other.country_code) == (&city.name, &city.country_code));
        !text.is_empty()
            && (code.starts_with(text)
                || std::iter::once(0).chain(starts).any(|at| name[at..].starts_with(text))
                || others.any(|other| folded(&other.name).starts_with(text)))
    }

    /// Returns the active airports of a city, the larger cargo airports first.
    fn active_airports(&self, city: &City) -> Vec<AirportCode> {
        let airports = city.airports.iter().filter_map(|code| self.catalogue.airports.get(code));
        let mut active: Vec<&Airport> = airports.map(AsRef::as_ref).filter(|airport| airport.state.is_active).collect();
        active.sort_unstable_by_key(|airport| (airport.cargo_rank.unwrap_or(i32::MAX), airport.code));
        active.into_iter().take(MOST_AIRPORTS).map(|airport| airport.code).collect()
    }
}
