//! How much room a flight has right now.
use loadmaster_testkit::{World, WorldOptions};
use serde_json::{Value, json};

use super::{FLIGHTS, create};

async fn availability(world: &World, flight: &Value) -> Value {
    let path = format!("{FLIGHTS}/{}/availability", flight["id"].as_str().unwrap());
    let answer = world.anonymous().get(&path).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.expect(200)
}

async fn book(world: &World, flight: &Value, weight: f64, volume: f64, positions: u32) {
    let order = json!({"origin": flight["origin"], "destination": flight["destination"], "pieces": 1,
                       "weight_kg": weight, "volume_m3": volume, "positions": positions, "flight_ids": [flight["id"]]});
    world.customer().await.post("/api/v1/bookings", order).await.expect(201);
}

#[tokio::test]
async fn it_has_exactly_the_promised_members() {
    let world = World::working().await;
    let flight = create(&world, json!({"capacity": {"weight_kg": 1000, "volume_m3": 10, "positions": 4}})).await;
    book(&world, &flight, 250.5, 1.25, 1).await;
    world.clock.advance(chrono::Duration::minutes(5));
    let found = availability(&world, &flight).await;
    assert_eq!(
        found,
        json!({
            "flight_id": flight["id"],
            "capacity": {"weight_kg": 1000, "volume_m3": 10, "positions": 4},
            "booked": {"weight_kg": 250.5, "volume_m3": 1.25, "positions": 1},
            "held": {"weight_kg": 0, "volume_m3": 0, "positions": 0},
            "available": {"weight_kg": 749.5, "volume_m3": 8.75, "positions": 3},
            "utilization_percent": 25.1, "mode": "optimistic", "version": 1, "as_of": "2026-11-20T08:05:00Z",
        })
    );
}

#[tokio::test]
async fn utilization_is_that_of_the_fullest_dimension() {
    let world = World::working().await;
    for (number, (weight, volume, positions), expected) in [
        ("AI1", (333.3, 1.0, 0), json!(33.3)),
        ("AI2", (10.0, 6.667, 0), json!(66.7)),
        ("AI3", (10.0, 1.0, 3), json!(75)),
        ("AI4", (1000.0, 1.0, 0), json!(100)),
    ] {
        let capacity = json!({"weight_kg": 1000, "volume_m3": 10, "positions": 4});
        let flight = create(&world, json!({"flight_number": number, "capacity": capacity})).await;
        book(&world, &flight, weight, volume, positions).await;
        assert_eq!(availability(&world, &flight).await["utilization_percent"], expected);
        let shown = world.anonymous().get(&format!("{FLIGHTS}/{}", flight["id"].as_str().unwrap())).await.expect(200);
        assert_eq!(shown["utilization_percent"], expected);
    }
}

#[tokio::test]
async fn the_last_kilograms_are_handed_out_in_order() {
    let world = World::working().await;
    for (number, booked, mode) in [("AI1", 899.9, "optimistic"), ("AI2", 900.0, "locking"), ("AI3", 1000.0, "locking")]
    {
        let capacity = json!({"weight_kg": 1000, "volume_m3": 10});
        let flight = create(&world, json!({"flight_number": number, "capacity": capacity})).await;
        book(&world, &flight, booked, 1.0, 0).await;
        assert_eq!(availability(&world, &flight).await["mode"], mode, "{booked} kg booked");
    }
}

#[tokio::test]
async fn from_where_they_are_handed_out_in_order_is_a_setting() {
    let world = WorldOptions::working().set("capacity.critical_threshold_kg", "500").start().await;
    for (number, weight, mode) in [("AI1", 500.1, "optimistic"), ("AI2", 500.0, "locking")] {
        let flight = create(&world, json!({"flight_number": number, "capacity": {"weight_kg": weight}})).await;
        assert_eq!(availability(&world, &flight).await["mode"], mode, "{weight} kg left");
    }
}

#[tokio::test]
async fn a_booking_moves_the_etag_but_not_the_version() {
    let world = World::working().await;
    let flight = create(&world, json!({})).await;
    let path = format!("{FLIGHTS}/{}", flight["id"].as_str().unwrap());
    book(&world, &flight, 10.0, 1.0, 0).await;
    let answer = world.anonymous().get(&path).await;
    assert_eq!(answer.header("etag"), Some("\"1-2\""));
    assert_eq!(answer.expect(200)["version"], 1);
    let unchanged = world.anonymous().request(reqwest::Method::GET, &path).header("if-none-match", "W/\"1-2\"");
    assert_eq!(loadmaster_testkit::Answer::of(unchanged).await.status, 304);
    let changed = world.anonymous().request(reqwest::Method::GET, &path).header("if-none-match", "\"1-1\"");
    assert_eq!(loadmaster_testkit::Answer::of(changed).await.status, 200);
}
