use chrono::TimeDelta;
use loadmaster_accounts::Role;

use loadmaster_testkit::{
    NewFlight, World,
    freight::{BOOKINGS, at_once, order, path_of, text, with},
    holds::{HOLDS, at, hold_on},
    until,
};
use serde_json::{Value, json};
use sqlx::Executor;
use uuid::Uuid;

async fn flight(world: &World, kilograms: f64) -> Value {
    world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(kilograms).positions(4)).await
}

#[tokio::test]
async fn a_hold_keeps_space_on_all_flights_until_it_is_released() {
    let world = World::start().await;
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM").weight(1000.0)).await;
    let onward = world.flight(NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(36).weight(1000.0)).await;
    let customer = world.customer().await;
    let made = customer.post(HOLDS, hold_on(&[&first, &onward])).await;
    let location = made.header("location").unwrap().to_owned();
    assert_eq!(made.header("etag"), Some("\"1\""));
    let hold = made.expect(201);
    assert_eq!(location, at(&hold));
    assert_eq!((text(&hold, "kind"), text(&hold, "status")), ("ITINERARY", "ACTIVE"));
    assert_eq!((text(&hold, "origin"), text(&hold, "destination")), ("DEL", "LHR"));
    assert_eq!(hold["missing"], json!(["/pieces"]));
    for flight in [&first, &onward] {
        let room = customer.room(flight).await;
        assert_eq!((&room["held"]["weight_kg"], &room["available"]["weight_kg"]), (&json!(100), &json!(900)));
    }
    assert_eq!(customer.get(&at(&hold)).await.expect(200), hold);
    let released = customer.poke(&format!("{}/release", at(&hold))).await.expect(200);
    assert_eq!((text(&released, "status"), text(&released, "end_reason")), ("RELEASED", "CALLER"));
    for flight in [&first, &onward] {
        assert_eq!(customer.room(flight).await["held"]["weight_kg"], 0);
    }
    customer.delete(&at(&hold)).await.expect_problem(409, "invalid_transition");
    world.audit().await;
}

#[tokio::test]
async fn a_hold_is_made_on_all_flights_or_on_none() {
    let world = World::start().await;
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM").weight(1000.0)).await;
    let onward = world.flight(NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(36).weight(50.0)).await;
    let customer = world.customer().await;
    let refused = customer.post(HOLDS, hold_on(&[&first, &onward])).await.expect_problem(409, "capacity_exceeded");
    assert_eq!(text(&refused, "flight_number"), "AI102");
    assert_eq!(customer.room(&first).await["held"]["weight_kg"], 0);
    world.audit().await;
}

#[tokio::test]
async fn a_hundred_want_a_tenth_of_a_flight_each_and_ten_get_it() {
    let world = World::start().await;
    let flight = flight(&world, 1000.0).await;
    let operator = world.operator().await;
    let wanted = hold_on(&[&flight]);
    let answers = at_once((0..100).map(|_| operator.sending(HOLDS, wanted.clone()))).await;
    let (held, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!((held.len(), refused.len()), (10, 90));
    for answer in refused {
        answer.expect_problem(409, "capacity_exceeded");
    }
    assert_eq!(operator.room(&flight).await["held"]["weight_kg"], 1000);
    for hold in held {
        operator.delete(&at(&hold.expect(201))).await.expect(200);
    }
    assert_eq!(operator.room(&flight).await["held"]["weight_kg"], 0);
    world.audit().await;
}

#[tokio::test]
async fn from_its_expiry_on_a_hold_keeps_nothing_without_any_job() {
    let world = World::start().await;
    let flight = flight(&world, 100.0).await;
    let (holder, other) = (world.customer().await, world.customer().await);
    let hold = holder.hold(with(hold_on(&[&flight]), json!({ "ttl_seconds": 10 }))).await;
    other.post(BOOKINGS, order(&[&flight])).await.expect_problem(409, "capacity_exceeded");
    world.clock.advance(TimeDelta::seconds(10));
    assert_eq!(other.room(&flight).await["available"]["weight_kg"], 100);
    assert_eq!(text(&holder.get(&at(&hold)).await.expect(200), "status"), "EXPIRED");
    other.book(order(&[&flight])).await;
    for path in ["extend", "release", "commit"] {
        holder.poke(&format!("{}/{path}", at(&hold))).await.expect_problem(409, "hold_expired");
    }
    holder.patch(&at(&hold), json!({ "pieces": 2 })).await.expect_problem(409, "hold_expired");
    world.audit().await;
}

#[tokio::test]
async fn a_hold_becomes_one_booking_with_what_was_given_in_steps() {
    let world = World::start().await;
    let flight = flight(&world, 100.0).await;
    let customer = world.customer().await;
    let hold = customer.hold(hold_on(&[&flight])).await;
    let commit = format!("{}/commit", at(&hold));
    let lacking = customer.poke(&commit).await.expect_problem(409, "hold_incomplete");
    assert_eq!(lacking["missing"], json!(["/pieces"]));
    customer
        .patch(&at(&hold), json!({ "description": "Machine parts", "shipper": { "name": "Asha" } }))
        .await
        .expect(200);
    let amended = customer.patch(&at(&hold), json!({ "pieces": 3, "awb_number": "020-12345675" })).await.expect(200);
    assert_eq!(amended["missing"], json!([]));
    let answers = at_once((0..50).map(|_| {
        let client = customer.with_token(customer.token.as_deref().unwrap());
        let commit = commit.clone();
        async move { client.post(&commit, json!({ "customer_reference": "Order 7" })).await }
    }))
    .await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!(made.len(), 1);
    for answer in refused {
        answer.expect_problem(409, "invalid_transition");
    }
    let booking = made.into_iter().next().unwrap().expect(201);
    assert_eq!(booking["pieces"], 3);
    assert_eq!((text(&booking, "description"), text(&booking, "customer_reference")), ("Machine parts", "Order 7"));
    assert_eq!((text(&booking["shipper"], "name"), text(&booking, "awb_number")), ("Asha", "020-12345675"));
    assert_eq!(booking["hold_id"], hold["id"]);
    assert_eq!(customer.get(&path_of(&booking)).await.expect(200), booking);
    let committed = customer.get(&at(&hold)).await.expect(200);
    assert_eq!((text(&committed, "status"), text(&committed, "booking_ref")), ("COMMITTED", text(&booking, "ref_id")));
    let room = customer.room(&flight).await;
    assert_eq!((&room["held"]["weight_kg"], &room["booked"]["weight_kg"]), (&json!(0), &json!(100)));
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_hold_is_extended_up_to_an_hour_or_the_cut_off() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100.0).leaves_in_hours(2)).await;
    let (user, organization) = (Uuid::new_v4(), Uuid::new_v4());
    let customer = world.caller_in(Role::Customer, user, organization).await;
    let hold = customer.hold(hold_on(&[&flight])).await;
    // The cut-off is an hour before the departure, in an hour.
    assert_eq!(hold["latest_expires_at"], flight["cutoff_datetime"]);
    let extend = format!("{}/extend", at(&hold));
    let mut last = text(&hold, "expires_at").to_owned();
    for _ in 0..4 {
        world.clock.advance(TimeDelta::seconds(890));
        let customer = customer.with_token(&world.token(Role::Customer, user, organization));
        let extended = customer.poke(&extend).await.expect(200);
        assert!(text(&extended, "expires_at") > last.as_str());
        text(&extended, "expires_at").clone_into(&mut last);
    }
    assert_eq!(last, text(&hold, "latest_expires_at"));
    let customer = customer.with_token(&world.token(Role::Customer, user, organization));
    let refused = customer.poke(&extend).await.expect_problem(409, "hold_limit_exceeded");
    assert_eq!((text(&refused, "limit"), &refused["maximum"]), ("lifetime", &json!(3600)));
    world.audit().await;
}

#[tokio::test]
async fn the_refusal_to_extend_an_offer_states_its_end() {
    let world = World::start().await;
    let flight = flight(&world, 1000.0).await;
    let customer = world.customer().await;
    let hold = customer.hold(hold_on(&[&flight])).await;
    world.sql("update holds set kind = 'OFFER', latest_expires_at = expires_at").await;
    let refused = customer.poke(&format!("{}/extend", at(&hold))).await.expect_problem(409, "hold_limit_exceeded");
    assert_eq!((text(&refused, "limit"), &refused["maximum"]), ("lifetime", &json!(900)));
    assert_eq!(text(&refused, "detail"), "The offer ends 900 seconds after it was made.");
}

#[tokio::test]
async fn changed_freight_and_flights_take_space_anew() {
    let world = World::start().await;
    let first = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(150.0)).await;
    let second = world.flight(NewFlight::new("AI102", "DEL", "LHR").weight(1000.0)).await;
    let customer = world.customer().await;
    let hold = customer.hold(hold_on(&[&first])).await;
    customer.patch(&at(&hold), json!({ "weight_kg": 151 })).await.expect_problem(409, "capacity_exceeded");
    let grown = customer.patch(&at(&hold), json!({ "weight_kg": 150 })).await.expect(200);
    assert_eq!(grown["weight_kg"], 150);
    assert_eq!(customer.room(&first).await["available"]["weight_kg"], 0);
    let moved = customer.patch(&at(&hold), json!({ "flight_ids": [second["id"]], "weight_kg": 400 })).await.expect(200);
    assert_eq!(moved["flight_ids"], json!([second["id"]]));
    assert_eq!(customer.room(&first).await["held"]["weight_kg"], 0);
    assert_eq!(customer.room(&second).await["held"]["weight_kg"], 400);
    assert_eq!(moved["expires_at"], hold["expires_at"]);
    let booking = customer.commit(&hold, json!({ "pieces": 1, "weight_kg": 300 })).await;
    assert_eq!(booking["weight_kg"], 300);
    assert_eq!(customer.room(&second).await["booked"]["weight_kg"], 300);
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn positions_are_taken_by_name_once() {
    let world = World::start().await;
    let flight = flight(&world, 1000.0).await;
    let (one, other) = (world.customer().await, world.customer().await);
    let id = text(&flight, "id");
    let named = |names: Value| with(hold_on(&[&flight]), json!({ "position_names": { id: names } }));
    let hold = one.hold(named(json!(["P3", "P1"]))).await;
    assert_eq!((&hold["positions"], &hold["position_names"]), (&json!(2), &json!({ id: ["P1", "P3"] })));
    let taken = other.post(HOLDS, named(json!(["P2", "P3"]))).await.expect_problem(409, "position_taken");
    assert_eq!((text(&taken, "flight_id"), &taken["names"]), (id, &json!(["P3"])));
    let faults = other.post(HOLDS, named(json!(["P5"]))).await.expect_faults();
    assert_eq!(faults, [("/position_names".to_owned(), "unknown_value".to_owned())]);
    let positions = format!("/api/v1/flights/{id}/positions");
    let shown = |list: Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|p| format!("{} {}", text(p, "name"), text(p, "status"))).collect()
    };
    let list = world.anonymous().get(&positions).await.expect(200);
    assert_eq!(shown(list), ["P1 HELD", "P2 FREE", "P3 HELD", "P4 FREE"]);
    let booking = one.commit(&hold, json!({ "pieces": 1 })).await;
    let list = one.get(&positions).await.expect(200);
    assert_eq!(shown(list), ["P1 BOOKED", "P2 FREE", "P3 BOOKED", "P4 FREE"]);
    other.post(HOLDS, named(json!(["P3"]))).await.expect_problem(409, "position_taken");
    one.walk(&booking, &["cancel"]).await;
    other.hold(named(json!(["P3"]))).await;
    world.audit().await;
}

#[tokio::test]
async fn another_organizations_hold_does_not_exist() {
    let world = World::start().await;
    let flight = flight(&world, 1000.0).await;
    let (one, other, operator) = (world.customer().await, world.customer().await, world.operator().await);
    let hold = one.hold(hold_on(&[&flight])).await;
    other.get(&at(&hold)).await.expect_problem(404, "not_found");
    other.patch(&at(&hold), json!({ "pieces": 2 })).await.expect_problem(404, "not_found");
    other.delete(&at(&hold)).await.expect_problem(404, "not_found");
    other.poke(&format!("{}/commit", at(&hold))).await.expect_problem(404, "not_found");
    assert_eq!(other.get(HOLDS).await.expect(200), json!([]));
    assert_eq!(operator.get(HOLDS).await.expect(200), json!([hold]));
    operator.patch(&at(&hold), json!({ "pieces": 2 })).await.expect(200);
    let booking = operator.commit(&hold, json!({})).await;
    assert_eq!(booking["organization_id"], hold["organization_id"]);
    world.audit().await;
}

#[tokio::test]
async fn without_named_flights_too_what_an_expired_hold_kept_is_free_at_once() {
    let world = World::start().await;
    let flight = flight(&world, 100.0).await;
    let (holder, other) = (world.customer().await, world.customer().await);
    let brief = with(hold_on(&[&flight]), json!({ "ttl_seconds": 10 }));
    let wanted = json!({ "origin": "DEL", "destination": "LHR", "weight_kg": 100 });
    let booked = with(wanted.clone(), json!({ "pieces": 1 }));
    holder.hold(brief.clone()).await;
    other.post(BOOKINGS, booked.clone()).await.expect_problem(409, "no_bookable_itinerary");
    world.clock.advance(TimeDelta::seconds(10));
    let hold = other.hold(with(wanted, json!({ "ttl_seconds": 10 }))).await;
    assert_eq!(hold["flight_ids"], json!([flight["id"]]));
    world.clock.advance(TimeDelta::seconds(10));
    assert_eq!(holder.book(booked).await["flight_ids"], json!([flight["id"]]));
    world.audit().await;
}

#[tokio::test]
async fn a_flight_that_is_locked_for_long_delays_no_expiry_on_others() {
    let world = World::working().await;
    let locked = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let free = world.flight(NewFlight::new("AI102", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let brief = |flights: &[&Value]| with(hold_on(flights), json!({ "ttl_seconds": 10 }));
    let (stuck, swept) = (customer.hold(brief(&[&locked])).await, customer.hold(brief(&[&free])).await);
    let mut lock = world.database.owner().await;
    let statement =
        format!("begin; select from flight_capacity where flight_id = '{}' for update", text(&locked, "id"));
    lock.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(statement))).await.unwrap();
    world.clock.advance(TimeDelta::seconds(10));
    let stored = async |hold: &Value| {
        world.texts(&format!("select status from holds where id = '{}'", text(hold, "id"))).await.remove(0)
    };
    until("the other hold is ended", async || stored(&swept).await == "EXPIRED").await;
    assert_eq!(stored(&stuck).await, "ACTIVE");
    lock.execute("rollback").await.unwrap();
    until("the first one follows", async || stored(&stuck).await == "EXPIRED").await;
    world.audit().await;
}
