//! What freight emits where its aircraft type has no factor of its own.
use loadmaster_kernel::Rate;
use serde::{Deserialize, Serialize};

/// Kilograms of CO₂ equivalents per tonne-kilometre by class of aircraft and distance; `None`: not known.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Emissions {
    pub long_haul_km: u32,
    pub belly_short_haul: Option<Rate>,
    pub belly_long_haul: Option<Rate>,
    pub freighter_short_haul: Option<Rate>,
    pub freighter_long_haul: Option<Rate>,
}

impl Emissions {
    /// Returns the factors with the names of their settings.
    pub const fn factors(&self) -> [(&'static str, Option<Rate>); 4] {
        [
            ("emissions.belly_short_haul", self.belly_short_haul),
            ("emissions.belly_long_haul", self.belly_long_haul),
            ("emissions.freighter_short_haul", self.freighter_short_haul),
            ("emissions.freighter_long_haul", self.freighter_long_haul),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Settings, Sources};

    fn given(name: &str, value: &str) -> Result<Settings, String> {
        let env = std::iter::once((format!("LOADMASTER_EMISSIONS__{name}"), value.to_owned())).collect();
        Settings::load(Sources { env, ..Sources::default() }).map_err(|error| error.to_string())
    }

    #[test]
    fn a_factor_is_positive_and_bounded() {
        for (name, value, expected) in [
            ("BELLY_SHORT_HAUL", "0", "emissions.belly_short_haul must be above 0 and below 100"),
            ("FREIGHTER_LONG_HAUL", "100", "emissions.freighter_long_haul must be above 0 and below 100"),
            ("BELLY_LONG_HAUL", "-0.5", "emissions.belly_long_haul is invalid"),
            ("FREIGHTER_SHORT_HAUL", "0.00001", "emissions.freighter_short_haul is invalid"),
            ("LONG_HAUL_KM", "20016", "emissions.long_haul_km must be between 0 and 20015, not 20016"),
        ] {
            let error = given(name, value).unwrap_err();
            assert!(error.contains(expected), "{name}: {error}");
        }
        let factor = given("BELLY_SHORT_HAUL", "0.8123").unwrap().emissions.belly_short_haul;
        assert_eq!(factor.map(loadmaster_kernel::Rate::ten_thousandths), Some(8123));
    }

    #[test]
    fn no_factor_has_a_default() {
        let emissions = given("LONG_HAUL_KM", "1500").unwrap().emissions;
        assert!(emissions.factors().iter().all(|(_, factor)| factor.is_none()));
    }
}
