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

use loadmaster_testkit::{
    Client, NewFlight, World,
    freight::{text, with},
    holds::hold_on,
};
use serde_json::{Value, json};

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
