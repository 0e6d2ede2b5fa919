//! What administrators send: entries, changes of entries, and rows of tables.
use loadmaster_kernel::{
    AircraftCode, AirlineCode, AirportCode, EmissionFactor, Opening, Positions, Volume, Weight, words,
};
use loadmaster_platform::{
    web::{
        Patch,
        bulk::{Ids, ids},
        read, request, with,
    },
    zones::Zone,
};

use super::{
    model::{Aircraft, Airline, AirlineKind, Airport, EntryState},
    openings::{NewOpening, openings},
    values::{awb_prefix, degrees, hub_airports, icao, zone},
};

/// The longest name, in characters.
const LONGEST_NAME: usize = 200;
/// The rank of an airport that an administrator calls major: after those with a rank of their own.
const LAST_RANK: i32 = 1_000_000;
/// Limits of elevations, in feet: the shore of the Dead Sea, and more than the highest airport.
const ELEVATIONS: (i32, i32) = (-2000, 20_000);

request! {
    /// An airport to create.
    pub(super) struct CreateAirport in body {
        iata_code: AirportCode = read::code,
        /// ICAO code.
        #[schema(pattern = "^[A-Z0-9]{4}$", example = "VIDP")]
        icao_code: Option<String> = |raw| icao(raw, 4),
        /// Its name.
        #[schema(max_length = 200)]
        name: String = read::line(LONGEST_NAME),
        /// The name of the city.
        #[schema(max_length = 200)]
        city: String = read::line(LONGEST_NAME),
        /// ISO 3166-1 alpha-2.
        #[schema(min_length = 1, pattern = "^[A-Za-z]{2}$", example = "IN")]
        country_code: String = read::country,
        /// In degrees, north positive.
        #[schema(minimum = -90, maximum = 90)]
        latitude: f64 = |raw| degrees(raw, 90.0),
        /// In degrees, east positive.
        #[schema(minimum = -180, maximum = 180)]
        longitude: f64 = |raw| degrees(raw, 180.0),
        /// Height above mean sea level, in feet.
        #[schema(minimum = -2000, maximum = 20_000)]
        elevation_ft: Option<i32> = read::integer(ELEVATIONS.0, ELEVATIONS.1),
        /// IANA time zone, which defines the local departure date.
        #[schema(value_type = String, example = "Asia/Kolkata")]
        time_zone: Zone = zone,
        #[schema(default = false)]
        is_major: Option<bool> = read::boolean,
        #[schema(default = true)]
        is_active: Option<bool> = read::boolean,
    }
}

request! {
    /// Changes to an airport: a JSON merge patch (RFC 7396). Members that are left out remain unchanged.
    #[derive(Default)]
    pub(super) struct ChangeAirport in patch {
        /// ICAO code.
        #[schema(pattern = "^[A-Z0-9]{4}$")]
        icao_code: Patch<String> = |raw| icao(raw, 4),
        /// Its name.
        #[schema(max_length = 200)]
        name: Option<String> = read::line(LONGEST_NAME),
        /// The name of the city.
        #[schema(max_length = 200)]
        city: Option<String> = read::line(LONGEST_NAME),
        /// ISO 3166-1 code of the country, two letters.
        #[schema(min_length = 1, pattern = "^[A-Za-z]{2}$")]
        country_code: Option<String> = read::country,
        /// Degrees north of the equator; south is negative.
        #[schema(minimum = -90, maximum = 90)]
        latitude: Option<f64> = |raw| degrees(raw, 90.0),
        /// Degrees east of Greenwich; west is negative.
        #[schema(minimum = -180, maximum = 180)]
        longitude: Option<f64> = |raw| degrees(raw, 180.0),
        /// Height above mean sea level, in feet.
        #[schema(minimum = -2000, maximum = 20_000)]
        elevation_ft: Patch<i32> = read::integer(ELEVATIONS.0, ELEVATIONS.1),
        /// Not of an airport that is in use: the local dates of its flights name them.
        #[schema(value_type = Option<String>)]
        time_zone: Option<Zone> = zone,
        /// Whether it is one of the large airports.
        is_major: Option<bool> = read::boolean,
        /// Whether it is offered for new flights.
        is_active: Option<bool> = read::boolean,
    }
}

request! {
    /// An airline to create.
    pub(super) struct CreateAirline in body {
        iata_code: AirlineCode = read::code,
        /// ICAO code.
        #[schema(pattern = "^[A-Z0-9]{3}$", example = "AIC")]
        icao_code: Option<String> = |raw| icao(raw, 3),
        /// Its name.
        #[schema(max_length = 200)]
        name: String = read::line(LONGEST_NAME),
        /// ISO 3166-1 alpha-2.
        #[schema(min_length = 1, pattern = "^[A-Za-z]{2}$", example = "IN")]
        country_code: String = read::country,
        /// The first three digits of the airline's air waybill numbers.
        #[schema(pattern = "^[0-9]{3}$", example = "098")]
        awb_prefix: Option<String> = awb_prefix,
        /// The alliance that the airline belongs to.
        #[schema(max_length = 200)]
        alliance: Option<String> = read::line(LONGEST_NAME),
        #[schema(default = false)]
        is_cargo_only: Option<bool> = read::boolean,
        /// What the airline carries. If given, it decides `is_cargo_only`.
        kind: Option<AirlineKind> = read::word(AirlineKind::WORDS),
        /// The airports where the airline is at home, each once.
        #[schema(max_items = 10)]
        hub_airports: Option<Vec<AirportCode>> = with(hub_airports),
        #[schema(default = true)]
        is_active: Option<bool> = read::boolean,
    }
}

request! {
    /// Changes to an airline: a JSON merge patch (RFC 7396). Members that are left out remain unchanged.
    #[derive(Default)]
    pub(super) struct ChangeAirline in patch {
        /// ICAO code.
        #[schema(pattern = "^[A-Z0-9]{3}$")]
        icao_code: Patch<String> = |raw| icao(raw, 3),
        /// Its name.
        #[schema(max_length = 200)]
        name: Option<String> = read::line(LONGEST_NAME),
        /// ISO 3166-1 code of the country, two letters.
        #[schema(min_length = 1, pattern = "^[A-Za-z]{2}$")]
        country_code: Option<String> = read::country,
        /// The first three digits of the airline's air waybills.
        #[schema(pattern = "^[0-9]{3}$")]
        awb_prefix: Patch<String> = awb_prefix,
        /// The alliance that the airline belongs to.
        #[schema(max_length = 200)]
        alliance: Patch<String> = read::line(LONGEST_NAME),
        /// Whether the airline carries no passengers.
        is_cargo_only: Option<bool> = read::boolean,
        /// What the airline carries. If given, it decides `is_cargo_only`; null: not known, unless it carries cargo only.
        kind: Patch<AirlineKind> = read::word(AirlineKind::WORDS),
        /// The airports where the airline is at home, each once: replaces the whole list; null: none.
        #[schema(max_items = 10)]
        hub_airports: Patch<Vec<AirportCode>> = with(hub_airports),
        /// Whether it is offered for new flights.
        is_active: Option<bool> = read::boolean,
    }
}

request! {
    /// An aircraft type to create.
    pub(super) struct CreateAircraft in body {
        iata_code: AircraftCode = read::code,
        /// ICAO code.
        #[schema(pattern = "^[A-Z0-9]{4}$", example = "B77L")]
        icao_code: Option<String> = |raw| icao(raw, 4),
        /// Its name.
        #[schema(max_length = 200)]
        name: String = read::line(LONGEST_NAME),
        /// Manufacturer.
        #[schema(max_length = 200)]
        manufacturer: String = read::line(LONGEST_NAME),
        max_cargo_kg: Weight = read::weight,
        max_cargo_m3: Volume = read::volume,
        /// Number of ULD positions; 0 if cargo is loaded loose.
        positions: Option<Positions> = read::positions,
        #[schema(default = false)]
        is_freighter: Option<bool> = read::boolean,
        /// Kilograms of CO₂ equivalents, well to wheel, that carrying a tonne over a kilometre emits; estimates on its flights use
        /// it in place of the factor of the class.
        co2e_kg_per_tkm: Option<EmissionFactor> = read::emission_factor,
        /// The doors through which freight is loaded; left out or empty: not known, and no piece is judged by them.
        #[schema(max_items = 10)]
        openings: Option<Vec<NewOpening>> = with(openings),
        #[schema(default = true)]
        is_active: Option<bool> = read::boolean,
    }
}

request! {
    /// Changes to an aircraft type: a JSON merge patch (RFC 7396). Members that are left out remain unchanged; so do flights.
    #[derive(Default)]
    pub(super) struct ChangeAircraft in patch {
        /// ICAO code.
        #[schema(pattern = "^[A-Z0-9]{4}$")]
        icao_code: Patch<String> = |raw| icao(raw, 4),
        /// Its name.
        #[schema(max_length = 200)]
        name: Option<String> = read::line(LONGEST_NAME),
        /// Manufacturer.
        #[schema(max_length = 200)]
        manufacturer: Option<String> = read::line(LONGEST_NAME),
        max_cargo_kg: Option<Weight> = read::weight,
        max_cargo_m3: Option<Volume> = read::volume,
        positions: Option<Positions> = read::positions,
        /// Whether it carries freight alone, no passengers.
        is_freighter: Option<bool> = read::boolean,
        /// Kilograms of CO₂ equivalents, well to wheel, that carrying a tonne over a kilometre emits; null: not known, the factor
        /// of the class counts.
        co2e_kg_per_tkm: Patch<EmissionFactor> = read::emission_factor,
        /// The doors through which freight is loaded: replaces the whole list; null: not known, and no piece is judged by them.
        #[schema(max_items = 10)]
        openings: Patch<Vec<NewOpening>> = with(openings),
        /// Whether it is offered for new flights.
        is_active: Option<bool> = read::boolean,
    }
}

words! {
    /// What is done with many airports.
    pub enum AirportAction {
        Activate = "activate",
        Deactivate = "deactivate",
        MarkMajor = "mark_major",
        UnmarkMajor = "unmark_major",
    }
}

impl AirportAction {
    pub(super) fn change(self) -> ChangeAirport {
        let change = ChangeAirport::default();
        match self {
            Self::Activate => ChangeAirport { is_active: Some(true), ..change },
            Self::Deactivate => ChangeAirport { is_active: Some(false), ..change },
            Self::MarkMajor => ChangeAirport { is_major: Some(true), ..change },
            Self::UnmarkMajor => ChangeAirport { is_major: Some(false), ..change },
        }
    }
}

words! {
    /// What is done with many airlines or aircraft types.
    pub enum StateAction {
        Activate = "activate",
        Deactivate = "deactivate",
    }
}

request! {
    /// An action on many airports.
    pub(super) struct BulkAirports in body {
        action: AirportAction = read::word(AirportAction::WORDS),
        /// Codes of airports, each once.
        #[schema(value_type = Vec<AirportCode>, min_items = 1, max_items = 200)]
        ids: Ids<AirportCode> = ids(read::code),
    }
}

request! {
    /// An action on many airlines.
    pub(super) struct BulkAirlines in body {
        action: StateAction = read::word(StateAction::WORDS),
        /// Codes of airlines, each once.
        #[schema(value_type = Vec<AirlineCode>, min_items = 1, max_items = 200)]
        ids: Ids<AirlineCode> = ids(read::code),
    }
}

request! {
    /// An action on many aircraft types.
    pub(super) struct BulkAircraft in body {
        action: StateAction = read::word(StateAction::WORDS),
        /// Codes of aircraft types, each once.
        #[schema(value_type = Vec<AircraftCode>, min_items = 1, max_items = 200)]
        ids: Ids<AircraftCode> = ids(read::code),
    }
}

impl CreateAirport {
    /// Returns the entry: what is left out of a row remains as it is in `known`.
    pub fn entry(self, known: Option<&Airport>) -> Airport {
        let rank = known.and_then(|known| known.cargo_rank);
        Airport {
            code: self.iata_code,
            icao_code: self.icao_code,
            name: self.name,
            city: self.city,
            city_code: known.and_then(|known| known.city_code),
            country_code: self.country_code,
            latitude: self.latitude,
            longitude: self.longitude,
            elevation_ft: self.elevation_ft,
            time_zone: self.time_zone,
            cargo_rank: ranked(rank, self.is_major),
            state: state(known.map(|known| known.state), self.is_active),
        }
    }
}

impl ChangeAirport {
    pub fn apply(self, airport: &Airport) -> Airport {
        let before = airport.clone();
        Airport {
            code: before.code,
            icao_code: self.icao_code.or(before.icao_code),
            name: self.name.unwrap_or(before.name),
            city: self.city.unwrap_or(before.city),
            city_code: before.city_code,
            country_code: self.country_code.unwrap_or(before.country_code),
            latitude: self.latitude.unwrap_or(before.latitude),
            longitude: self.longitude.unwrap_or(before.longitude),
            elevation_ft: self.elevation_ft.or(before.elevation_ft),
            time_zone: self.time_zone.unwrap_or(before.time_zone),
            cargo_rank: ranked(before.cargo_rank, self.is_major),
            state: state(Some(before.state), self.is_active),
        }
    }
}

impl CreateAirline {
    /// Returns the entry: what is left out of a row remains as it is in `known`.
    pub fn entry(self, known: Option<&Airline>) -> Airline {
        let stated = self.kind.map(|kind| kind == AirlineKind::Cargo).or(self.is_cargo_only);
        let is_cargo_only = stated.unwrap_or(known.is_some_and(|known| known.is_cargo_only));
        let kind = self.kind.or(known.and_then(|known| known.kind));
        let hubs = self.hub_airports.or_else(|| known.map(|known| known.hub_airports.clone()));
        Airline {
            code: self.iata_code,
            icao_code: self.icao_code,
            name: self.name,
            country_code: self.country_code,
            awb_prefix: self.awb_prefix,
            alliance: self.alliance,
            is_cargo_only,
            kind: AirlineKind::agreeing(kind, is_cargo_only),
            hub_airports: hubs.unwrap_or_default(),
            on_time_percent: known.and_then(|known| known.on_time_percent),
            state: state(known.map(|known| known.state), self.is_active),
        }
    }
}

impl ChangeAirline {
    pub fn of_state(is_active: bool) -> Self {
        Self { is_active: Some(is_active), ..Self::default() }
    }

    pub fn apply(self, airline: &Airline) -> Airline {
        let before = airline.clone();
        let kind = self.kind.or(before.kind);
        let stated = self.kind.set().map(|kind| kind == AirlineKind::Cargo).or(self.is_cargo_only);
        let is_cargo_only = stated.unwrap_or(before.is_cargo_only);
        Airline {
            icao_code: self.icao_code.or(before.icao_code),
            name: self.name.unwrap_or(before.name),
            country_code: self.country_code.unwrap_or(before.country_code),
            awb_prefix: self.awb_prefix.or(before.awb_prefix),
            alliance: self.alliance.or(before.alliance),
            is_cargo_only,
            kind: AirlineKind::agreeing(kind, is_cargo_only),
            hub_airports: self.hub_airports.or(Some(before.hub_airports)).unwrap_or_default(),
            state: state(Some(before.state), self.is_active),
            ..before
        }
    }
}

impl CreateAircraft {
    /// Returns the entry: what is left out of a row remains as it is in `known`.
    pub fn entry(self, known: Option<&Aircraft>) -> Aircraft {
        let given = self.openings.map(kept);
        Aircraft {
            code: self.iata_code,
            icao_code: self.icao_code,
            name: self.name,
            manufacturer: self.manufacturer,
            max_cargo: self.max_cargo_kg,
            max_volume: self.max_cargo_m3,
            positions: self.positions.or(known.map(|known| known.positions)).unwrap_or_default(),
            is_freighter: self.is_freighter.unwrap_or(known.is_some_and(|known| known.is_freighter)),
            co2e_per_tkm: self.co2e_kg_per_tkm.or(known.and_then(|known| known.co2e_per_tkm)),
            openings: given.or_else(|| known.map(|known| known.openings.clone())).unwrap_or_default(),
            state: state(known.map(|known| known.state), self.is_active),
        }
    }
}

impl ChangeAircraft {
    pub fn of_state(is_active: bool) -> Self {
        Self { is_active: Some(is_active), ..Self::default() }
    }

    pub fn apply(self, aircraft: &Aircraft) -> Aircraft {
        let before = aircraft.clone();
        let openings = match self.openings {
            Patch::Keep => before.openings,
            Patch::Clear => Vec::new(),
            Patch::Set(openings) => kept(openings),
        };
        Aircraft {
            code: before.code,
            icao_code: self.icao_code.or(before.icao_code),
            name: self.name.unwrap_or(before.name),
            manufacturer: self.manufacturer.unwrap_or(before.manufacturer),
            max_cargo: self.max_cargo_kg.unwrap_or(before.max_cargo),
            max_volume: self.max_cargo_m3.unwrap_or(before.max_volume),
            positions: self.positions.unwrap_or(before.positions),
            is_freighter: self.is_freighter.unwrap_or(before.is_freighter),
            co2e_per_tkm: self.co2e_kg_per_tkm.or(before.co2e_per_tkm),
            openings,
            state: state(Some(before.state), self.is_active),
        }
    }
}

fn kept(openings: Vec<NewOpening>) -> Vec<Opening> {
    openings.into_iter().map(Opening::from).collect()
}

/// Returns the rank of an airport that is major or not, as `is_major` says, or else as before.
fn ranked(before: Option<i32>, is_major: Option<bool>) -> Option<i32> {
    match is_major {
        None => before,
        Some(true) => before.or(Some(LAST_RANK)),
        Some(false) => None,
    }
}

fn state(before: Option<EntryState>, is_active: Option<bool>) -> EntryState {
    let before = before.unwrap_or(EntryState::NEW);
    EntryState { is_active: is_active.unwrap_or(before.is_active), ..before }
}
