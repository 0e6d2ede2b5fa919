//! Named positions of bookings that were made of holds: free as soon as the booking leaves the flight.
use loadmaster_testkit::{
    Client, NewFlight, World,
    flight_verbs::{act, path_to},
    freight::{BOOKINGS, at_once, order, path_of, text, with},
    holds::HOLDS,
};
use serde_json::{Value, json};

use super::{direct, named, positions};

/// A flight, and a booking that has `P2` and `P4` of it.
async fn booked(world: &World) -> (Value, Client, Value) {
    let flight = direct(world, "AI101", 1000.0).await;
    let customer = world.customer().await;
    let hold = customer.hold(named(&flight, &["P2", "P4"])).await;
    let booking = customer.commit(&hold, json!({ "pieces": 2 })).await;
    assert_eq!(taken(&customer, &flight).await, ["P2 BOOKED", "P4 BOOKED"]);
    (flight, customer, booking)
}

async fn taken(client: &Client, flight: &Value) -> Vec<String> {
    positions(client, flight).await.into_iter().filter(|position| !position.ends_with("FREE")).collect()
}

/// A hold and its commit in one, also while others do the same.
#[tokio::test]
async fn a_booking_takes_positions_by_name_at_once() {
    let world = World::start().await;
    let (flight, customer) = (direct(&world, "AI101", 1000.0).await, world.customer().await);
    let wanted = |names: &[&str]| {
        with(
            order(&[&flight]),
            json!({ "position_names": { text(&flight, "id"): names }, "weight_kg": 10, "volume_m3": 0.1 }),
        )
    };
    let booking = customer.post(BOOKINGS, wanted(&["P2", "P4"])).await.expect(201);
    assert_eq!(booking["positions"], 2);
    assert_eq!(taken(&customer, &flight).await, ["P2 BOOKED", "P4 BOOKED"]);
    let refused = customer.post(BOOKINGS, wanted(&["P4"])).await.expect_problem(409, "position_taken");
    assert_eq!(refused["names"], json!(["P4"]));
    let others = (0..6).map(|number| {
        let name = if number < 3 { "P6" } else { "P7" };
        let (client, order) = (customer.clone(), wanted(&[name]));
        async move { client.post(BOOKINGS, order).await.status.as_u16() }
    });
    let mut statuses = at_once(others).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 201, 409, 409, 409, 409]);
    customer.walk(&booking, &["cancel"]).await;
    customer.post(BOOKINGS, wanted(&["P4"])).await.expect(201);
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_cancelled_booking_gives_its_positions_back() {
    let world = World::start().await;
    let (flight, customer, booking) = booked(&world).await;
    customer.walk(&booking, &["cancel"]).await;
    assert_eq!(taken(&customer, &flight).await, [""; 0]);
    customer.hold(named(&flight, &["P2"])).await;
    world.audit().await;
}

#[tokio::test]
async fn an_off_loaded_booking_gives_its_positions_back() {
    let world = World::start().await;
    let (flight, customer, booking) = booked(&world).await;
    let wish = json!({ "offload": [booking["ref_id"]] });
    world.admin().await.patch(&path_to(&flight), wish).await.expect(200);
    assert_eq!(taken(&customer, &flight).await, [""; 0]);
    world.audit().await;
}

#[tokio::test]
async fn a_booking_that_is_left_behind_gives_its_positions_back_and_one_that_flies_keeps_them() {
    let world = World::start().await;
    let (flight, customer, booking) = booked(&world).await;
    let hold = customer.hold(named(&flight, &["P5"])).await;
    customer.commit(&hold, json!({ "pieces": 1 })).await;
    let behind = json!({ "left_behind": [{ "ref_id": booking["ref_id"], "reason": "NO_SHOW" }] });
    act(&world.operator().await, &flight, "depart", behind).await.expect(200);
    assert_eq!(taken(&customer, &flight).await, ["P5 BOOKED"]);
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_rerouted_booking_gives_its_positions_back_even_if_it_stays_on_the_flight() {
    let world = World::start().await;
    let (flight, customer, booking) = booked(&world).await;
    let other = direct(&world, "AI102", 1000.0).await;
    for way in [&other, &flight] {
        customer.patch(&path_of(&booking), json!({ "flight_ids": [way["id"]] })).await.expect(200);
        assert_eq!((taken(&customer, &flight).await, taken(&customer, &other).await), (vec![], vec![]));
    }
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_booking_with_another_number_of_positions_names_none() {
    let world = World::start().await;
    let (flight, customer, booking) = booked(&world).await;
    customer.patch(&path_of(&booking), json!({ "weight_kg": 110, "pieces": 3 })).await.expect(200);
    assert_eq!(taken(&customer, &flight).await, ["P2 BOOKED", "P4 BOOKED"]);
    customer.patch(&path_of(&booking), json!({ "positions": 1 })).await.expect(200);
    assert_eq!(taken(&customer, &flight).await, [""; 0]);
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_hold_names_positions_of_some_of_its_flights_and_as_many_of_each() {
    let world = World::start().await;
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM").positions(4)).await;
    let onward = world.flight(NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(36)).await;
    let customer = world.customer().await;
    let (one, two) = (text(&first, "id"), text(&onward, "id"));
    let wanted = |names: Value| json!({ "flight_ids": [one, two], "weight_kg": 10, "position_names": names });
    for (names, code) in [
        (json!({ one: ["P1"], two: ["P1", "P2"] }), "invalid_format"),
        (json!({ one: ["P1", "P1"] }), "invalid_format"),
        (json!({ one: ["P5"] }), "unknown_value"),
        (json!({ one: ["P0"] }), "unknown_value"),
        (json!({ one: ["X"] }), "unknown_value"),
        (json!({ "AI101": ["P1"] }), "invalid_format"),
        (json!({ one: "P1" }), "wrong_type"),
        (json!({ one: [1] }), "wrong_type"),
        (json!(["P1"]), "wrong_type"),
        (json!({ "01900000-0000-7000-8000-000000000001": ["P1"] }), "unknown_value"),
    ] {
        let faults = customer.post(HOLDS, wanted(names.clone())).await.expect_faults();
        assert_eq!(faults, [("/position_names".to_owned(), code.to_owned())], "{names}");
    }
    let hold = customer.hold(wanted(json!({ one: ["p2", " P1 "], two: [] }))).await;
    assert_eq!((&hold["positions"], &hold["position_names"]), (&json!(2), &json!({ one: ["P1", "P2"] })));
    assert_eq!(hold["legs"][1]["positions"], 2);
    world.audit().await;
}
