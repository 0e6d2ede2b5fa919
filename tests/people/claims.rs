//! Guests that book: what they may do with their bookings, and how a booking gets to an account.
mod claiming;
mod guests;
mod links;
mod private;
mod registering;

use loadmaster_testkit::{Answer, NewFlight, World};
use serde_json::{Value, json};

const REGISTER: &str = "/api/v1/auth/register";
const PASSWORD: &str = "correct horse battery";

async fn flight(world: &World) -> Value {
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await
}

/// Asks for an account with this address, and a booking.
async fn register(world: &World, email: &str, claim: &Value) -> Answer {
    let body = json!({ "email": email, "password": PASSWORD, "claim_token": claim["claim_token"] });
    world.anonymous().post(REGISTER, body).await
}
