//! Schedules and what is looked for on them.
use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    pub cache_ttl_seconds: u64,
    pub min_connection_minutes: u32,
    /// By IATA airport code, upper case.
    pub connection_minutes_by_airport: BTreeMap<String, u32>,
    pub max_stops: u8,
    pub alternative_days: u8,
}

impl Search {
    /// Returns the minutes that a connection needs at `airport` (upper-case IATA code).
    pub fn connection_minutes(&self, airport: &str) -> u32 {
        self.connection_minutes_by_airport.get(airport).copied().unwrap_or(self.min_connection_minutes)
    }
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Analytics {
    pub search_days: u32,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    pub weights_kg: Vec<u32>,
    pub frequent_lanes: u32,
    pub max_lanes: u32,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Ssim {
    pub service_types: Vec<String>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Feeds {
    pub folder: Option<PathBuf>,
    pub far_minutes: u32,
    pub max_gone_percent: u32,
}

#[cfg(test)]
mod tests {
    use super::super::{Settings, Sources};

    fn given(name: &str, value: &str) -> Result<Settings, String> {
        let env = std::iter::once((name.to_owned(), value.to_owned())).collect();
        Settings::load(Sources { env, ..Sources::default() }).map_err(|error| error.to_string())
    }

    #[test]
    fn weights_of_rates_rise_and_are_few() {
        for weights in ["[]", "[300, 100]", "[100, 100]", "[1, 2, 3, 4, 5, 6]"] {
            let error = given("LOADMASTER_RATES__WEIGHTS_KG", weights).unwrap_err();
            assert!(error.contains("rates.weights_kg must be one to five rising weights"), "{weights}: {error}");
        }
        for (name, value, expected) in [
            ("WEIGHTS_KG", "0,45", "rates.weights_kg must be between 1 and 100000, not 0"),
            ("MAX_LANES", "10001", "rates.max_lanes must be between 0 and 10000, not 10001"),
            ("FREQUENT_LANES", "1001", "rates.frequent_lanes must be between 0 and 1000, not 1001"),
        ] {
            let error = given(&format!("LOADMASTER_RATES__{name}"), value).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        assert_eq!(given("LOADMASTER_RATES__WEIGHTS_KG", "45,100000").unwrap().rates.weights_kg, [45, 100_000]);
    }

    #[test]
    fn service_types_are_capital_letters() {
        for services in ["[]", "j,F", "JF", "1"] {
            let error = given("LOADMASTER_SSIM__SERVICE_TYPES", services).unwrap_err();
            let expected = "ssim.service_types must be one or more single capital letters";
            assert!(error.contains(expected), "{services}: {error}");
        }
        assert_eq!(given("LOADMASTER_SSIM__SERVICE_TYPES", "F,J,C").unwrap().ssim.service_types, ["F", "J", "C"]);
        assert_eq!(given("LOADMASTER_RATES__MAX_LANES", "1").unwrap().ssim.service_types, ["J", "F"]);
    }

    #[test]
    fn bounds_of_feeds_are_bounded() {
        for (name, value, expected) in [
            ("FAR_MINUTES", "0", "feeds.far_minutes must be between 1 and 1440, not 0"),
            ("MAX_GONE_PERCENT", "101", "feeds.max_gone_percent must be between 0 and 100, not 101"),
            ("FOLDER", "feeds", "feeds.folder must be an absolute path"),
        ] {
            let error = given(&format!("LOADMASTER_FEEDS__{name}"), value).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        let feeds = given("LOADMASTER_FEEDS__FOLDER", "/srv/feeds").unwrap().feeds;
        assert_eq!((feeds.folder, feeds.far_minutes, feeds.max_gone_percent), (Some("/srv/feeds".into()), 180, 10));
    }
}
