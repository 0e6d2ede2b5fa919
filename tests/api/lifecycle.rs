//! From booking to delivery: which step may follow which, what it says, what it keeps.
mod arrows;
mod cancelling;
mod claims;
mod history;
mod reading;
mod rebuilding;
mod when;

use serde_json::Value;

use crate::support::{NewFlight, World};

/// Two flights that connect in Bombay, with room for hundreds of shipments.
async fn two_flights(world: &World) -> [Value; 2] {
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM").weight(100_000.0)).await;
    let second = world.flight(NewFlight::new("AI102", "BOM", "LHR").weight(100_000.0).leaves_in_hours(36)).await;
    [first, second]
}
