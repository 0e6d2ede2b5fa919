use super::model::Region;

const REGIONS: &str = include_str!("../../../data/regions.csv");

/// Returns the regions of the bundled file, by code.
pub(super) fn bundled() -> Vec<Region> {
    REGIONS.lines().skip(1).filter_map(region).collect()
}

fn region(line: &'static str) -> Option<Region> {
    let mut cells = line.split(',');
    let (code, name, countries) = (cells.next()?, cells.next()?, cells.next()?);
    Some(Region { code, name, countries: countries.split(' ').collect() })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::Reference;

    #[test]
    fn seven_regions_divide_the_countries_among_them() {
        let regions = bundled();
        let codes: Vec<&str> = regions.iter().map(|region| region.code).collect();
        let expected = ["AFRICA", "ASIA", "EUROPE", "LATIN_AMERICA", "MIDDLE_EAST", "NORTH_AMERICA", "OCEANIA"];
        assert_eq!(codes, expected);
        let mut of = BTreeMap::new();
        for region in &regions {
            assert!(region.countries.is_sorted(), "{}", region.code);
            for country in &region.countries {
                assert_eq!(country.len(), 2);
                assert_eq!(of.insert(*country, region.code), None, "{country} is in two regions");
            }
        }
        assert_eq!(of.len(), 250, "ISO 3166-1 and Kosovo");
        for (country, region) in [("GB", "EUROPE"), ("IN", "ASIA"), ("AE", "MIDDLE_EAST"), ("MX", "LATIN_AMERICA")] {
            assert_eq!(of[country], region);
        }
    }

    #[test]
    fn every_country_of_the_reference_data_has_a_region() {
        let known: BTreeSet<&str> = bundled().into_iter().flat_map(|region| region.countries).collect();
        let reference = Reference::bundled().unwrap();
        let current = reference.current();
        let airports = current.catalogue.airports.values().map(|airport| airport.country_code.as_str());
        let all = airports.chain(current.catalogue.airlines.values().map(|airline| airline.country_code.as_str()));
        let missing: BTreeSet<&str> = all.filter(|country| !known.contains(country)).collect();
        assert_eq!(missing, BTreeSet::new());
    }
}
