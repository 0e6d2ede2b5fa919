//! Guests that book: what they may do with their bookings, and how a booking gets to an account.
mod claiming;
mod guests;
mod links;
mod private;
mod registering;

use serde_json::{Value, json};

use crate::{
    holds::hold_on,
    support::{Answer, Client, NewFlight, World, freight::text},
};

const CLAIM: &str = "/api/v1/bookings/claim";
const REGISTER: &str = "/api/v1/auth/register";
const PASSWORD: &str = "correct horse battery";

async fn flight(world: &World) -> Value {
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await
}

/// A caller with a guest's token.
pub async fn guest(world: &World) -> Client {
    let pass = world.anonymous().poke("/api/v1/auth/guest").await.expect(200);
    world.anonymous().with_token(text(&pass, "access_token"))
}

/// What a guest's hold lacks.
fn complete() -> Value {
    json!({ "pieces": 1, "contact": { "email": "gus@example.com" } })
}

/// The claim of a booking, as it is presented.
fn claim_of(booking: &Value) -> Value {
    json!({ "claim_token": text(&booking["claim"], "token") })
}

/// Asks for an account with this address, and a booking.
async fn register(world: &World, email: &str, claim: &Value) -> Answer {
    let body = json!({ "email": email, "password": PASSWORD, "claim_token": claim["claim_token"] });
    world.anonymous().post(REGISTER, body).await
}

/// Posts under a key.
async fn keyed(client: &Client, key: &str, path: &str, body: &Value) -> Answer {
    let request = client.request(reqwest::Method::POST, path).header("idempotency-key", key);
    Answer::of(request.header("content-type", "application/json").body(body.to_string())).await
}

impl Client {
    /// Holds 100 kg and makes a booking of it, as a guest does.
    pub async fn book_by_hold(&self, flight: &Value) -> Value {
        let hold = self.hold(hold_on(&[flight])).await;
        self.commit(&hold, complete()).await
    }

    pub async fn claim(&self, booking: &Value) -> Answer {
        self.post(CLAIM, claim_of(booking)).await
    }
}
