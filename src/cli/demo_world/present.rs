//! The time since the demo began.
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    actor::Actor,
    people::{AGENT, SHIPPERS},
    stage::{self, Chance},
};
use crate::app::AppState;

/// From landing to delivery.
const TO_DELIVERY: TimeDelta = TimeDelta::hours(3);
/// How far ahead is looked for flights that may be over, and for those to book.
const LONGEST_FLIGHT: TimeDelta = TimeDelta::days(3);
/// One shipment is booked in so many ticks.
const TICKS_PER_BOOKING: usize = 10;

/// Returns whether anything was ever booked.
pub(super) async fn has_begun(state: &AppState) -> anyhow::Result<bool> {
    let agent = Actor::new(state, &AGENT).await?;
    let bookings = agent.get("/api/v1/bookings?limit=1").await?;
    Ok(bookings.as_array().is_some_and(|bookings| !bookings.is_empty()))
}

/// Lets flights depart and arrive whose time has come, delivers what landed a while ago, and books now and then.
pub(super) async fn go_on(state: &AppState) -> anyhow::Result<()> {
    let now = state.clock.now();
    let agent = Actor::new(state, &AGENT).await?;
    for flight in stage::flights(&agent, "SCHEDULED", now).await? {
        let told = json!({"occurred_at": flight.departure});
        let path = format!("/api/v1/flights/{}/depart", flight.id);
        // Cargo may have reached the airport later than that: then it leaves now.
        if agent.post(&path, &told).await?.is_none() {
            agent.post(&path, &json!({})).await?;
        }
    }
    for flight in stage::flights(&agent, "DEPARTED", now).await? {
        if flight.arrival <= now {
            agent.post(&format!("/api/v1/flights/{}/arrive", flight.id), &json!({})).await?;
        }
    }
    let landed = agent.get("/api/v1/bookings?status=ARRIVED&limit=200").await?;
    for booking in landed.as_array().into_iter().flatten() {
        let since = booking["updated_at"].as_str().and_then(|at| at.parse::<chrono::DateTime<chrono::Utc>>().ok());
        let is_there = booking["next_actions"].as_array().is_some_and(|next| next.contains(&json!("deliver")));
        if let (true, Some(since), Some(reference)) = (is_there, since, booking["ref_id"].as_str())
            && now - since >= TO_DELIVERY
        {
            agent.post(&format!("/api/v1/bookings/{reference}/deliver"), &json!({})).await?;
        }
    }
    book(state, &agent).await
}

/// Books a shipment, not in every minute.
async fn book(state: &AppState, agent: &Actor) -> anyhow::Result<()> {
    let now = state.clock.now();
    let mut chance = Chance(u64::try_from(now.timestamp() / 60).unwrap_or_default());
    if chance.below(TICKS_PER_BOOKING) != 0 {
        return Ok(());
    }
    let flights = stage::flights(agent, "SCHEDULED", now + LONGEST_FLIGHT).await?;
    let wished = stage::shipments(&flights, now - TimeDelta::hours(1), now);
    if let Some(shipment) = wished.get(chance.below(wished.len())) {
        let mut order: Value = shipment.order.clone();
        order["pieces"] = json!(chance.between(1, 12));
        order["weight_kg"] = json!(chance.between(20, 400));
        Actor::new(state, &SHIPPERS[shipment.shipper]).await?.post("/api/v1/bookings", &order).await?;
    }
    Ok(())
}
