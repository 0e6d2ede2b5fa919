//! A full flight moves in one transaction, with everybody on it.
use loadmaster_testkit::{
    NewFlight, World, WorldOptions,
    flight_verbs::{act, done},
    freight::{BOOKINGS, at_once, order, text, with},
};
use serde_json::{Value, json};

use super::{changed, left_behind};

const CROWD: usize = 200;

/// Books so many shipments, some at a time.
async fn booked(world: &World, flight: &Value, many: usize) -> Vec<Value> {
    let customer = world.customer().await;
    let wish = with(order(&[flight]), json!({"weight_kg": 10, "volume_m3": 0.1}));
    let mut bookings = Vec::new();
    while bookings.len() < many {
        let answers = at_once((0..20).map(|_| customer.sending(BOOKINGS, wish.clone()))).await;
        bookings.extend(answers.into_iter().map(|answer| answer.expect(201)));
    }
    bookings
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_bookings_depart_and_arrive_with_their_flight() {
    let world = WorldOptions::patient().start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(10_000.0)).await;
    let operator = world.operator().await;
    let bookings = booked(&world, &flight, CROWD).await;
    let absent: Vec<_> = bookings.iter().step_by(10).collect();
    let named: Vec<_> =
        absent.iter().map(|booking| json!({"ref_id": booking["ref_id"], "reason": "NO_SHOW"})).collect();

    let gone = act(&operator, &flight, "depart", json!({"left_behind": named})).await.expect(200);
    assert_eq!((changed(&gone), left_behind(&gone).len()), (200, 20));
    for (rows, expected) in [
        ("booking_legs where status = 'DEPARTED'", 180),
        ("booking_legs where status = 'OFFLOADED' and offload_reason = 'NO_SHOW'", 20),
        ("bookings where status = 'DEPARTED' and not needs_rerouting and version = 2", 180),
        ("bookings where status = 'BOOKED' and needs_rerouting and version = 2", 20),
        ("booking_events where event_type = 'DEPARTED' and sequence = 2", 180),
        ("booking_events where event_type = 'OFFLOADED' and sequence = 2", 20),
        ("outbox where aggregate = 'booking'", 400),
    ] {
        assert_eq!(world.count(rows).await, expected, "{rows}");
    }
    assert_eq!(world.available(&flight).await["weight_kg"], 10_000 - 1800);

    let landed = done(&operator, &flight, "arrive").await;
    assert_eq!((changed(&landed), left_behind(&landed)), (180, vec![]));
    assert_eq!(world.count("booking_legs where status = 'ARRIVED'").await, 180);
    assert_eq!(world.count("booking_events where event_type = 'ARRIVED' and sequence = 3").await, 180);
    let list = operator.get(&format!("/api/v1/flights/{}/manifest", text(&flight, "id"))).await.expect(200);
    assert_eq!(list["totals"]["bookings"], 180);
    assert_eq!(list["bookings"].as_array().unwrap().len(), 180);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_bookings_lose_their_flight() {
    let world = WorldOptions::patient().start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(10_000.0)).await;
    booked(&world, &flight, CROWD).await;
    let lost = done(&world.admin().await, &flight, "cancel").await;
    assert_eq!(changed(&lost), 200);
    assert_eq!(world.available(&flight).await["weight_kg"], 10_000);
    for rows in [
        "booking_legs where status = 'CANCELLED'",
        "bookings where status = 'BOOKED' and needs_rerouting and version = 2",
        "booking_events where event_type = 'FLIGHT_CANCELLED'",
    ] {
        assert_eq!(world.count(rows).await, 200, "{rows}");
    }
    world.audit().await;
}
