//! The time since the demo began.
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    actor::{Actor, Stage},
    people::{AGENT, SHIPPERS},
    shipments::{self, Chance},
};

/// From landing to delivery.
const TO_DELIVERY: TimeDelta = TimeDelta::hours(3);
/// How far ahead is looked for flights that may be over, and for those to book.
const LONGEST_FLIGHT: TimeDelta = TimeDelta::days(3);
/// Mean number of ticks between two new bookings.
const TICKS_PER_BOOKING: usize = 10;

/// Returns whether anything was ever booked.
pub(super) async fn has_begun(stage: &Stage) -> anyhow::Result<bool> {
    let agent = stage.actor(&AGENT).await?;
    let bookings = agent.get("/api/v1/bookings?limit=1").await?;
    Ok(bookings.as_array().is_some_and(|bookings| !bookings.is_empty()))
}

/// Lets flights depart and arrive whose time has come, delivers what landed a while ago, and books now and then.
pub(super) async fn go_on(stage: &Stage) -> anyhow::Result<()> {
    let now = stage.state.clock.now();
    let agent = stage.actor(&AGENT).await?;
    for flight in shipments::flights(&agent, "SCHEDULED", now).await? {
        let body = json!({"occurred_at": flight.departure});
        let path = format!("/api/v1/flights/{}/depart", flight.id);
        // Cargo may have reached the airport later than that: then it leaves now.
        if agent.post(&path, &body).await?.is_none() {
            agent.post(&path, &json!({})).await?;
        }
    }
    for flight in shipments::flights(&agent, "DEPARTED", now).await? {
        if flight.arrival <= now {
            agent.post(&format!("/api/v1/flights/{}/arrive", flight.id), &json!({})).await?;
        }
    }
    let landed = agent.get("/api/v1/bookings?status=ARRIVED&limit=100").await?;
    for booking in landed.as_array().into_iter().flatten() {
        let since = booking["updated_at"].as_str().and_then(|at| at.parse::<chrono::DateTime<chrono::Utc>>().ok());
        let is_there = booking["next_actions"].as_array().is_some_and(|next| next.contains(&json!("deliver")));
        if let (true, Some(since), Some(reference)) = (is_there, since, booking["ref_id"].as_str())
            && now - since >= TO_DELIVERY
        {
            agent.post(&format!("/api/v1/bookings/{reference}/deliver"), &json!({})).await?;
        }
    }
    book(stage, &agent).await
}

/// Books a shipment, not in every minute.
async fn book(stage: &Stage, agent: &Actor) -> anyhow::Result<()> {
    let now = stage.state.clock.now();
    let mut chance = Chance(u64::try_from(now.timestamp() / 60).unwrap_or_default());
    if chance.below(TICKS_PER_BOOKING) != 0 {
        return Ok(());
    }
    let flights = shipments::flights(agent, "SCHEDULED", now + LONGEST_FLIGHT).await?;
    let wished = shipments::shipments(&flights, now - TimeDelta::hours(1), now);
    if let Some(shipment) = wished.get(chance.below(wished.len())) {
        let mut order: Value = shipment.order.clone();
        order["pieces"] = json!(chance.between(1, 12));
        order["weight_kg"] = json!(chance.between(20, 400));
        stage.actor(&SHIPPERS[shipment.shipper]).await?.post("/api/v1/bookings", &order).await?;
    }
    Ok(())
}
