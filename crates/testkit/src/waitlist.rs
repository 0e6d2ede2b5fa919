//! Waiting for room on full flights.
use serde_json::{Value, json};

use crate::{
    Client,
    freight::{order, text, with},
    until,
};

pub const WAITLIST: &str = "/api/v1/waitlist";

pub fn wanted(flight: &Value, kilograms: f64) -> Value {
    json!({ "flight_ids": [flight["id"]], "weight_kg": kilograms })
}

pub fn at(entry: &Value) -> String {
    format!("{WAITLIST}/{}", text(entry, "id"))
}

pub async fn join(client: &Client, wanted: Value) -> Value {
    client.post(WAITLIST, wanted).await.expect(201)
}

/// Books all that is free on a flight: only for a full one can anybody wait.
pub async fn fill(client: &Client, flight: &Value) -> Value {
    let free = client.room(flight).await["available"]["weight_kg"].clone();
    client.book(with(order(&[flight]), json!({ "weight_kg": free }))).await
}

/// Waits until the entry has this status, and returns it.
pub async fn reached(client: &Client, entry: &Value, status: &str) -> Value {
    until(&format!("the entry is {status}"), async || {
        text(&client.get(&at(entry)).await.expect(200), "status") == status
    })
    .await;
    client.get(&at(entry)).await.expect(200)
}
