//! Amending a booking, and what is told of it.
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Answer, Client, NewFlight, World, WorldOptions,
    bad_input::Case,
    freight::{each, path_of},
    start_of_time,
};

pub async fn patch(client: &Client, path: &str, change: Value) -> Answer {
    client.patch(path, change).await
}

/// The same, only on this version.
pub async fn patch_if(client: &Client, path: &str, tag: &str, change: Value) -> Answer {
    client.change_if(Method::PATCH, path, tag, change).await
}

pub async fn amend(client: &Client, booking: &Value, change: Value) -> Answer {
    patch(client, &path_of(booking), change).await
}

/// The booking as it is now.
pub async fn shown(client: &Client, booking: &Value) -> Value {
    client.get(&path_of(booking)).await.expect(200)
}

/// The history of a booking, oldest first.
pub async fn timeline(client: &Client, booking: &Value) -> Vec<Value> {
    let history = client.get(&format!("{}/history", path_of(booking))).await.expect(200);
    history["timeline"].as_array().expect("a list").clone()
}

/// The types of its events, oldest first.
pub async fn told_of(client: &Client, booking: &Value) -> Value {
    json!(each(&json!(timeline(client, booking).await), "event_type"))
}

/// Expects the change to be refused with this code, and that nothing comes of it.
pub async fn refused(world: &World, client: &Client, booking: &Value, change: Value, code: &str) -> Value {
    let before = world.written().await;
    let told = change.to_string();
    let answer = amend(client, booking, change).await;
    assert_eq!(answer.body["code"], code, "{told}: {}", answer.text);
    let problem = answer.expect_problem(409, code);
    assert_eq!(world.written().await, before, "{told}: something was written");
    problem
}

/// Sends each case on its own and expects exactly its one fault at the member (or, after a `|`, at another pointer).
/// Nothing is written.
pub async fn each_alone(world: &World, client: &Client, (method, path): (Method, &str), cases: Vec<Case>) {
    let before = world.written().await;
    for (place, value, code) in cases {
        let (member, pointer) = place
            .split_once('|')
            .map_or_else(|| (place, format!("/{place}")), |(member, pointer)| (member, pointer.to_owned()));
        let body = json!({(member): value}).to_string();
        let request = client.request(method.clone(), path).header("content-type", "application/json");
        let answer = Answer::of(request.body(body.clone())).await;
        assert_eq!(answer.body["errors"][0]["in"], "body", "{path} with {body}: {}", answer.text);
        assert_eq!(answer.expect_faults(), [(pointer, code.to_owned())], "{path} with {body}");
    }
    assert_eq!(world.written().await, before, "something was written");
}

/// A world in which nobody has to log in again when the clock moves on by hours.
pub async fn long_day() -> World {
    WorldOptions::default().set("auth.access_token_minutes", "100000").start().await
}

/// A flight that takes no bookings any more so many minutes before it leaves.
pub async fn closing(world: &World, new: NewFlight, minutes: i64) -> Value {
    let departure = start_of_time() + new.leaves_in;
    let body = json!({
        "flight_number": new.number, "origin": new.origin, "destination": new.destination,
        "departure_datetime": departure, "arrival_datetime": departure + new.takes,
        "capacity": {"weight_kg": new.weight_kg, "volume_m3": new.volume_m3, "positions": new.positions},
        "cutoff_minutes": minutes,
    });
    world.admin().await.post("/api/v1/flights", body).await.expect(201)
}
