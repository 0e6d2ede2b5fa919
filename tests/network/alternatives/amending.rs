//! With the refusal of an amendment for lack of room: from where the cargo is.
use loadmaster_testkit::{
    World,
    amending::{amend, refused},
    freight::{order, path_of, with},
    holds::{self, hold_on},
};
use serde_json::json;

use super::{between, names, on};

#[tokio::test]
async fn freight_that_grows_too_large_is_offered_flights_that_take_it() {
    let world = World::start().await;
    let flight = world.flight(on("AI101", "22T08:00").weight(150.0)).await;
    world.flight(on("AI102", "22T09:00").weight(150.0)).await;
    world.flight(on("AI103", "24T09:00").weight(160.0)).await;
    world.flight(on("AI104", "26T09:00")).await;
    let customer = world.customer().await;
    let booking = customer.book(order(&[&flight])).await;
    let problem = refused(&world, &customer, &booking, json!({"weight_kg": 160}), "capacity_exceeded").await;
    assert_eq!(names(&problem), ["AI103"]);
    // With the flight that was shown it is done.
    let shown = &problem["alternatives"][0]["flights"][0]["id"];
    amend(&customer, &booking, json!({"weight_kg": 160, "flight_ids": [shown]})).await.expect(200);
    world.audit().await;
}

#[tokio::test]
async fn a_full_new_way_is_refused_with_others_from_its_day_on() {
    let world = World::start().await;
    let flight = world.flight(on("AI101", "22T08:00")).await;
    let full = world.flight(on("AI102", "24T08:00").weight(1.0)).await;
    world.flight(on("AI103", "23T08:00")).await;
    world.flight(on("AI104", "25T08:00")).await;
    let customer = world.customer().await;
    let booking = customer.book(order(&[&flight])).await;
    let problem = refused(&world, &customer, &booking, json!({"flight_ids": [full["id"]]}), "capacity_exceeded").await;
    assert_eq!(names(&problem), ["AI104"]);
    world.audit().await;
}

#[tokio::test]
async fn cargo_on_its_way_is_offered_flights_from_where_it_lands_that_it_reaches() {
    let world = World::start().await;
    let first = world.flight(between("AI201", ("DEL", "BOM"), "22T08:00", 120)).await;
    let onward = world.flight(between("AI202", ("BOM", "LHR"), "22T20:00", 540)).await;
    let full = world.flight(between("AI203", ("BOM", "LHR"), "22T19:00", 540).weight(1.0)).await;
    // It lands at ten, and is ready at noon.
    world.flight(between("AI204", ("BOM", "LHR"), "22T11:59", 540)).await;
    world.flight(between("AI205", ("BOM", "LHR"), "22T12:00", 540)).await;
    world.flight(on("AI101", "22T23:00")).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let booking = customer.book(order(&[&first, &onward])).await;
    operator.walk(&booking, &["depart"]).await;
    let wish = json!({"flight_ids": [full["id"]]});
    let problem = refused(&world, &operator, &booking, wish, "capacity_exceeded").await;
    assert_eq!(names(&problem), ["AI205", "AI202"]);
    world.audit().await;
}

#[tokio::test]
async fn other_refusals_of_an_amendment_come_without_alternatives() {
    let world = World::start().await;
    let flight = world.flight(on("AI101", "22T08:00")).await;
    let back = world.flight(between("AI102", ("LHR", "DEL"), "22T09:00", 540)).await;
    let customer = world.customer().await;
    let booking = customer.book(with(order(&[&flight]), json!({}))).await;
    let wish = json!({"flight_ids": [back["id"]]});
    let problem = refused(&world, &customer, &booking, wish, "itinerary_invalid").await;
    assert_eq!(problem.get("alternatives"), None, "{problem}");
}

#[tokio::test]
async fn a_hold_that_cannot_be_changed_or_booked_so_is_offered_other_flights() {
    let world = World::start().await;
    let flight = world.flight(on("AI101", "22T08:00").weight(250.0)).await;
    let cancelled = world.flight(on("AI102", "22T10:00")).await;
    world.flight(on("AI103", "23T08:00").weight(300.0)).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let hold = customer.hold(hold_on(&[&flight])).await;
    let path = holds::at(&hold);
    let heavy = customer.patch(&path, json!({ "weight_kg": 260 })).await.expect_problem(409, "capacity_exceeded");
    assert_eq!(names(&heavy), ["AI102", "AI103"]);
    admin.poke(&format!("/api/v1/flights/{}/cancel", cancelled["id"].as_str().unwrap())).await.expect(200);
    let elsewhere = json!({ "flight_ids": [cancelled["id"]] });
    let refused = customer.patch(&path, elsewhere).await.expect_problem(409, "flight_cancelled");
    // Its own flight has room for as much again.
    assert_eq!(names(&refused), ["AI101", "AI103"]);
    let at_once = json!({ "pieces": 1, "weight_kg": 260 });
    let refused = customer.post(&format!("{path}/commit"), at_once).await.expect_problem(409, "capacity_exceeded");
    assert_eq!(names(&refused), ["AI103"]);
    let booking = customer.book(order(&[&flight])).await;
    let elsewhere = json!({ "flight_ids": [cancelled["id"]] });
    let problem = customer.patch(&path_of(&booking), elsewhere).await.expect_problem(409, "flight_cancelled");
    assert_eq!(names(&problem), ["AI103"]);
    world.audit().await;
}
