//! The schedule over HTTP: putting flights on it, finding them, how much room they have, which routes they make.
mod availability;
mod create;
mod input;
mod list;
mod routes;

use loadmaster_testkit::World;
use serde_json::{Value, json};

const FLIGHTS: &str = "/api/v1/flights";

/// A body that is accepted: Delhi to London with room for a tonne.
fn flight() -> Value {
    json!({
        "flight_number": "AI101", "origin": "DEL", "destination": "LHR",
        "departure_datetime": "2026-11-21T10:00:00Z", "arrival_datetime": "2026-11-21T19:30:00Z",
        "capacity": {"weight_kg": 1000},
    })
}

/// The same with other or further members; `null` takes one away.
fn flight_with(more: Value) -> Value {
    let mut body = flight();
    for (member, value) in more.as_object().unwrap().clone() {
        body[member] = value;
    }
    body
}

/// Puts it on the schedule.
async fn create(world: &World, more: Value) -> Value {
    world.admin().await.post(FLIGHTS, flight_with(more)).await.expect(201)
}

fn id_of(flight: &Value) -> uuid::Uuid {
    flight["id"].as_str().unwrap().parse().unwrap()
}
