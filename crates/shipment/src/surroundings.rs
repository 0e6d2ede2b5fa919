use chrono::{DateTime, Utc};
use loadmaster_kernel::{AirportCode, HandlingCode};
use loadmaster_reference::{Emissions, Reference};
use loadmaster_stations::StationService;

/// What holds and bookings show besides what is stored of them: from reference data, and by when stations take freight. Cheap to
/// clone.
#[derive(Clone)]
pub struct Surroundings {
    pub reference: Reference,
    stations: StationService,
}

/// The first flight of freight, as it is now.
#[derive(Debug, Clone, Copy)]
pub struct FirstFlight {
    pub origin: AirportCode,
    pub departure: DateTime<Utc>,
    pub cutoff: DateTime<Utc>,
}

impl Surroundings {
    pub const fn new(reference: Reference, stations: StationService) -> Self {
        Self { reference, stations }
    }

    /// Returns by when the station takes the freight for its first flight, if it says so.
    pub fn latest_acceptance(
        &self,
        first: FirstFlight,
        product: &str,
        special_handling_codes: &[HandlingCode],
    ) -> Option<DateTime<Utc>> {
        let lead_time = self.stations.known_acceptances().lead_time(first.origin, product, special_handling_codes)?;
        Some(lead_time.latest_acceptance(first.departure, first.cutoff))
    }
}

/// Returns the entity tag of a hold or booking: its version and, after dashes, what changes without it: by when the station takes
/// the freight, and what it emits.
pub fn tag_of(version: i32, latest_acceptance: Option<DateTime<Utc>>, emissions: Option<&Emissions>) -> String {
    let latest = latest_acceptance.map_or_else(String::new, |latest| format!("-{}", latest.timestamp()));
    let emitted = emissions.map_or_else(String::new, |emissions| format!("-e{}", emissions.co2e_kg.hectograms()));
    format!("{version}{latest}{emitted}")
}

#[cfg(test)]
mod tests {
    use loadmaster_kernel::Co2e;
    use loadmaster_reference::EmissionMethod;

    use super::*;

    #[test]
    fn a_tag_has_the_version_before_its_first_dash() {
        let emissions =
            Emissions { co2e_kg: Co2e::rounded(123_000_000), method: EmissionMethod::Glec, legs: Vec::new() };
        let latest = DateTime::from_timestamp(1_800_000_000, 0);
        assert_eq!(tag_of(7, None, None), "7");
        assert_eq!(tag_of(7, latest, None), "7-1800000000");
        assert_eq!(tag_of(7, None, Some(&emissions)), "7-e12");
        assert_eq!(tag_of(7, latest, Some(&emissions)), "7-1800000000-e12");
    }
}
