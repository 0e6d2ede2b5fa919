//! Room that is held before it is booked.
use serde_json::{Value, json};

use crate::{
    Client,
    freight::{text, with},
};

pub const HOLDS: &str = "/api/v1/holds";

/// Room for 100 kg on these flights.
pub fn hold_on(flights: &[&Value]) -> Value {
    let ids: Vec<&str> = flights.iter().map(|flight| text(flight, "id")).collect();
    json!({ "flight_ids": ids, "weight_kg": 100 })
}

/// The path of a hold.
pub fn at(hold: &Value) -> String {
    format!("{HOLDS}/{}", text(hold, "id"))
}

impl Client {
    /// Holds room.
    pub async fn hold(&self, wanted: Value) -> Value {
        self.post(HOLDS, wanted).await.expect(201)
    }

    /// Holds so many kilograms on one flight.
    pub async fn hold_weight(&self, flight: &Value, kilograms: f64) -> Value {
        self.hold(with(hold_on(&[flight]), json!({ "weight_kg": kilograms }))).await
    }

    /// The hold as it is now.
    pub async fn held(&self, hold: &Value) -> Value {
        self.get(&at(hold)).await.expect(200)
    }

    /// Makes a booking of a hold.
    pub async fn commit(&self, hold: &Value, body: Value) -> Value {
        self.post(&format!("{}/commit", at(hold)), body).await.expect(201)
    }

    /// The room on a flight, by its availability.
    pub async fn room(&self, flight: &Value) -> Value {
        self.get(&format!("/api/v1/flights/{}/availability", text(flight, "id"))).await.expect(200)
    }
}
