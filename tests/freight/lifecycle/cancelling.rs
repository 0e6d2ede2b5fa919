//! Cancelling gives back what has not departed.
use loadmaster_testkit::{
    Answer, NewFlight, World,
    freight::{BOOKINGS, each, order, path_of, text, with},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::two_flights;

fn space(weight: u32, volume: u32, positions: u32) -> Value {
    json!({"weight_kg": weight, "volume_m3": volume, "positions": positions})
}

#[tokio::test]
async fn cancelling_gives_back_the_space_of_every_leg() {
    let world = World::start().await;
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM")).await;
    let second = world.flight(NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(36)).await;
    let customer = world.customer().await;
    let booking = customer.book(with(order(&[&first, &second]), json!({"positions": 2}))).await;
    for flight in [&first, &second] {
        assert_eq!(world.available(flight).await, space(900, 999, 8));
    }
    let cancelled = customer.walk(&booking, &["cancel"]).await;
    assert_eq!(cancelled["status"], "CANCELLED");
    assert_eq!(cancelled["flight_ids"], json!([]));
    for flight in [&first, &second] {
        assert_eq!(world.available(flight).await, space(1000, 1000, 10));
    }
    world.audit().await;
}

#[tokio::test]
async fn freight_that_has_departed_keeps_its_space_and_its_status() {
    let world = World::start().await;
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM")).await;
    let second = world.flight(NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(36)).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let booking = customer.book(order(&[&first, &second])).await;
    operator.walk(&booking, &["depart"]).await;

    let refused = customer.poke(&format!("{}/cancel", path_of(&booking))).await;
    let problem = refused.expect_problem(409, "invalid_transition");
    assert_eq!((&problem["from"], &problem["allowed"]), (&json!("DEPARTED"), &json!([])));

    let cancelled = operator.walk(&booking, &["cancel"]).await;
    assert_eq!(json!(each(&cancelled["legs"], "status")), json!(["DEPARTED", "RELEASED"]));
    assert_eq!(cancelled["flight_ids"], json!([first["id"]]));
    assert_eq!(world.available(&first).await["weight_kg"], 900);
    assert_eq!(world.available(&second).await["weight_kg"], 1000);
    world.audit().await;
}

#[tokio::test]
async fn space_that_was_given_back_can_be_sold_again() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100.0)).await;
    let customer = world.customer().await;
    let booking = customer.book(order(&[&flight])).await;
    customer.post(BOOKINGS, order(&[&flight])).await.expect_problem(409, "capacity_exceeded");
    customer.walk(&booking, &["cancel"]).await;
    customer.book(order(&[&flight])).await;
    world.audit().await;
}

#[tokio::test]
async fn nothing_is_cancelled_once_a_leg_has_arrived() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let booking = customer.book(order(&[&first, &second])).await;
    admin.walk(&booking, &["depart"]).await;
    for (step, allowed) in
        [("arrive", json!(["depart"])), ("depart", json!(["arrive"])), ("arrive", json!(["deliver"]))]
    {
        admin.walk(&booking, &[step]).await;
        let before = world.written().await;
        for method in [Method::POST, Method::DELETE] {
            let suffix = if method == Method::POST { "/cancel" } else { "" };
            let path = format!("{}{suffix}", path_of(&booking));
            let problem = Answer::of(admin.request(method, &path)).await.expect_problem(409, "invalid_transition");
            assert_eq!(problem["allowed"], allowed);
        }
        assert_eq!(world.written().await, before);
    }
    world.audit().await;
}

#[tokio::test]
async fn deleting_is_cancelling_and_the_booking_stays() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let customer = world.customer().await;
    let booking = customer.book(order(&[&first])).await;
    let path = path_of(&booking);
    let answer = customer.delete(&path).await;
    assert_eq!(answer.header("etag"), Some("\"2\""));
    let deleted = answer.expect(200);
    assert_eq!(deleted["status"], "CANCELLED");
    assert_eq!(customer.get(&path).await.expect(200), deleted);
    let history = customer.get(&format!("{path}/history")).await.expect(200);
    assert_eq!(json!(each(&history["timeline"], "event_type")), json!(["BOOKED", "CANCELLED"]));
    assert_eq!(world.available(&first).await, first["available"]);
    customer.delete(&path).await.expect_problem(409, "invalid_transition");
    world.audit().await;
}

#[tokio::test]
async fn the_reason_stands_in_the_history() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let customer = world.customer().await;
    for method in [Method::POST, Method::DELETE] {
        let booking = customer.book(order(&[&first])).await;
        let suffix = if method == Method::POST { "/cancel" } else { "" };
        let request = customer.request(method, &format!("{}{suffix}", path_of(&booking)));
        let request = request.header("content-type", "application/json").body(r#"{"reason": "Buyer\nwithdrew"}"#);
        Answer::of(request).await.expect(200);
        let history = customer.get(&format!("{}/history", path_of(&booking))).await.expect(200);
        assert_eq!(history["timeline"][1]["notes"], "Buyer\nwithdrew");
        assert_eq!(history["timeline"][0]["notes"], Value::Null);
    }
    let rows = world.texts("select t::text from booking_events t where t::text ilike '%withdrew%'").await;
    assert!(rows.is_empty(), "{rows:?}");
    assert_eq!(text(&first, "status"), "SCHEDULED");
}
