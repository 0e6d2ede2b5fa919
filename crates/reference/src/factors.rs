//! The factors of classes of aircraft, as the settings name them.
use loadmaster_kernel::{EmissionFactor, Rate};
use loadmaster_platform::settings;

/// The factors of the classes of aircraft; `None`: not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClassFactors {
    /// Great circles from which a flight is a long haul.
    pub long_haul_km: i64,
    pub belly: Hauls,
    pub freighter: Hauls,
}

/// The factors of a class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hauls {
    pub short: Option<EmissionFactor>,
    pub long: Option<EmissionFactor>,
}

impl ClassFactors {
    pub fn of(settings: &settings::Emissions) -> Self {
        let factor = |rate: Option<Rate>| rate.map(|rate| EmissionFactor::from_ten_thousandths(rate.ten_thousandths()));
        let hauls = |short, long| Hauls { short: factor(short), long: factor(long) };
        Self {
            long_haul_km: settings.long_haul_km.into(),
            belly: hauls(settings.belly_short_haul, settings.belly_long_haul),
            freighter: hauls(settings.freighter_short_haul, settings.freighter_long_haul),
        }
    }

    /// Returns the factor of a flight over this great circle.
    pub const fn factor(&self, is_freighter: bool, great_circle_km: i64) -> Option<EmissionFactor> {
        let hauls = if is_freighter { self.freighter } else { self.belly };
        if great_circle_km < self.long_haul_km { hauls.short } else { hauls.long }
    }
}
