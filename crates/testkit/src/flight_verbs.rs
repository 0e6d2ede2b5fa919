//! A flight departs, arrives or is cancelled.
use serde_json::Value;

use crate::{Answer, Client, freight::text};

/// The address of a flight.
pub fn path_to(flight: &Value) -> String {
    format!("/api/v1/flights/{}", text(flight, "id"))
}

/// The flight as it is now.
pub async fn flight_now(client: &Client, flight: &Value) -> Value {
    client.get(&path_to(flight)).await.expect(200)
}

/// Lets a flight depart, arrive or be cancelled.
pub async fn act(client: &Client, flight: &Value, verb: &str, said: Value) -> Answer {
    client.post(&format!("{}/{verb}", path_to(flight)), said).await
}

/// The same without a body; answers what was done.
pub async fn done(client: &Client, flight: &Value, verb: &str) -> Value {
    client.poke(&format!("{}/{verb}", path_to(flight))).await.expect(200)
}
