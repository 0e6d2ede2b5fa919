//! What anyone may see of a shipment who knows its number.
use std::collections::BTreeSet;

use loadmaster_testkit::{
    Answer, NewFlight, World,
    freight::{each, order, text, with},
};
use serde_json::{Value, json};

const AWB: &str = "020-12345675";

async fn track(world: &World, number: &str) -> Answer {
    world.anonymous().get(&format!("/api/v1/tracking/{number}")).await
}

fn secret_order(flights: &[&Value]) -> Value {
    let said = json!({
        "awb_number": AWB, "description": "HUSH goods", "customer_reference": "HUSH 1",
        "shipper": {"name": "HUSH sender"}, "consignee": {"name": "HUSH receiver", "email": "hush@example.com"},
    });
    with(order(flights), said)
}

#[tokio::test]
async fn a_shipment_is_found_by_its_reference_and_its_air_waybill_however_written() {
    let world = World::working().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let booking = world.customer().await.book(secret_order(&[&flight])).await;
    let reference = text(&booking, "ref_id");
    let (lower, mixed) = (reference.to_lowercase(), reference.replacen("ACB", "aCb", 1));
    let (plain, spaced) = (AWB.replace('-', ""), AWB.replace('-', "%20"));
    let grouped = ["020-1234%205675", "020%201234%205675", "020-1234-5675"];
    for number in [reference, &lower, &mixed, AWB, &plain, &spaced, "020%2D12345675"].into_iter().chain(grouped) {
        let found = track(&world, number).await.expect(200);
        assert_eq!((&found["ref_id"], &found["awb_number"]), (&booking["ref_id"], &json!(AWB)), "{number}");
    }
}

#[tokio::test]
async fn the_journey_is_public_and_nothing_else_is() {
    let world = World::working().await;
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM")).await;
    let second = world.flight(NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(36)).await;
    let operator = world.operator().await;
    let booking = world.customer().await.book(secret_order(&[&first, &second])).await;
    let reference = text(&booking, "ref_id");
    let depart = format!("/api/v1/bookings/{reference}/depart");
    let moved = operator.post(&depart, json!({"notes": "HUSH remark"})).await.expect(200);

    let answer = track(&world, reference).await;
    assert!(!answer.text.to_lowercase().contains("hush"), "{}", answer.text);
    for id in ["organization_id", "created_by"] {
        assert!(!answer.text.contains(text(&booking, id)), "{id} is shown");
    }
    let found = answer.expect(200);
    let members: BTreeSet<_> = found.as_object().unwrap().keys().map(String::as_str).collect();
    let promised = [
        "ref_id",
        "awb_number",
        "status",
        "origin",
        "destination",
        "current_airport",
        "at_destination",
        "pieces",
        "weight_kg",
        "legs",
        "timeline",
    ];
    assert_eq!(members, promised.into());
    for member in promised.iter().filter(|member| **member != "timeline") {
        assert_eq!(found[member], moved[member], "{member}");
    }
    assert_eq!(json!(each(&found["timeline"], "event_type")), json!(["BOOKED", "DEPARTED"]));
    assert_eq!(json!(each(&found["timeline"], "fsu_code")), json!(["BKD", "DEP"]));
    for event in found["timeline"].as_array().unwrap() {
        assert!(event.get("notes").is_none() && event.get("actor").is_none(), "{event}");
        assert_eq!(event["flight_number"], "AI101");
    }
}

#[tokio::test]
async fn tracking_follows_the_shipment() {
    let world = World::working().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let operator = world.operator().await;
    let booking = operator.book(secret_order(&[&flight])).await;
    for (step, status, airport) in [
        ("depart", "DEPARTED", Value::Null),
        ("arrive", "ARRIVED", json!("LHR")),
        ("deliver", "DELIVERED", json!("LHR")),
    ] {
        operator.walk(&booking, &[step]).await;
        let found = track(&world, AWB).await.expect(200);
        assert_eq!((&found["status"], &found["current_airport"]), (&json!(status), &airport));
    }
}

#[tokio::test]
async fn an_air_waybill_used_twice_finds_the_booking_in_force_else_the_latest() {
    let world = World::working().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let found = async || track(&world, AWB).await.expect(200)["ref_id"].clone();
    let first = customer.book(secret_order(&[&flight])).await;
    customer.walk(&first, &["cancel"]).await;
    assert_eq!(found().await, first["ref_id"]);

    let second = customer.book(secret_order(&[&flight])).await;
    assert_eq!(found().await, second["ref_id"]);
    customer.walk(&second, &["cancel"]).await;
    assert_eq!(found().await, second["ref_id"], "both are cancelled: the latest");

    let third = customer.book(secret_order(&[&flight])).await;
    assert_eq!(found().await, third["ref_id"]);
    // By its reference each is found for ever.
    for booking in [&first, &second, &third] {
        assert_eq!(track(&world, text(booking, "ref_id")).await.expect(200)["ref_id"], booking["ref_id"]);
    }
}

#[tokio::test]
async fn a_number_that_nothing_has_or_can_have_is_not_found() {
    let world = World::working().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let booking = world.customer().await.book(order(&[&flight])).await;
    let id = text(&booking, "id");
    for number in [
        "ACB000000000",
        "ACB1",
        "ACB1234567890123",
        "020-12345675",
        "020-12345676",
        "020",
        id,
        "%00",
        "%FF",
        "ACB%2012345",
        "'",
    ] {
        track(&world, number).await.expect_problem(404, "not_found");
    }
    // What does not exist is not told apart by how the question was asked.
    track(&world, "ACB000000000?colour=red").await.expect_problem(404, "not_found");
    let faults = track(&world, &format!("{}?colour=red", text(&booking, "ref_id"))).await.expect_faults();
    assert_eq!(faults, [("colour".to_owned(), "unknown_field".to_owned())]);
}
