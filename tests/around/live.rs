//! Streams of server-sent events: what they show, to whom, after which event, and for how long.
mod access;
mod bookings;
mod flights;
mod life;
mod limits;
mod messages;
mod tracking;

use loadmaster_testkit::{Client, Events, NewFlight, World, freight::path_of};
use reqwest::Method;
use serde_json::Value;

/// A stream as this caller, from where `last` is the last event.
async fn follow(client: &Client, path: &str, last: Option<&str>) -> Events {
    let request = client.request(Method::GET, &format!("{path}/stream"));
    Events::open(match last {
        Some(last) => request.header("last-event-id", last),
        None => request,
    })
    .await
}

fn path_of_flight(flight: &Value) -> String {
    format!("/api/v1/flights/{}", flight["id"].as_str().unwrap())
}

/// A flight with room for hundreds of shipments.
pub async fn roomy(world: &World) -> Value {
    world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0).positions(1000)).await
}

/// A number of a booking's events.
fn sequence(event: &Value) -> i64 {
    event["event"]["sequence"].as_i64().expect("an event with a number")
}

async fn follow_booking(client: &Client, booking: &Value, last: Option<&str>) -> Events {
    follow(client, &path_of(booking), last).await
}
