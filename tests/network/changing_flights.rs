//! Changing a flight: its times, aircraft, capacity and cut-off, and what that does to the bookings on it.
mod aircraft;
mod capacity;
mod connections;
mod cutoffs;
mod faults;
mod importing;
mod nights;
mod offloading;
mod openings;
mod operators;
mod requests;
mod retiming;
mod states;

use loadmaster_testkit::{
    Answer, Client, NewFlight, World,
    amending::patch,
    flight_verbs::{flight_now, path_to},
};
use serde_json::{Value, json};

const FLIGHTS: &str = "/api/v1/flights";

async fn change(admin: &Client, flight: &Value, wish: Value) -> Answer {
    patch(admin, &path_to(flight), wish).await
}

/// Expects the change to be refused with this code, and that nothing comes of it.
async fn refused(world: &World, admin: &Client, flight: &Value, wish: Value, code: &str) -> Value {
    let before = (world.written().await, flight_now(admin, flight).await);
    let told = wish.to_string();
    let answer = change(admin, flight, wish).await;
    assert_eq!(answer.body["code"], code, "{told}: {}", answer.text);
    let problem = answer.expect_problem(409, code);
    assert_eq!((world.written().await, flight_now(admin, flight).await), before, "{told}: something was written");
    problem
}

/// Puts a flight with these members on the schedule.
async fn create(admin: &Client, body: Value) -> Value {
    admin.post(FLIGHTS, body).await.expect(201)
}

fn space(weight: f64, volume: f64, positions: u32) -> Value {
    let short = |figure: f64| if figure.fract() == 0.0 { format!("{figure:.0}") } else { figure.to_string() };
    loadmaster_testkit::freight::raw(&format!(
        r#"{{"weight_kg": {}, "volume_m3": {}, "positions": {positions}}}"#,
        short(weight),
        short(volume)
    ))
}

/// DEL–LHR, from 10:00 to 19:30 UTC on 21 November 2026, four hours in the example of most tests.
async fn direct(world: &World) -> Value {
    world.flight(NewFlight::new("AI101", "DEL", "LHR").departs("2026-11-21T10:00:00Z").takes_minutes(570)).await
}

/// The first part of the flight's `ETag`.
async fn version_tag(client: &Client, flight: &Value) -> String {
    let answer = client.get(&path_to(flight)).await;
    let tag = answer.header("etag").expect("a tag").trim_matches('"').to_owned();
    assert_eq!(answer.body["version"], json!(tag.split('-').next().unwrap().parse::<u64>().unwrap()));
    tag.split_once('-').expect("a dash").0.to_owned()
}
