//! What changes room taken, by holds and bookings, and finds room that holds keep whose time is up.
use chrono::TimeDelta;
use loadmaster_testkit::{
    Client, NewFlight, World, WorldOptions,
    freight::{BOOKINGS, order, path_of, text, with},
    holds::{HOLDS, at, hold_on},
    until,
};
use serde_json::{Value, json};

use super::{direct, events_of, held_on};

/// Holds this weight for ten seconds.
async fn briefly(client: &Client, flight: &Value, kilograms: u32) -> Value {
    client.hold(with(hold_on(&[flight]), json!({ "weight_kg": kilograms, "ttl_seconds": 10 }))).await
}

#[tokio::test]
async fn an_amended_booking_gets_the_space_of_holds_whose_time_is_up() {
    let world = World::start().await;
    let (flight, other) = (direct(&world, "AI101", 200.0).await, direct(&world, "AI102", 100.0).await);
    let (customer, holder) = (world.customer().await, world.customer().await);
    let booking = customer.book(order(&[&flight])).await;
    let (here, there) = (briefly(&holder, &flight, 100).await, briefly(&holder, &other, 50).await);
    let (more, elsewhere) = (json!({ "weight_kg": 200 }), json!({ "weight_kg": 100, "flight_ids": [other["id"]] }));
    for wish in [&more, &elsewhere] {
        let refused = customer.patch(&path_of(&booking), wish.clone()).await;
        refused.expect_problem(409, "capacity_exceeded");
    }
    assert_eq!(events_of(&world, &here).await, ["CREATED"]);
    world.clock.advance(TimeDelta::seconds(10));
    customer.patch(&path_of(&booking), more).await.expect(200);
    customer.patch(&path_of(&booking), elsewhere).await.expect(200);
    for hold in [&here, &there] {
        assert_eq!(events_of(&world, hold).await, ["CREATED", "EXPIRED"]);
    }
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_booking_of_two_flights_gets_the_space_of_different_holds_on_each() {
    let world = World::start().await;
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM").weight(100.0)).await;
    let onward = world.flight(NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(36).weight(100.0)).await;
    let (customer, holder) = (world.customer().await, world.customer().await);
    briefly(&holder, &first, 50).await;
    briefly(&holder, &onward, 50).await;
    world.clock.advance(TimeDelta::seconds(10));
    customer.book(order(&[&first, &onward])).await;
    world.audit().await;
}

#[tokio::test]
async fn a_hold_grows_into_the_space_of_another_whose_time_is_up() {
    let world = World::start().await;
    let flight = direct(&world, "AI101", 200.0).await;
    let (customer, holder) = (world.customer().await, world.customer().await);
    let hold = customer.hold(hold_on(&[&flight])).await;
    briefly(&holder, &flight, 100).await;
    customer.patch(&at(&hold), json!({ "weight_kg": 200 })).await.expect_problem(409, "capacity_exceeded");
    world.clock.advance(TimeDelta::seconds(10));
    customer.patch(&at(&hold), json!({ "weight_kg": 200 })).await.expect(200);
    world.audit().await;
}

/// More than are ended in one transaction. Makes hundreds of holds: seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn however_many_holds_have_run_out_their_space_is_free() {
    let world = WorldOptions::patient().start().await;
    let flight = direct(&world, "AI101", 600.0).await;
    let (operator, customer) = (world.operator().await, world.customer().await);
    let wanted = with(hold_on(&[&flight]), json!({ "weight_kg": 1, "ttl_seconds": 60 }));
    for _ in 0..6 {
        let made = loadmaster_testkit::freight::at_once((0..100).map(|_| operator.sending(HOLDS, wanted.clone())));
        made.await.into_iter().for_each(|answer| drop(answer.expect(201)));
    }
    world.clock.advance(TimeDelta::seconds(60));
    customer.book(with(order(&[&flight]), json!({ "weight_kg": 600 }))).await;
    assert_eq!(held_on(&customer, &flight).await, 0);
    world.audit().await;
}

#[tokio::test]
async fn a_patch_that_changes_nothing_makes_no_event() {
    let world = World::start().await;
    let flight = direct(&world, "AI101", 200.0).await;
    let customer = world.customer().await;
    let hold = customer.hold(with(hold_on(&[&flight]), json!({ "pieces": 2, "description": "Books" }))).await;
    for wish in [json!({}), json!({ "pieces": 2, "weight_kg": 100 }), json!({ "flight_ids": [flight["id"]] })] {
        assert_eq!(customer.patch(&at(&hold), wish).await.expect(200), hold);
    }
    assert_eq!(events_of(&world, &hold).await, ["CREATED"]);
    world.audit().await;
}

#[tokio::test]
async fn members_are_merged_and_cleared_in_any_steps() {
    let world = World::start().await;
    let flight = direct(&world, "AI101", 1000.0).await;
    let customer = world.customer().await;
    let hold = customer.hold(hold_on(&[&flight])).await;
    let contact = json!({ "contact": { "email": "asha@example.com", "phone": "+911123456789" } });
    customer.patch(&at(&hold), contact).await.expect(200);
    let merged = customer.patch(&at(&hold), json!({ "contact": { "name": "Asha", "phone": null } })).await.expect(200);
    assert_eq!(merged["contact"], json!({ "name": "Asha", "email": "asha@example.com", "phone": null }));
    let members = json!({ "contact": null, "product": "per-1", "special_handling_codes": ["per"], "volume_m3": 2 });
    let changed = customer.patch(&at(&hold), members).await.expect(200);
    assert_eq!((&changed["contact"], &changed["product"]), (&Value::Null, &json!("PER-1")));
    assert_eq!((&changed["special_handling_codes"], &changed["volume_m3"]), (&json!(["PER"]), &json!(2)));
    let cleared = json!({ "product": null, "special_handling_codes": null, "volume_m3": null, "pieces": null });
    let cleared = customer.patch(&at(&hold), cleared).await.expect(200);
    assert_eq!((&cleared["product"], &cleared["special_handling_codes"]), (&json!("GENERAL"), &json!([])));
    assert_eq!((&cleared["volume_m3"], &cleared["pieces"]), (&hold["volume_m3"], &Value::Null));
    let faults = customer.patch(&at(&hold), json!({ "contact": { "name": "Asha" } })).await.expect_faults();
    assert_eq!(faults, [("/contact/email".to_owned(), "required".to_owned())]);
    world.audit().await;
}

#[tokio::test]
async fn a_hold_without_flights_is_made_on_the_best_option_that_has_space() {
    let world = World::start().await;
    let full = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100.0)).await;
    let later = world.flight(NewFlight::new("AI102", "DEL", "LHR").leaves_in_hours(30)).await;
    let customer = world.customer().await;
    let wanted = json!({ "origin": "DEL", "destination": "LHR", "weight_kg": 100 });
    assert_eq!(customer.hold(wanted.clone()).await["flight_ids"], json!([full["id"]]));
    assert_eq!(customer.hold(wanted.clone()).await["flight_ids"], json!([later["id"]]));
    let dated = with(wanted.clone(), json!({ "departure_date": "2027-03-01" }));
    customer.post(HOLDS, dated).await.expect_problem(409, "no_bookable_itinerary");
    let heavy = with(wanted, json!({ "weight_kg": 901 }));
    customer.post(HOLDS, heavy).await.expect_problem(409, "no_bookable_itinerary");
    world.audit().await;
}

#[tokio::test]
async fn a_commit_judges_all_but_the_space_anew() {
    let world = World::start().await;
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM").weight(100.0)).await;
    let onward = world.flight(NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(36)).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let (broken, taken) = (
        customer.hold(with(hold_on(&[&first, &onward]), json!({ "pieces": 1, "weight_kg": 50 }))).await,
        customer.hold(with(hold_on(&[&first]), json!({ "pieces": 1, "weight_kg": 50 }))).await,
    );
    // The connection takes time that there is not any more.
    let early =
        json!({ "departure_datetime": onward["departure_datetime"], "arrival_datetime": onward["arrival_datetime"] });
    admin.patch(&format!("/api/v1/flights/{}", text(&first, "id")), early).await.expect(200);
    let commit = format!("{}/commit", at(&broken));
    customer.poke(&commit).await.expect_problem(409, "itinerary_invalid");
    // Its own room is no obstacle, but another's air waybill is.
    let booking = customer.commit(&taken, json!({ "awb_number": "020-12345675" })).await;
    assert_eq!(booking["awb_number"], "020-12345675");
    let other = customer.hold(with(hold_on(&[&onward]), json!({ "pieces": 1 }))).await;
    let refused = customer.post(&format!("{}/commit", at(&other)), json!({ "awb_number": "020-12345675" })).await;
    refused.expect_problem(409, "already_exists");
    assert_eq!(text(&customer.held(&other).await, "status"), "ACTIVE");
    customer.post(BOOKINGS, with(order(&[&onward]), json!({ "hold_id": other["id"] }))).await.expect_faults();
    world.audit().await;
}

#[tokio::test]
async fn an_offer_becomes_neither_larger_nor_one_of_other_flights() {
    let world = World::working().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").leaves_in_hours(200)).await;
    let other = world.flight(NewFlight::new("AI102", "DEL", "LHR").leaves_in_hours(200)).await;
    let customer = world.customer().await;
    let wanted = json!({ "flight_ids": [flight["id"]], "weight_kg": 100 });
    let booking = loadmaster_testkit::waitlist::fill(&customer, &flight).await;
    let entry = customer.post("/api/v1/waitlist", wanted).await.expect(201);
    customer.walk(&booking, &["cancel"]).await;
    let path = format!("/api/v1/waitlist/{}", text(&entry, "id"));
    until("it is offered", async || customer.get(&path).await.expect(200)["status"] == "OFFERED").await;
    let offer = customer.get(&path).await.expect(200)["offer"].clone();
    for change in [json!({ "weight_kg": 100.1 }), json!({ "positions": 1 }), json!({ "flight_ids": [other["id"]] })] {
        let refused = customer.patch(&at(&offer), change).await.expect_problem(409, "invalid_transition");
        assert_eq!((&refused["from"], &refused["action"]), (&json!("ACTIVE"), &json!("amend")));
        assert_eq!(refused["allowed"], json!(["commit", "release"]));
    }
    let smaller = json!({ "weight_kg": 60, "pieces": 1, "flight_ids": [flight["id"]] });
    assert_eq!(customer.patch(&at(&offer), smaller).await.expect(200)["weight_kg"], 60);
    customer.poke(&format!("{path}/book")).await.expect(201);
    world.audit().await;
}

#[tokio::test]
async fn a_change_is_answered_as_it_was_decided_whatever_another_clock_said_before() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let hold = customer.hold(hold_on(&[&flight])).await;
    world.sql("update holds set updated_at = expires_at + interval '1 hour'").await;
    let same = json!({ "flight_ids": [flight["id"]] });
    assert_eq!(text(&customer.patch(&at(&hold), same).await.expect(200), "status"), "ACTIVE");
}
