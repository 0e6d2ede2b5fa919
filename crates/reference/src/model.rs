use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Days, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use loadmaster_kernel::{
    AircraftCode, AirlineCode, AirportCode, CityCode, EmissionFactor, HandlingCode, Opening, Positions, Tenths, Volume,
    Weight, words,
};
use loadmaster_platform::zones::Zone;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ReferenceError;

/// The aggregate of this room's messages.
pub const REFERENCE: &str = "reference_data";

words! {
    /// What happened to reference data.
    pub enum ReferenceEventType {
        Changed = "CHANGED",
    }
}

impl ReferenceEventType {
    /// The meaning of each of [`Self::NAMES`].
    pub const ABOUT: [&str; Self::NAMES.len()] =
        ["An administrator changed reference data, or a percentage that is computed changed."];
}

/// The data of a message: the rest is read at the addresses of the entries.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReferenceMessage {
    /// `airport`, `airline` or `aircraft`.
    pub kind: &'static str,
    /// The codes of the entries; empty: any of that kind.
    pub codes: Vec<String>,
}

/// An airport with an IATA code.
#[derive(Debug, Clone, PartialEq)]
pub struct Airport {
    pub code: AirportCode,
    pub icao_code: Option<String>,
    pub name: String,
    pub city: String,
    /// Of the city with a code of its own to which it belongs: a fact of the release.
    pub city_code: Option<CityCode>,
    pub country_code: String,
    /// Degrees, north and east positive.
    pub latitude: f64,
    pub longitude: f64,
    pub elevation_ft: Option<i32>,
    pub time_zone: Zone,
    /// Rank among the world's cargo airports; `None` for all but about 170.
    pub cargo_rank: Option<i32>,
    pub state: EntryState,
}

/// What an administrator decides about an entry, beside its facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryState {
    /// An inactive entry is not offered and is not for new flights; it can still be read.
    pub is_active: bool,
    pub version: i32,
}

impl EntryState {
    pub const NEW: Self = Self { is_active: true, version: 1 };
}

impl Airport {
    /// Returns the IANA time zone of that name.
    pub(super) fn zone(airport: AirportCode, name: &str) -> Result<Zone, ReferenceError> {
        Zone::named(name).ok_or_else(|| ReferenceError::TimeZone { airport, zone: name.to_owned() })
    }

    /// Returns true for the about 170 airports that have a rank in air cargo.
    pub const fn is_major(&self) -> bool {
        self.cargo_rank.is_some()
    }

    /// Returns the instant with this airport's own offset.
    pub fn local(&self, instant: DateTime<Utc>) -> DateTime<FixedOffset> {
        self.time_zone.local(instant)
    }

    /// Returns the local calendar date of an instant.
    pub fn local_date(&self, instant: DateTime<Utc>) -> NaiveDate {
        self.local(instant).date_naive()
    }

    /// Returns the first instant of a local calendar date, and the first instant after it.
    pub fn day(&self, date: NaiveDate) -> (DateTime<Utc>, DateTime<Utc>) {
        (self.start_of(date), self.start_of(date + Days::new(1)))
    }

    /// Returns the first instant of a local calendar date. Where a change of offset skips midnight, the day begins
    /// after the clocks have gone forward.
    pub fn start_of(&self, date: NaiveDate) -> DateTime<Utc> {
        let midnight = NaiveDateTime::new(date, NaiveTime::MIN);
        // No zone skips more than a day (Samoa skipped one in 2011).
        (0..=96)
            .find_map(|quarters| self.time_zone.showing(midnight + TimeDelta::minutes(15 * quarters)))
            .unwrap_or_else(|| midnight.and_utc())
    }

    /// Returns the instant of a local date and time. One that a change of offset skips moves forward by as much: it is
    /// counted with the offset before. Of one that comes twice it is the first.
    pub fn at(&self, local: NaiveDateTime) -> DateTime<Utc> {
        self.time_zone.at(local)
    }

    /// Returns the same instant, but of a local date and time that comes twice the second.
    pub fn at_second(&self, local: NaiveDateTime) -> DateTime<Utc> {
        self.time_zone.at_second(local)
    }

    /// Returns the great-circle distance in kilometres on a sphere of the Earth's mean radius.
    pub fn distance_km(&self, other: &Self) -> f64 {
        const MEAN_RADIUS_KM: f64 = 6371.0088;
        let (from, to) = (self.latitude.to_radians(), other.latitude.to_radians());
        let half_lat = ((to - from) / 2.0).sin();
        let half_lon = ((other.longitude - self.longitude).to_radians() / 2.0).sin();
        let haversine = half_lat.powi(2) + from.cos() * to.cos() * half_lon.powi(2);
        2.0 * MEAN_RADIUS_KM * haversine.sqrt().min(1.0).asin()
    }
}

words! {
    /// What an airline carries.
    pub enum AirlineKind {
        /// Passengers, and cargo at most beside them.
        Passenger = "PASSENGER",
        /// Cargo alone.
        Cargo = "CARGO",
        /// Passengers and cargo.
        Both = "BOTH",
    }
}

impl AirlineKind {
    /// Returns the kind that agrees with `is_cargo_only`, which counts where the two differ.
    pub fn agreeing(kind: Option<Self>, is_cargo_only: bool) -> Option<Self> {
        if is_cargo_only { Some(Self::Cargo) } else { kind.filter(|kind| *kind != Self::Cargo) }
    }
}

/// An airline that carries cargo.
#[derive(Debug, Clone, PartialEq)]
pub struct Airline {
    pub code: AirlineCode,
    pub icao_code: Option<String>,
    pub name: String,
    pub country_code: String,
    /// The first three digits of the airline's air waybill numbers.
    pub awb_prefix: Option<String>,
    pub alliance: Option<String>,
    pub is_cargo_only: bool,
    /// `Cargo` exactly if `is_cargo_only`; `None`: not known.
    pub kind: Option<AirlineKind>,
    /// Where it is at home, in its own order.
    pub hub_airports: Vec<AirportCode>,
    /// Of its flights that arrived in the last 90 days; it changes without the version. `None`: of too few.
    pub on_time_percent: Option<Tenths>,
    pub state: EntryState,
}

/// Flights of an airline in a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flown {
    pub airline: AirlineCode,
    /// Those whose actual time is known.
    pub flights: i64,
    /// Of these, those at most 15 minutes late.
    pub on_time: i64,
}

impl Flown {
    /// Of fewer flights a percentage says nothing.
    const FEWEST: i64 = 20;

    /// Returns the percentage of flights that were on time; `None` of too few flights.
    pub fn percent(flights: i64, on_time: i64) -> Option<Tenths> {
        if flights < Self::FEWEST { None } else { Tenths::percent(on_time, flights) }
    }
}

/// An aircraft type with typical cargo figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Aircraft {
    pub code: AircraftCode,
    pub icao_code: Option<String>,
    pub name: String,
    pub manufacturer: String,
    pub max_cargo: Weight,
    pub max_volume: Volume,
    pub positions: Positions,
    pub is_freighter: bool,
    /// `None`: not known.
    pub co2e_per_tkm: Option<EmissionFactor>,
    /// Empty: not known, and no piece is judged by them.
    pub openings: Vec<Opening>,
    pub state: EntryState,
}

/// Countries that rules name together. The regions are disjoint and cover every country.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    pub code: &'static str,
    pub name: &'static str,
    /// ISO 3166-1 alpha-2, in order.
    pub countries: Vec<&'static str>,
}

/// A city with a code of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct City {
    pub code: CityCode,
    pub name: String,
    pub country_code: String,
    /// At most six; some may not exist here.
    pub airports: Vec<AirportCode>,
}

/// A local or former name of a city.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceName {
    pub name: String,
    /// As its airports have it.
    pub city: String,
    pub country_code: String,
}

/// Entries by their codes.
pub type Entries<C, E> = BTreeMap<C, Arc<E>>;

/// All reference data.
#[derive(Debug, Default, Clone)]
pub struct Catalogue {
    pub airports: Entries<AirportCode, Airport>,
    pub airlines: Entries<AirlineCode, Airline>,
    pub aircraft: Entries<AircraftCode, Aircraft>,
    pub handling_codes: BTreeMap<HandlingCode, String>,
    pub cities: BTreeMap<CityCode, City>,
    pub place_names: Vec<PlaceName>,
}

#[cfg(test)]
mod tests {
    use super::{super::Reference, *};

    fn airport(zone: &str) -> Airport {
        let code = "XXX".parse().unwrap();
        Airport {
            code,
            icao_code: None,
            name: String::new(),
            city: String::new(),
            city_code: None,
            country_code: String::new(),
            latitude: 0.0,
            longitude: 0.0,
            elevation_ft: None,
            time_zone: Airport::zone(code, zone).unwrap(),
            cargo_rank: None,
            state: EntryState::NEW,
        }
    }

    fn instant(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_begins_at_local_midnight() {
        for (zone, day, begins) in [
            ("Asia/Kolkata", "2026-11-20", "2026-11-19T18:30:00Z"),
            ("Europe/London", "2026-11-20", "2026-11-20T00:00:00Z"),
            ("Europe/London", "2026-07-01", "2026-06-30T23:00:00Z"),
            ("Europe/London", "2026-03-29", "2026-03-29T00:00:00Z"),
            ("Europe/London", "2026-10-25", "2026-10-24T23:00:00Z"),
            ("Pacific/Kiritimati", "2026-11-20", "2026-11-19T10:00:00Z"),
        ] {
            assert_eq!(airport(zone).start_of(date(day)), instant(begins), "{zone} {day}");
        }
    }

    #[test]
    fn a_day_whose_midnight_is_skipped_begins_when_the_clocks_have_gone_forward() {
        let sao_paulo = airport("America/Sao_Paulo");
        let begins = sao_paulo.start_of(date("2018-11-04"));
        assert_eq!(begins, instant("2018-11-04T03:00:00Z"));
        assert_eq!(sao_paulo.local(begins).to_rfc3339(), "2018-11-04T01:00:00-02:00");
    }

    #[test]
    fn a_day_whose_midnight_comes_twice_begins_at_the_first() {
        // Cuba's clocks went back from 01:00 to 00:00.
        assert_eq!(airport("America/Havana").start_of(date("2024-11-03")), instant("2024-11-03T04:00:00Z"));
    }

    #[test]
    fn a_day_that_is_skipped_altogether_is_empty() {
        let apia = airport("Pacific/Apia");
        let begins = apia.start_of(date("2011-12-30"));
        assert_eq!(begins, instant("2011-12-30T10:00:00Z"));
        assert_eq!(apia.start_of(date("2011-12-31")), begins);
        assert_eq!(apia.local_date(begins), date("2011-12-31"));
        assert_eq!(apia.local_date(begins - TimeDelta::seconds(1)), date("2011-12-29"));
    }

    #[test]
    fn a_local_time_is_an_instant_also_when_the_clocks_change() {
        for (zone, local, expected) in [
            ("Europe/London", "2027-03-28T00:59:00", "2027-03-28T00:59:00Z"),
            // Skipped: from 01:00 to 02:00.
            ("Europe/London", "2027-03-28T01:00:00", "2027-03-28T01:00:00Z"),
            ("Europe/London", "2027-03-28T01:30:00", "2027-03-28T01:30:00Z"),
            ("Europe/London", "2027-03-28T02:00:00", "2027-03-28T01:00:00Z"),
            // Twice: from 01:00 to 02:00.
            ("Europe/London", "2027-10-31T00:59:00", "2027-10-30T23:59:00Z"),
            ("Europe/London", "2027-10-31T01:30:00", "2027-10-31T00:30:00Z"),
            ("Europe/London", "2027-10-31T02:00:00", "2027-10-31T02:00:00Z"),
            // Skipped: from 02:00 to 03:00. Twice: from 01:00 to 02:00.
            ("America/New_York", "2027-03-14T01:59:00", "2027-03-14T06:59:00Z"),
            ("America/New_York", "2027-03-14T02:30:00", "2027-03-14T07:30:00Z"),
            ("America/New_York", "2027-03-14T03:00:00", "2027-03-14T07:00:00Z"),
            ("America/New_York", "2027-11-07T01:30:00", "2027-11-07T05:30:00Z"),
            ("America/New_York", "2027-11-07T02:00:00", "2027-11-07T07:00:00Z"),
            // Half an hour is skipped, from 02:00 to 02:30.
            ("Australia/Lord_Howe", "2027-10-03T02:10:00", "2027-10-02T15:40:00Z"),
            ("Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T22:00:00Z"),
            ("Asia/Kolkata", "2027-03-28T02:30:00", "2027-03-27T21:00:00Z"),
        ] {
            assert_eq!(airport(zone).at(local.parse().unwrap()), instant(expected), "{zone} {local}");
        }
    }

    #[test]
    fn every_instant_lies_in_its_local_day() {
        for zone in ["America/Sao_Paulo", "Pacific/Apia", "Europe/London", "Asia/Kolkata", "Australia/Lord_Howe"] {
            let airport = airport(zone);
            let mut now = instant("2011-12-01T00:17:00Z");
            while now < instant("2012-12-31T00:00:00Z") {
                let today = airport.local_date(now);
                assert!(airport.start_of(today) <= now, "{zone} {now}");
                assert!(now < airport.start_of(today + TimeDelta::days(1)), "{zone} {now}");
                now += TimeDelta::hours(1);
            }
        }
    }

    #[test]
    fn local_dates_and_offsets_are_the_airports_own() {
        let late = instant("2026-07-01T19:00:00Z");
        assert_eq!(airport("Asia/Kolkata").local_date(late), date("2026-07-02"));
        assert_eq!(airport("Asia/Kolkata").local(late).to_rfc3339(), "2026-07-02T00:30:00+05:30");
        assert_eq!(airport("Europe/London").local_date(late), date("2026-07-01"));
        assert_eq!(airport("Europe/London").local(late).to_rfc3339(), "2026-07-01T20:00:00+01:00");
        assert_eq!(airport("America/Sao_Paulo").local_date(instant("2026-07-01T02:59:59Z")), date("2026-06-30"));
    }

    #[test]
    fn an_unknown_time_zone_names_its_airport() {
        let error = Airport::zone("DEL".parse().unwrap(), "Asia/Delhi").unwrap_err();
        let text = error.to_string();
        assert!(text.contains("DEL") && text.contains("Asia/Delhi"), "{text}");
    }

    #[test]
    fn distances_are_great_circles() {
        let reference = Reference::bundled().unwrap();
        let airport = |code: &str| reference.airport(code.parse().unwrap()).unwrap();
        for (from, to, kilometres) in [("DEL", "LHR", 6_720.0), ("JFK", "LHR", 5_540.0), ("AKL", "SCL", 9_670.0)] {
            let distance = airport(from).distance_km(&airport(to));
            assert!((distance / kilometres - 1.0).abs() < 0.01, "{from}-{to}: {distance}");
            assert!((distance - airport(to).distance_km(&airport(from))).abs() < 1e-6);
        }
        assert!(airport("DEL").distance_km(&airport("DEL")).abs() < 1e-9);
    }
}
