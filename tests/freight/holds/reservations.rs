//! Reservations: holds of one flight, by the flight's own address.
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    World,
    freight::{each, text, with},
    holds::{at, hold_on},
};
use serde_json::{Value, json};

use super::{direct, held_on};

fn of(flight: &Value) -> String {
    format!("/api/v1/flights/{}/reservations", text(flight, "id"))
}

#[tokio::test]
async fn a_reservation_is_a_hold_of_one_flight() {
    let world = World::start().await;
    let flight = direct(&world, "AI101", 1000.0).await;
    let customer = world.customer().await;
    let made = customer.post(&of(&flight), json!({ "weight_kg": 100, "positions": 1, "ttl_seconds": 60 })).await;
    let location = made.header("location").unwrap().to_owned();
    let reservation = made.expect(201);
    assert_eq!((location, text(&reservation, "kind")), (at(&reservation), "RESERVATION"));
    assert_eq!(reservation["flight_ids"], json!([flight["id"]]));
    assert_eq!((text(&reservation, "origin"), text(&reservation, "destination")), ("DEL", "LHR"));
    assert_eq!(customer.held(&reservation).await, reservation);
    // It may go to another flight, wherever that leads.
    let other = world.flight(loadmaster_testkit::NewFlight::new("AI102", "BOM", "DXB")).await;
    let moved = customer.patch(&at(&reservation), json!({ "flight_ids": [other["id"]] })).await.expect(200);
    assert_eq!((text(&moved, "origin"), text(&moved, "destination")), ("BOM", "DXB"));
    // But not to several.
    let onward = world.flight(loadmaster_testkit::NewFlight::new("AI103", "DXB", "LHR").leaves_in_hours(36)).await;
    let way = json!({ "flight_ids": [other["id"], onward["id"]], "pieces": 1 });
    let faults = [("/flight_ids".to_owned(), "too_long".to_owned())];
    assert_eq!(customer.patch(&at(&moved), way.clone()).await.expect_faults(), faults);
    assert_eq!(customer.post(&format!("{}/commit", at(&moved)), way).await.expect_faults(), faults);
    let booking = customer.commit(&moved, json!({ "pieces": 1 })).await;
    assert_eq!((text(&booking, "origin"), &booking["positions"]), ("BOM", &json!(1)));
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn the_reservations_of_a_flight_are_listed_and_deleted_by_their_owner_or_the_carrier() {
    let world = World::start().await;
    let (flight, other) = (direct(&world, "AI101", 1000.0).await, direct(&world, "AI102", 1000.0).await);
    let (one, two, operator) = (world.customer().await, world.customer().await, world.operator().await);
    let wanted = json!({ "weight_kg": 10 });
    let older = one.post(&of(&flight), wanted.clone()).await.expect(201);
    let newer = one.post(&of(&flight), wanted.clone()).await.expect(201);
    let theirs = two.post(&of(&flight), wanted.clone()).await.expect(201);
    let elsewhere = one.post(&of(&other), wanted).await.expect(201);
    let hold = one.hold(with(hold_on(&[&flight]), json!({ "weight_kg": 10 }))).await;
    assert_eq!(one.get(&of(&flight)).await.expect(200), json!([newer, older]));
    assert_eq!(operator.get(&of(&flight)).await.expect(200), json!([theirs, newer, older]));
    let page = one.get(&format!("{}?limit=1", of(&flight))).await;
    let link = page.header("link").unwrap().to_owned();
    let next = link.strip_prefix('<').unwrap().split('>').next().unwrap().to_owned();
    assert_eq!(one.get(&next).await.expect(200), json!([older]));
    one.get(&format!("{}?limit=0", of(&flight))).await.expect_faults();
    one.get(&format!("{}?colour=red", of(&flight))).await.expect_faults();

    let path = |hold: &Value| format!("{}/{}", of(&flight), text(hold, "id"));
    for absent in [&theirs, &elsewhere, &hold] {
        one.delete(&path(absent)).await.expect_problem(404, "not_found");
    }
    one.delete(&format!("{}/nonsense", of(&flight))).await.expect_problem(404, "not_found");
    one.delete(&format!("/api/v1/flights/nonsense/reservations/{}", text(&older, "id")))
        .await
        .expect_problem(404, "not_found");
    let stale = one.request(reqwest::Method::DELETE, &path(&older)).header("if-match", "\"2\"");
    loadmaster_testkit::Answer::of(stale).await.expect_problem(412, "version_mismatch");
    let deleted = one.delete(&path(&older)).await.expect(200);
    assert_eq!((text(&deleted, "status"), text(&deleted, "end_reason")), ("RELEASED", "CALLER"));
    one.delete(&path(&older)).await.expect_problem(409, "invalid_transition");
    operator.delete(&path(&theirs)).await.expect(200);
    assert_eq!(held_on(&one, &flight).await, 20);
    assert_eq!(each(&one.get(&of(&flight)).await.expect(200), "status"), ["ACTIVE", "RELEASED"]);
    world.audit().await;
}

#[tokio::test]
async fn a_flight_that_does_not_exist_has_none_and_guests_have_none() {
    let world = World::start().await;
    let flight = direct(&world, "AI101", 1000.0).await;
    let customer = world.customer().await;
    for absent in ["01900000-0000-7000-8000-000000000001", "AI101"] {
        let path = format!("/api/v1/flights/{absent}/reservations");
        customer.get(&path).await.expect_problem(404, "not_found");
        customer.post(&path, json!({ "weight_kg": 1 })).await.expect_problem(404, "not_found");
        customer.post(&path, json!({ "colour": 1 })).await.expect_problem(404, "not_found");
        customer.get(&format!("/api/v1/flights/{absent}/positions")).await.expect_problem(404, "not_found");
    }
    let guest = world.caller(Role::Guest).await;
    guest.post(&of(&flight), json!({ "weight_kg": 1 })).await.expect_problem(403, "forbidden");
    guest.get(&of(&flight)).await.expect_problem(403, "forbidden");
    world.anonymous().get(&of(&flight)).await.expect_problem(401, "unauthenticated");
    customer.post(&of(&flight), json!({ "weight_kg": 1001 })).await.expect_problem(409, "capacity_exceeded");
    world.anonymous().get(&format!("/api/v1/flights/{}/positions?x=1", text(&flight, "id"))).await.expect_faults();
}
