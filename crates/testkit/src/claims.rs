//! Guests that book, and what makes a booking an account's.
use serde_json::{Value, json};

use crate::{Answer, Client, World, freight::text, holds::hold_on};

pub const CLAIM: &str = "/api/v1/bookings/claim";

/// A caller with a guest's token.
pub async fn guest(world: &World) -> Client {
    let pass = world.anonymous().poke("/api/v1/auth/guest").await.expect(200);
    world.anonymous().with_token(text(&pass, "access_token"))
}

/// What a guest's hold lacks.
pub fn complete() -> Value {
    json!({ "pieces": 1, "contact": { "email": "gus@example.com" } })
}

/// The claim of a booking, as it is presented.
pub fn claim_of(booking: &Value) -> Value {
    json!({ "claim_token": text(&booking["claim"], "token") })
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
