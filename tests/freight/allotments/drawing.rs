use chrono::TimeDelta;
use loadmaster_testkit::{
    Client, NewFlight,
    freight::{BOOKINGS, at_once, order, path_of, with},
    holds::hold_on,
    until,
};
use serde_json::{Value, json};

use super::{Stage, flight_in};

/// A booking of so many kilograms on a flight.
fn freight(flight: &Value, kilograms: f64) -> Value {
    with(order(&[flight]), json!({ "weight_kg": kilograms }))
}

async fn refused(client: &Client, flight: &Value, kilograms: f64) {
    client.post(BOOKINGS, freight(flight, kilograms)).await.expect_problem(409, "capacity_exceeded");
}

#[tokio::test]
async fn bookings_draw_from_the_allotment_first_and_return_to_it() {
    let stage = Stage::set(500.0).await;
    let Stage { world, flight, .. } = &stage;
    let allotment = stage.kept(300.0).await;
    let (user, stranger) = (stage.user().await, world.customer().await);
    stranger.book(freight(flight, 200.0)).await;
    refused(&stranger, flight, 0.1).await;
    let booking = user.book(freight(flight, 200.0)).await;
    assert_eq!(stage.figures(&allotment).await, (100.0, 200.0));
    refused(&user, flight, 100.1).await;
    refused(&stranger, flight, 0.1).await;
    user.walk(&booking, &["cancel"]).await;
    assert_eq!(stage.figures(&allotment).await, (300.0, 0.0));
    refused(&stranger, flight, 0.1).await;
    stage.user().await.book(freight(flight, 300.0)).await;
    let expected = [
        "HELD 300",
        "BOOKED 200",
        "HOLD_AMENDED -200",
        "BOOKED 200",
        "RELEASED -200",
        "HOLD_AMENDED 200",
        "HOLD_AMENDED -300",
        "BOOKED 300",
    ];
    assert_eq!(stage.entries(1).await, expected);
    world.audit().await;
}

#[tokio::test]
async fn what_exceeds_the_allotment_comes_from_the_space_of_all() {
    let stage = Stage::set(500.0).await;
    let Stage { world, flight, .. } = &stage;
    let allotment = stage.kept(300.0).await;
    let (user, stranger) = (stage.user().await, world.customer().await);
    let booking = user.book(freight(flight, 400.0)).await;
    assert_eq!(stage.figures(&allotment).await, (0.0, 300.0));
    assert_eq!((stage.available_to(&user).await, stage.available_to(&stranger).await), (json!(100), json!(100)));
    user.walk(&booking, &["cancel"]).await;
    assert_eq!((stage.available_to(&user).await, stage.available_to(&stranger).await), (json!(500), json!(200)));
    world.audit().await;
}

#[tokio::test]
async fn what_a_hold_has_drawn_goes_with_it_into_the_booking() {
    let stage = Stage::set(300.0).await;
    let Stage { world, flight, .. } = &stage;
    let allotment = stage.kept(300.0).await;
    let user = stage.user().await;
    let hold = user.hold_weight(flight, 200.0).await;
    assert_eq!(stage.figures(&allotment).await, (100.0, 200.0));
    let booking = user.commit(&hold, json!({ "pieces": 1 })).await;
    assert_eq!(stage.figures(&allotment).await, (100.0, 200.0));
    user.walk(&booking, &["cancel"]).await;
    assert_eq!(stage.figures(&allotment).await, (300.0, 0.0));
    let expected = [
        "HELD 300",
        "HOLD_AMENDED -200",
        "HELD 200",
        "HOLD_POSTED -200",
        "BOOKED 200",
        "RELEASED -200",
        "HOLD_AMENDED 200",
    ];
    assert_eq!(stage.entries(1).await, expected);
    world.audit().await;
}

#[tokio::test]
async fn a_hold_that_is_released_or_runs_out_returns_what_it_drew() {
    let stage = Stage::set(300.0).await;
    let Stage { world, flight, .. } = &stage;
    let allotment = stage.kept(300.0).await;
    let user = stage.user().await;
    let hold = user.hold_weight(flight, 200.0).await;
    let path = loadmaster_testkit::holds::at(&hold);
    user.patch(&path, json!({ "weight_kg": 250 })).await.expect(200);
    assert_eq!(stage.figures(&allotment).await, (50.0, 250.0));
    user.poke(&format!("{path}/release")).await.expect(200);
    assert_eq!(stage.figures(&allotment).await, (300.0, 0.0));
    user.hold(with(hold_on(&[flight]), json!({ "weight_kg": 300, "ttl_seconds": 10 }))).await;
    assert_eq!(stage.figures(&allotment).await, (0.0, 300.0));
    let stranger = world.customer().await;
    world.clock.advance(TimeDelta::seconds(10));
    // At once, before anything has recorded it.
    assert_eq!((stage.available_to(&user).await, stage.available_to(&stranger).await), (json!(300), json!(0)));
    stage.until(&allotment, flight, "KEPT", 300.0).await;
    refused(&stranger, flight, 0.1).await;
    world.audit().await;
}

#[tokio::test]
async fn an_amended_booking_draws_more_and_returns_what_it_does_not_need() {
    let stage = Stage::set(300.0).await;
    let Stage { world, flight, .. } = &stage;
    let allotment = stage.kept(300.0).await;
    let user = stage.user().await;
    let booking = user.book(freight(flight, 100.0)).await;
    user.patch(&path_of(&booking), json!({ "weight_kg": 250 })).await.expect(200);
    assert_eq!(stage.figures(&allotment).await, (50.0, 250.0));
    let more = user.patch(&path_of(&booking), json!({ "weight_kg": 300.1 })).await;
    more.expect_problem(409, "capacity_exceeded");
    user.patch(&path_of(&booking), json!({ "weight_kg": 20 })).await.expect(200);
    assert_eq!(stage.figures(&allotment).await, (280.0, 20.0));
    refused(&world.customer().await, flight, 0.1).await;
    world.audit().await;
}

#[tokio::test]
async fn a_booking_that_is_rerouted_returns_what_it_drew_and_draws_elsewhere() {
    let stage = Stage::set(300.0).await;
    let Stage { world, flight, .. } = &stage;
    let allotment = stage.kept(300.0).await;
    let other = world.flight(flight_in(124, 300.0)).await;
    stage.until(&allotment, &other, "KEPT", 300.0).await;
    let user = stage.user().await;
    let booking = user.book(freight(flight, 100.0)).await;
    user.patch(&path_of(&booking), json!({ "flight_ids": [other["id"]] })).await.expect(200);
    assert_eq!(stage.figures(&allotment).await, (300.0, 0.0));
    stage.until(&allotment, &other, "KEPT", 200.0).await;
    world.audit().await;
}

#[tokio::test]
async fn what_is_taken_off_a_flight_returns_to_the_allotment() {
    let stage = Stage::set(300.0).await;
    let Stage { world, flight, .. } = &stage;
    let allotment = stage.kept(300.0).await;
    let booking = stage.user().await.book(freight(flight, 100.0)).await;
    let path = format!("/api/v1/flights/{}", flight["id"].as_str().unwrap());
    let offload = json!({ "offload": [booking["ref_id"]] });
    world.admin().await.patch(&path, offload).await.expect(200);
    assert_eq!(stage.figures(&allotment).await, (300.0, 0.0));
    world.audit().await;
}

#[tokio::test]
async fn only_the_organization_draws_and_not_who_books_for_the_carrier() {
    let stage = Stage::set(300.0).await;
    let Stage { world, flight, .. } = &stage;
    let allotment = stage.kept(300.0).await;
    for caller in [world.customer().await, world.operator().await, world.admin().await] {
        refused(&caller, flight, 0.1).await;
    }
    stage.user().await.book(freight(flight, 300.0)).await;
    assert_eq!(stage.figures(&allotment).await, (0.0, 300.0));
    world.audit().await;
}

#[tokio::test]
async fn two_users_race_for_the_last_of_it_and_no_stranger_gets_any() {
    let stage = Stage::set(500.0).await;
    let Stage { world, flight, .. } = &stage;
    let allotment = stage.kept(500.0).await;
    let callers = [stage.user().await, stage.user().await, world.customer().await];
    let wanted = (0..36).map(|number| callers[number % 3].sending(BOOKINGS, freight(flight, 100.0)));
    let answers = at_once(wanted.collect::<Vec<_>>().into_iter()).await;
    let booked: Vec<usize> = (0..36).filter(|number| answers[*number].status == 201).collect();
    assert_eq!(booked.len(), 5);
    assert!(booked.iter().all(|number| number % 3 != 2), "a stranger has got {booked:?}");
    assert_eq!(stage.figures(&allotment).await, (0.0, 500.0));
    world.audit().await;
}

#[tokio::test]
async fn what_returns_is_not_offered_to_those_who_wait() {
    let stage = Stage::set(500.0).await;
    let Stage { world, flight, .. } = &stage;
    let allotment = stage.kept(300.0).await;
    let user = stage.user().await;
    let booking = user.book(freight(flight, 450.0)).await;
    let waiting = world.customer().await;
    let wanted = json!({ "flight_ids": [flight["id"]], "weight_kg": 200 });
    let entry = waiting.post("/api/v1/waitlist", wanted).await.expect(201);
    user.walk(&booking, &["cancel"]).await;
    let path = format!("/api/v1/waitlist/{}", entry["id"].as_str().unwrap());
    until("it is offered what is free", async || waiting.get(&path).await.expect(200)["status"] == "OFFERED").await;
    assert_eq!(stage.figures(&allotment).await, (300.0, 0.0));
    assert_eq!(stage.available_to(&waiting).await, 0);
    world.audit().await;
}

#[tokio::test]
async fn each_leg_draws_from_the_allotment_on_its_flight() {
    let stage = Stage::set(300.0).await;
    let Stage { world, .. } = &stage;
    let first = world.flight(NewFlight::new("AI201", "DEL", "BOM").leaves_in_hours(100).weight(100.0)).await;
    let onward = world.flight(NewFlight::new("AI202", "BOM", "LHR").leaves_in_hours(112).weight(300.0)).await;
    stage.user().await;
    let wanted = with(stage.wanted(100.0), json!({ "destination": "BOM" }));
    let allotment = stage.make(wanted).await;
    stage.until(&allotment, &first, "KEPT", 100.0).await;
    let booking = stage.user().await.book(with(order(&[&first, &onward]), json!({ "weight_kg": 80 }))).await;
    stage.until(&allotment, &first, "KEPT", 20.0).await;
    assert_eq!(world.available(&onward).await["weight_kg"], 220);
    world.operator().await.walk(&booking, &["cancel"]).await;
    stage.until(&allotment, &first, "KEPT", 100.0).await;
    world.audit().await;
}
