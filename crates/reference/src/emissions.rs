//! What freight emits: an estimate by the GLEC Framework and ISO 14083. Each leg counts its great circle and 95 km, times the
//! factor of the aircraft type or else of the class of the aircraft.
use loadmaster_kernel::{AircraftCode, AirportCode, Co2e, EmissionFactor, Weight, words};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Reference;

/// What ISO 14083 adds to the great circle of each flight.
const ADDED_KM: i64 = 95;

words! {
    /// How emissions are estimated.
    pub enum EmissionMethod {
        /// By the GLEC Framework, and so by ISO 14083: well to wheel.
        Glec = "GLEC",
    }
}

words! {
    /// What a factor is of.
    pub enum EmissionBasis {
        /// The aircraft type.
        Type = "TYPE",
        /// The class of the aircraft, with freight alone or below the passengers' deck, and the distance.
        Class = "CLASS",
    }
}

/// What freight emits: an estimate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Emissions {
    /// Kilograms of CO₂ equivalents: of each leg the distance, times the tonnes of gross weight, times the factor, and the sum
    /// rounded half up to 0.1 kg.
    pub co2e_kg: Co2e,
    pub method: EmissionMethod,
    /// The flights, in order.
    pub legs: Vec<EmissionLeg>,
}

/// What a leg adds to the emissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct EmissionLeg {
    /// The great circle in whole kilometres, and 95 km.
    #[schema(minimum = 95, maximum = 20_110, example = 6815)]
    pub distance_km: i64,
    /// Kilograms of CO₂ equivalents, well to wheel, for a tonne over a kilometre.
    pub factor: EmissionFactor,
    pub basis: EmissionBasis,
}

/// A flight as far as it decides what freight on it emits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Carriage {
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub aircraft: Option<AircraftCode>,
    pub is_freighter: bool,
}

impl Emissions {
    /// Returns what freight of this weight emits on these legs; `None` without a weight, or without a leg.
    pub fn of(weight: Weight, legs: Vec<EmissionLeg>) -> Option<Self> {
        if weight.is_zero() || legs.is_empty() {
            return None;
        }
        let co2e_kg = Co2e::of(weight, legs.iter().map(|leg| (leg.distance_km, leg.factor)));
        Some(Self { co2e_kg, method: EmissionMethod::Glec, legs })
    }
}

impl Reference {
    /// Returns what a flight adds to emissions; `None` if one of its airports or the factor is not known.
    pub fn emission_leg(&self, flight: &Carriage) -> Option<EmissionLeg> {
        let current = self.current();
        let airport = |code: AirportCode| current.catalogue.airports.get(&code);
        let distance = airport(flight.origin)?.distance_km(airport(flight.destination)?);
        #[allow(clippy::cast_possible_truncation, reason = "at most half of the Earth's circumference")]
        let great_circle_km = distance.round() as i64;
        let aircraft = flight.aircraft.and_then(|code| current.catalogue.aircraft.get(&code));
        let (factor, basis) = match aircraft.and_then(|aircraft| aircraft.co2e_per_tkm) {
            Some(factor) => (factor, EmissionBasis::Type),
            None => (self.class_factors().factor(flight.is_freighter, great_circle_km)?, EmissionBasis::Class),
        };
        Some(EmissionLeg { distance_km: great_circle_km + ADDED_KM, factor, basis })
    }

    /// Returns what freight of this weight emits on these flights; `None` without a weight, or if a leg's emissions are not
    /// known.
    pub fn emissions(&self, weight: Weight, flights: impl IntoIterator<Item = Carriage>) -> Option<Emissions> {
        if weight.is_zero() {
            return None;
        }
        let legs = flights.into_iter().map(|flight| self.emission_leg(&flight));
        Emissions::of(weight, legs.collect::<Option<_>>()?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        factors::{ClassFactors, Hauls},
        seed,
    };

    fn factor(text: &str) -> EmissionFactor {
        EmissionFactor::from_kilograms(text).unwrap()
    }

    /// Factors that differ from each other; none is a published one.
    fn reference() -> Reference {
        let hauls = |short, long| Hauls { short: Some(factor(short)), long: Some(factor(long)) };
        let (belly, freighter) = (hauls("1.1", "0.75"), hauls("2.2", "0.5"));
        Reference::with_factors(seed::bundled().unwrap(), ClassFactors { long_haul_km: 1500, belly, freighter })
    }

    fn carriage(origin: &str, destination: &str, is_freighter: bool) -> Carriage {
        let (origin, destination) = (origin.parse().unwrap(), destination.parse().unwrap());
        Carriage { origin, destination, aircraft: None, is_freighter }
    }

    fn kilograms(text: &str) -> Weight {
        Weight::from_kilograms(text).unwrap()
    }

    /// The great circle by the angle between the vectors from the Earth's centre: not the way of the product.
    fn by_vectors(reference: &Reference, origin: &str, destination: &str) -> f64 {
        let vector = |code: &str| {
            let airport = reference.airport(code.parse().unwrap()).unwrap();
            let (north, east) = (airport.latitude.to_radians(), airport.longitude.to_radians());
            [north.cos() * east.cos(), north.cos() * east.sin(), north.sin()]
        };
        let (from, to) = (vector(origin), vector(destination));
        6371.0 * from.iter().zip(to).map(|(a, b)| a * b).sum::<f64>().acos()
    }

    #[test]
    fn a_tonne_from_delhi_to_london_emits_its_great_circle_and_95_km_times_the_factor() {
        let reference = reference();
        let found = reference.emissions(kilograms("1000"), [carriage("DEL", "LHR", false)]).unwrap();
        let leg = found.legs[0];
        #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
        let deviation = (leg.distance_km as f64 - 95.0) / by_vectors(&reference, "DEL", "LHR") - 1.0;
        assert!(deviation.abs() < 0.005, "{leg:?}: {deviation}");
        assert_eq!((leg.factor, leg.basis), (factor("0.75"), EmissionBasis::Class));
        // Of a tonne: hundredths of a kilogram, rounded half up to tenths.
        let tenths = (leg.distance_km * 75 + 5) / 10;
        assert_eq!(found.co2e_kg.hectograms(), tenths);
        let shown = serde_json::to_value(&found).unwrap();
        let expected = json!({"distance_km": leg.distance_km, "factor": 0.75, "basis": "CLASS"});
        assert_eq!((&shown["method"], &shown["legs"]), (&json!("GLEC"), &json!([expected])));
    }

    #[test]
    fn the_class_decides_by_freighter_and_distance() {
        let reference = reference();
        for (origin, destination, is_freighter, expected) in [
            ("DEL", "LHR", false, "0.75"),
            ("DEL", "LHR", true, "0.5"),
            ("DEL", "BOM", false, "1.1"),
            ("DEL", "BOM", true, "2.2"),
        ] {
            let leg = reference.emission_leg(&carriage(origin, destination, is_freighter)).unwrap();
            assert_eq!(leg.factor, factor(expected), "{origin}-{destination} {is_freighter}");
        }
        let at = |kilometres| reference.class_factors().factor(false, kilometres);
        assert_eq!([at(1499), at(1500)], [Some(factor("1.1")), Some(factor("0.75"))]);
    }

    #[test]
    fn legs_are_added_up() {
        let reference = reference();
        let ways = [carriage("DEL", "BOM", false), carriage("BOM", "LHR", true)];
        let whole = reference.emissions(kilograms("250.5"), ways).unwrap();
        let parts = ways.map(|way| reference.emissions(kilograms("250.5"), [way]).unwrap());
        assert_eq!(whole.legs, parts.iter().flat_map(|part| part.legs.clone()).collect::<Vec<_>>());
        let sum: i64 = parts.iter().map(|part| part.co2e_kg.hectograms()).sum();
        assert!((whole.co2e_kg.hectograms() - sum).abs() <= 1, "{whole:?}");
    }

    #[test]
    fn nothing_is_estimated_without_weight_flights_airport_or_factor() {
        let reference = reference();
        let flight = carriage("DEL", "LHR", false);
        assert_eq!(reference.emissions(Weight::ZERO, [flight]), None);
        assert_eq!(reference.emissions(kilograms("1"), []), None);
        assert_eq!(reference.emissions(kilograms("1"), [flight, carriage("LHR", "QQQ", false)]), None);
        let unknown = Reference::bundled().unwrap();
        assert_eq!(unknown.emissions(kilograms("1"), [flight]), None);
    }

    #[test]
    fn the_factor_of_the_type_precedes_that_of_the_class() {
        let mut catalogue = seed::bundled().unwrap();
        let code: AircraftCode = "77X".parse().unwrap();
        let mut aircraft = (*catalogue.aircraft[&code]).clone();
        aircraft.co2e_per_tkm = Some(factor("0.4321"));
        catalogue.aircraft.insert(code, aircraft.into());
        let with_type = Reference::with_factors(catalogue, ClassFactors::default());
        let flight = Carriage { aircraft: Some(code), ..carriage("DEL", "LHR", true) };
        let leg = with_type.emission_leg(&flight).unwrap();
        assert_eq!((leg.factor, leg.basis), (factor("0.4321"), EmissionBasis::Type));
        // Another type has none, and neither has its class.
        let other = Carriage { aircraft: Some("74Y".parse().unwrap()), ..flight };
        assert_eq!(with_type.emission_leg(&other), None);
    }
}
