use chrono::{
    DateTime, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc,
};
use chrono_tz::Tz;

use super::error::ReferenceError;
use crate::kernel::{AircraftCode, AirlineCode, AirportCode, Positions, Volume, Weight};

/// An airport with an IATA code.
#[derive(Debug, Clone)]
pub struct Airport {
    pub code: AirportCode,
    pub icao_code: Option<String>,
    pub name: String,
    pub city: String,
    pub country_code: String,
    /// Degrees, north and east positive.
    pub latitude: f64,
    pub longitude: f64,
    pub elevation_ft: Option<i32>,
    pub time_zone: Tz,
    /// Rank among the world's cargo airports; `None` for all but about 170.
    pub cargo_rank: Option<i32>,
}

impl Airport {
    /// The IANA time zone of that name.
    pub(super) fn zone(airport: AirportCode, name: &str) -> Result<Tz, ReferenceError> {
        name.parse().map_err(|_| ReferenceError::TimeZone { airport, zone: name.to_owned() })
    }

    /// True for the about 170 airports that have a rank in air cargo.
    pub const fn is_major(&self) -> bool {
        self.cargo_rank.is_some()
    }

    /// The instant with this airport's own offset.
    pub fn local(&self, instant: DateTime<Utc>) -> DateTime<FixedOffset> {
        let local = instant.with_timezone(&self.time_zone);
        local.with_timezone(&local.offset().fix())
    }

    /// The local calendar date of an instant.
    pub fn local_date(&self, instant: DateTime<Utc>) -> NaiveDate {
        instant.with_timezone(&self.time_zone).date_naive()
    }

    /// The first instant of a local calendar date. Where midnight is skipped by a change of offset, the day begins
    /// when the clocks have gone forward.
    pub fn start_of(&self, date: NaiveDate) -> DateTime<Utc> {
        let midnight = NaiveDateTime::new(date, NaiveTime::MIN);
        // No zone skips more than a day (Samoa did exactly that in 2011).
        (0..=96)
            .find_map(|quarters| {
                match self.time_zone.from_local_datetime(&(midnight + TimeDelta::minutes(15 * quarters))) {
                    LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => Some(instant.to_utc()),
                    LocalResult::None => None,
                }
            })
            .unwrap_or_else(|| midnight.and_utc())
    }

    /// Great-circle distance in kilometres on a sphere of the Earth's mean radius.
    pub fn distance_km(&self, other: &Self) -> f64 {
        const MEAN_RADIUS_KM: f64 = 6371.0088;
        let (from, to) = (self.latitude.to_radians(), other.latitude.to_radians());
        let half_lat = ((to - from) / 2.0).sin();
        let half_lon = ((other.longitude - self.longitude).to_radians() / 2.0).sin();
        let haversine = half_lat.powi(2) + from.cos() * to.cos() * half_lon.powi(2);
        2.0 * MEAN_RADIUS_KM * haversine.sqrt().min(1.0).asin()
    }
}

/// An airline that carries cargo.
#[derive(Debug, Clone)]
pub struct Airline {
    pub code: AirlineCode,
    pub icao_code: Option<String>,
    pub name: String,
    pub country_code: String,
    /// The first three digits of its air waybills.
    pub awb_prefix: Option<String>,
    pub alliance: Option<String>,
    pub is_cargo_only: bool,
}

/// An aircraft type with typical cargo figures.
#[derive(Debug, Clone)]
pub struct Aircraft {
    pub code: AircraftCode,
    pub icao_code: Option<String>,
    pub name: String,
    pub manufacturer: String,
    pub max_cargo: Weight,
    pub max_volume: Volume,
    pub positions: Positions,
    pub is_freighter: bool,
}
