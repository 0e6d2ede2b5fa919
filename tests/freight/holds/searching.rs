//! What searches and availability show of holds.
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use loadmaster_testkit::{
    TestDatabase, World, WorldOptions,
    freight::{text, with},
    holds::{at, hold_on},
    until,
};
use serde_json::{Value, json};

use super::direct;

/// Whether a search finds a way for so many kilograms.
async fn finds(world: &World, kilograms: u32) -> bool {
    let body = json!({ "origin": "DEL", "destination": "LHR", "departure_date": "2026-11-21", "weight_kg": kilograms });
    let found = world.anonymous().post("/api/v1/routes/search", body).await.expect(200);
    let options = found["direct_flights"].as_array().expect("a list");
    options.iter().any(|option| option["bookable"] == true)
}

async fn available(world: &World, flight: &Value) -> Value {
    world.available(flight).await["weight_kg"].clone()
}

/// Waits for a sweep that comes every two seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_held_and_what_expires_is_found_at_every_instance_within_five_seconds() {
    let database = TestDatabase::create().await;
    let options = WorldOptions::patient().with_workers().on(&database);
    let (here, there) = (options.clone().start().await, options.start().await);
    let flight = direct(&here, "AI101", 1000.0).await;
    let customer = here.customer().await;
    for world in [&here, &there] {
        until("the flight is found", async || finds(world, 950).await).await;
    }
    let hold = customer.hold(with(hold_on(&[&flight]), json!({ "ttl_seconds": 60 }))).await;
    assert_eq!(available(&there, &flight).await, 900);
    for world in [&here, &there] {
        until("the hold is seen", async || !finds(world, 950).await && finds(world, 900).await).await;
    }
    let began = Instant::now();
    for world in [&here, &there] {
        world.clock.advance(TimeDelta::seconds(60));
    }
    // By the flight's availability, at once.
    assert_eq!((available(&here, &flight).await, available(&there, &flight).await), (json!(1000), json!(1000)));
    for world in [&here, &there] {
        until("the expiry is seen", async || finds(world, 950).await).await;
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(text(&customer.held(&hold).await, "status"), "EXPIRED");
    until("the sweep has ended it", async || here.texts("select status from holds").await == ["EXPIRED"]).await;
    here.audit().await;
}

#[tokio::test]
async fn a_released_or_committed_hold_is_seen_at_once_where_that_happened() {
    let world = World::working().await;
    let flight = direct(&world, "AI101", 1000.0).await;
    let customer = world.customer().await;
    let hold = customer.hold(hold_on(&[&flight])).await;
    assert!(!finds(&world, 901).await);
    customer.delete(&at(&hold)).await.expect(200);
    assert!(finds(&world, 1000).await);
    let hold = customer.hold(with(hold_on(&[&flight]), json!({ "pieces": 1 }))).await;
    customer.commit(&hold, json!({})).await;
    assert!(!finds(&world, 901).await && finds(&world, 900).await);
    let shown = customer.get(&format!("/api/v1/flights/{}", text(&flight, "id"))).await.expect(200);
    assert_eq!(shown["available"]["weight_kg"], 900);
    world.audit().await;
}

#[tokio::test]
async fn holds_are_counted_and_measured() {
    let world = World::working().await;
    let flight = direct(&world, "AI101", 1000.0).await;
    let customer = world.customer().await;
    let hold = customer.hold(hold_on(&[&flight])).await;
    customer
        .post(loadmaster_testkit::holds::HOLDS, with(hold_on(&[&flight]), json!({ "weight_kg": 5000 })))
        .await
        .expect(409);
    customer.delete(&at(&hold)).await.expect(200);
    customer.hold(hold_on(&[&flight])).await;
    let metrics = async || world.anonymous().get("/metrics").await.text;
    let counted = metrics().await;
    for outcome in ["created", "released", "capacity_exceeded"] {
        let line = format!("loadmaster_holds_total{{kind=\"ITINERARY\",outcome=\"{outcome}\"}}");
        assert!(counted.contains(&line), "{line}");
    }
    until("active holds are measured", async || metrics().await.contains("\nloadmaster_holds_active 1\n")).await;
}
