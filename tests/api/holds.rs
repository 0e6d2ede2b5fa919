//! Room that is held before it is booked.
mod amending;
mod bounds;
mod changing;
mod faults;
mod flights;
mod life;
mod lists;
mod positions;
mod races;
mod requests;
mod reservations;
mod searching;

use serde_json::{Value, json};

use crate::support::{
    Client, NewFlight, World,
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

/// A flight from Delhi to London.
async fn direct(world: &World, number: &str, kilograms: f64) -> Value {
    world.flight(NewFlight::new(number, "DEL", "LHR").weight(kilograms)).await
}

/// The weight that is held on a flight.
async fn held_on(client: &Client, flight: &Value) -> Value {
    client.room(flight).await["held"]["weight_kg"].clone()
}

/// The events of a hold, in order.
async fn events_of(world: &World, hold: &Value) -> Vec<String> {
    let id = text(hold, "id");
    world.texts(&format!("select event_type from hold_events where hold_id = '{id}' order by sequence")).await
}

/// The positions of a flight by name, as `P1 FREE`.
async fn positions(client: &Client, flight: &Value) -> Vec<String> {
    let list = client.get(&format!("/api/v1/flights/{}/positions", text(flight, "id"))).await.expect(200);
    list.as_array().unwrap().iter().map(|p| format!("{} {}", text(p, "name"), text(p, "status"))).collect()
}

/// A hold of 100 kg on a flight, of these positions.
fn named(flight: &Value, names: &[&str]) -> Value {
    with(hold_on(&[flight]), json!({ "position_names": { text(flight, "id"): names } }))
}
