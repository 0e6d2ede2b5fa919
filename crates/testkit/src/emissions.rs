//! What freight emits.
use serde_json::{Value, json};

use super::{Client, WorldOptions};

impl WorldOptions {
    /// With factors of the classes that differ from each other; none is a published one.
    #[must_use]
    pub fn with_factors(self) -> Self {
        self.set("emissions.belly_short_haul", "1.1")
            .set("emissions.belly_long_haul", "0.75")
            .set("emissions.freighter_short_haul", "2.2")
            .set("emissions.freighter_long_haul", "0.5")
    }
}

/// Gives an aircraft type a factor, or takes it away.
pub async fn set_factor(admin: &Client, aircraft: &str, factor: Value) {
    let change = json!({"co2e_kg_per_tkm": factor});
    admin.patch(&format!("/api/v1/aircraft/{aircraft}"), change).await.expect(200);
}

/// Asserts that emissions are the sum of their legs for this weight, to 0.1 kg, and returns factor and basis of each leg.
pub fn factors_of(emissions: &Value, kilograms: f64) -> Vec<(f64, String)> {
    assert_eq!(emissions["method"], "GLEC", "{emissions}");
    let legs = emissions["legs"].as_array().expect("legs");
    let figure = |leg: &Value, member: &str| leg[member].as_f64().expect("a number");
    let sum: f64 = legs.iter().map(|leg| figure(leg, "distance_km") * figure(leg, "factor") * kilograms / 1000.0).sum();
    let emitted = emissions["co2e_kg"].as_f64().expect("a number");
    assert!((emitted - sum).abs() < 0.050_001, "{emissions}: {sum}");
    legs.iter().map(|leg| (figure(leg, "factor"), leg["basis"].as_str().expect("a word").to_owned())).collect()
}
