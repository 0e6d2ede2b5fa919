use loadmaster_kernel::{
    AircraftCode, AirlineCode, AirportCode, CityCode, EmissionFactor, HandlingCode, Positions, Tenths, Volume, Weight,
};
use loadmaster_platform::web::{read, request};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    model::{Aircraft, Airline, AirlineKind, Airport, City, Region},
    openings::OpeningBody,
};

/// The longest text that is searched for, in characters.
const LONGEST_QUERY: usize = 100;

/// An airport with an IATA code.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Airport)]
pub(super) struct AirportBody<'a> {
    pub iata_code: AirportCode,
    /// ICAO code.
    #[schema(required, example = "VIDP")]
    pub icao_code: Option<&'a str>,
    /// Its name.
    #[schema(example = "Indira Gandhi International Airport")]
    pub name: &'a str,
    /// The name of the city.
    #[schema(example = "New Delhi")]
    pub city: &'a str,
    /// The city of `GET /cities` to which the airport belongs; null: none.
    #[schema(required)]
    pub city_code: Option<CityCode>,
    /// ISO 3166-1 alpha-2.
    #[schema(example = "IN")]
    pub country_code: &'a str,
    /// In degrees, north positive.
    #[schema(example = 28.5665)]
    pub latitude: f64,
    /// In degrees, east positive.
    #[schema(example = 77.1031)]
    pub longitude: f64,
    /// Height above mean sea level, in feet.
    #[schema(required, example = 777)]
    pub elevation_ft: Option<i32>,
    /// IANA time zone, which defines the local departure date.
    #[schema(example = "Asia/Kolkata")]
    pub time_zone: &'static str,
    /// Whether it is one of the larger cargo airports.
    pub is_major: bool,
    /// An inactive airport is not offered, and not for new flights.
    pub is_active: bool,
    /// Number that increases with each change; the `ETag` contains it.
    pub version: i32,
}

impl<'a> From<&'a Airport> for AirportBody<'a> {
    fn from(airport: &'a Airport) -> Self {
        Self {
            iata_code: airport.code,
            icao_code: airport.icao_code.as_deref(),
            name: &airport.name,
            city: &airport.city,
            city_code: airport.city_code,
            country_code: &airport.country_code,
            latitude: airport.latitude,
            longitude: airport.longitude,
            elevation_ft: airport.elevation_ft,
            time_zone: airport.time_zone.name(),
            is_major: airport.is_major(),
            is_active: airport.state.is_active,
            version: airport.state.version,
        }
    }
}

/// An airport that the autocomplete has found.
#[derive(ToSchema)]
#[schema(as = FoundAirport)]
#[allow(dead_code, reason = "declares the answer, which is put together from texts")]
pub(super) struct FoundAirportBody {
    #[serde(flatten)]
    pub airport: AirportBody<'static>,
    /// The code of the city, or its local or former name, by which the airport was found; null: by its own code, city or name.
    #[schema(required, example = "LON")]
    pub matched: Option<String>,
}

/// A city with a code of its own, as tariffs and messages name it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = City)]
pub(super) struct CityBody<'a> {
    /// IATA code of the city. Some cities have the code of one of their airports.
    pub code: CityCode,
    /// Its name.
    #[schema(example = "London")]
    pub name: &'a str,
    /// ISO 3166-1 alpha-2.
    #[schema(example = "GB")]
    pub country: &'a str,
    /// Its active airports, the larger cargo airports first: those that a search of routes by this code covers.
    #[schema(max_items = 6, example = json!(["LHR", "STN", "LGW"]))]
    pub airports: Vec<AirportCode>,
}

impl<'a> From<(&'a City, Vec<AirportCode>)> for CityBody<'a> {
    fn from((city, airports): (&'a City, Vec<AirportCode>)) -> Self {
        Self { code: city.code, name: &city.name, country: &city.country_code, airports }
    }
}

/// An airline that carries cargo.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Airline)]
pub(super) struct AirlineBody<'a> {
    pub iata_code: AirlineCode,
    /// ICAO code.
    #[schema(required, example = "AIC")]
    pub icao_code: Option<&'a str>,
    /// Its name.
    #[schema(example = "Air India")]
    pub name: &'a str,
    /// ISO 3166-1 alpha-2.
    #[schema(example = "IN")]
    pub country_code: &'a str,
    /// The first three digits of the airline's air waybill numbers.
    #[schema(required, example = "098")]
    pub awb_prefix: Option<&'a str>,
    /// The alliance that the airline belongs to.
    #[schema(required, example = "Star Alliance")]
    pub alliance: Option<&'a str>,
    /// Whether the airline carries no passengers.
    pub is_cargo_only: bool,
    /// What the airline carries: `CARGO` exactly if `is_cargo_only`. Null: not known.
    #[schema(required)]
    pub kind: Option<AirlineKind>,
    /// The airports where the airline is at home, at most ten in its own order; empty: none is named.
    #[schema(example = json!(["DEL", "BOM"]))]
    pub hub_airports: &'a [AirportCode],
    /// Of the flights that arrived in the last 90 days, those at most 15 minutes after the scheduled time; computed once a day.
    /// Null with fewer than 20 flights.
    #[schema(value_type = Option<f64>, required = true, example = 87.5)]
    pub on_time_percent: Option<Tenths>,
    /// An inactive airline is not for new flights.
    pub is_active: bool,
    /// Number that increases with each change; the `ETag` contains it.
    pub version: i32,
}

impl<'a> From<&'a Airline> for AirlineBody<'a> {
    fn from(airline: &'a Airline) -> Self {
        Self {
            iata_code: airline.code,
            icao_code: airline.icao_code.as_deref(),
            name: &airline.name,
            country_code: &airline.country_code,
            awb_prefix: airline.awb_prefix.as_deref(),
            alliance: airline.alliance.as_deref(),
            is_cargo_only: airline.is_cargo_only,
            kind: airline.kind,
            hub_airports: &airline.hub_airports,
            on_time_percent: airline.on_time_percent,
            is_active: airline.state.is_active,
            version: airline.state.version,
        }
    }
}

/// An aircraft type with typical cargo figures. Not for load control.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Aircraft)]
pub(super) struct AircraftBody<'a> {
    pub iata_code: AircraftCode,
    /// ICAO code.
    #[schema(required, example = "B77L")]
    pub icao_code: Option<&'a str>,
    /// Its name.
    #[schema(example = "777F Freighter")]
    pub name: &'a str,
    /// Manufacturer.
    #[schema(example = "Boeing")]
    pub manufacturer: &'a str,
    pub max_cargo_kg: Weight,
    pub max_cargo_m3: Volume,
    /// Number of ULD positions; 0 if cargo is loaded loose.
    pub positions: Positions,
    /// Whether it carries freight alone, no passengers.
    pub is_freighter: bool,
    /// Kilograms of CO₂ equivalents, well to wheel, that carrying a tonne over a kilometre emits. Null: not known, the factor of
    /// the class counts.
    #[schema(required)]
    pub co2e_kg_per_tkm: Option<EmissionFactor>,
    /// The doors through which freight is loaded, each with the largest piece that it takes. Empty: not known, and no piece is
    /// judged by them.
    #[schema(max_items = 10)]
    pub openings: Vec<OpeningBody>,
    /// An inactive aircraft type is not for new flights.
    pub is_active: bool,
    /// Number that increases with each change; the `ETag` contains it.
    pub version: i32,
}

impl<'a> From<&'a Aircraft> for AircraftBody<'a> {
    fn from(aircraft: &'a Aircraft) -> Self {
        Self {
            iata_code: aircraft.code,
            icao_code: aircraft.icao_code.as_deref(),
            name: &aircraft.name,
            manufacturer: &aircraft.manufacturer,
            max_cargo_kg: aircraft.max_cargo,
            max_cargo_m3: aircraft.max_volume,
            positions: aircraft.positions,
            is_freighter: aircraft.is_freighter,
            co2e_kg_per_tkm: aircraft.co2e_per_tkm,
            openings: aircraft.openings.iter().map(OpeningBody::from).collect(),
            is_active: aircraft.state.is_active,
            version: aircraft.state.version,
        }
    }
}

/// A special handling code for bookings.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HandlingCodeEntry)]
pub(super) struct HandlingCodeBody<'a> {
    pub code: HandlingCode,
    /// Its name.
    #[schema(example = "Perishable cargo")]
    pub name: &'a str,
}

impl<'a> From<(HandlingCode, &'a str)> for HandlingCodeBody<'a> {
    fn from((code, name): (HandlingCode, &'a str)) -> Self {
        Self { code, name }
    }
}

/// Countries that tariffs and embargoes name together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Region)]
pub(super) struct RegionBody<'a> {
    /// The name by which it is referred to.
    #[schema(example = "EUROPE")]
    pub code: &'a str,
    /// Its name.
    #[schema(example = "Europe")]
    pub name: &'a str,
    /// ISO 3166-1 alpha-2.
    #[schema(example = json!(["AT", "DE"]))]
    pub countries: &'a [&'static str],
}

impl<'a> From<&'a Region> for RegionBody<'a> {
    fn from(region: &'a Region) -> Self {
        Self { code: region.code, name: region.name, countries: &region.countries }
    }
}

request! {
    /// What somebody has typed so far.
    pub(super) struct SearchParams in query {
        /// Part of a code, city or name; case and diacritics are ignored.
        #[param(min_length = 1, max_length = 100, example = "sao")]
        q: String = read::line(LONGEST_QUERY),
    }
}

request! {
    /// Which cities are listed.
    pub(super) struct CityFilter in query {
        /// Beginning of a code, of a word of the name, or of a local or former name; case and diacritics are ignored.
        #[param(min_length = 1, max_length = 100, example = "mil")]
        q: Option<String> = read::line(LONGEST_QUERY),
    }
}

request! {
    /// Which airports are listed; filters combine with AND.
    pub(super) struct AirportFilter in query {
        /// Part of a code, city or name, matched as in `/airports/search`.
        #[param(min_length = 1, max_length = 100, example = "new y")]
        q: Option<String> = read::line(LONGEST_QUERY),
        /// ISO 3166-1 alpha-2.
        #[param(min_length = 1, pattern = "^[A-Za-z]{2}$", example = "IN")]
        country: Option<String> = read::country,
        /// `true`: only the larger cargo airports; `false`: only the others.
        major: Option<bool> = read::boolean,
        /// `true`: only those that are offered; `false`: only the others.
        active: Option<bool> = read::boolean,
    }
}

request! {
    /// Which entries are listed.
    pub(super) struct StateFilter in query {
        /// `true`: only the active ones; `false`: only the others.
        active: Option<bool> = read::boolean,
    }
}
