//! More may be sold on a flight than it carries, by a percentage that administrators set; it departs with what it carries.
mod carrying;
mod departing;
mod older;
mod selling;

use loadmaster_testkit::{Client, NewFlight, World, amending::patch, flight_verbs::path_to};
use serde_json::{Value, json};

/// DEL–LHR with a thousand kilograms, a thousand cubic metres and ten positions, overbooked like this.
async fn overbooked(world: &World, percents: Value) -> Value {
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    overbook(&world.admin().await, &flight, percents).await
}

/// Changes the percentages; answers the flight.
async fn overbook(admin: &Client, flight: &Value, percents: Value) -> Value {
    patch(admin, &path_to(flight), json!({"overbooking": percents})).await.expect(200)
}

fn percents(weight: u8, volume: u8, positions: u8) -> Value {
    json!({"weight_percent": weight, "volume_percent": volume, "positions_percent": positions})
}

fn space(weight: f64, volume: f64, positions: u32) -> Value {
    loadmaster_testkit::freight::raw(&format!(
        r#"{{"weight_kg": {weight}, "volume_m3": {volume}, "positions": {positions}}}"#
    ))
}
