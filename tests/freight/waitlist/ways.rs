//! Entries over several flights, and by date.
use chrono::TimeDelta;
use loadmaster_testkit::{
    NewFlight, World, WorldOptions,
    flight_verbs::path_to,
    freight::{order, text, with},
    holds::{self, hold_on},
    until,
    waitlist::{WAITLIST, at, fill, join, reached, wanted},
};
use serde_json::{Value, json};

use super::{order::Desk, over};

/// Two flights that connect in Bombay, for 100 kg each.
async fn chain(desk: &Desk) -> [Value; 2] {
    let first = NewFlight::new("AI101", "DEL", "BOM").weight(100.0).leaves_in_hours(200);
    let second = NewFlight::new("AI102", "BOM", "LHR").weight(100.0).leaves_in_hours(210);
    [desk.world.flight(first).await, desk.world.flight(second).await]
}

async fn book(desk: &Desk, flights: &[&Value], kilograms: usize) -> Value {
    desk.admin().book(with(order(flights), json!({ "weight_kg": kilograms }))).await
}

#[tokio::test]
async fn an_entry_over_two_flights_is_offered_both_or_none() {
    let desk = Desk::open().await;
    let chain = chain(&desk).await;
    let first = book(&desk, &[&chain[0]], 100).await;
    let second = book(&desk, &[&chain[1]], 100).await;
    let entry = desk.join(over(&chain, 60)).await;
    desk.cancel(&first).await;
    until("what nobody can use is open", async || desk.available(&chain[0]).await == 100).await;
    assert_eq!(desk.status(&entry).await, "WAITING");
    desk.cancel(&second).await;
    let offered = reached(&desk.admin(), &entry, "OFFERED").await;
    assert_eq!(offered["offer"]["flight_ids"], offered["flight_ids"]);
    for flight in &chain {
        until("the rest is open", async || desk.available(flight).await == 40).await;
    }
    let booked = desk.admin().post(&format!("{}/book", at(&entry)), json!({ "pieces": 1 })).await.expect(201);
    assert_eq!(booked["legs"].as_array().unwrap().len(), 2);
    desk.world.audit().await;
}

#[tokio::test]
async fn what_is_kept_on_one_flight_waits_for_space_on_the_other_and_the_rest_is_opened() {
    let desk = Desk::open().await;
    let chain = chain(&desk).await;
    let mut bookings = Vec::new();
    for kilograms in [10, 10, 10, 70] {
        bookings.push(book(&desk, &[&chain[0]], kilograms).await);
    }
    let second = desk.admin().hold(hold_on(&[&chain[1]])).await;
    let through = desk.join(over(&chain, 60)).await;
    desk.passed_over_thrice(&chain[0], &bookings[..3], &through).await;
    desk.cancel(&bookings[3]).await;
    desk.settled().await;
    // No more than it needs is kept for it.
    assert_eq!((desk.status(&through).await.as_str(), desk.available(&chain[0]).await), ("WAITING", json!(10)));
    desk.admin().delete(&holds::at(&second)).await.expect(200);
    reached(&desk.admin(), &through, "OFFERED").await;
    // Nobody waits any more: nothing stays aside on either flight, although it was kept for days.
    until("the rest is open", async || desk.available(&chain[0]).await == 10).await;
    until("the rest is open", async || desk.available(&chain[1]).await == 40).await;
    desk.world.audit().await;
}

#[tokio::test]
async fn kept_space_is_opened_when_the_last_entry_ends() {
    let desk = Desk::open().await;
    let chain = chain(&desk).await;
    let mut bookings = Vec::new();
    for kilograms in [10, 10, 10, 70] {
        bookings.push(book(&desk, &[&chain[0]], kilograms).await);
    }
    desk.admin().hold(hold_on(&[&chain[1]])).await;
    let through = desk.join(over(&chain, 60)).await;
    desk.passed_over_thrice(&chain[0], &bookings[..3], &through).await;
    desk.cancel(&bookings[3]).await;
    desk.settled().await;
    assert_eq!(desk.available(&chain[0]).await, 10);
    // It ends with one of its flights; what was kept for it on the other is free.
    desk.admin().poke(&format!("{}/cancel", path_to(&chain[1]))).await.expect(200);
    reached(&desk.admin(), &through, "CANCELLED").await;
    until("it is open", async || desk.available(&chain[0]).await == 70).await;
    desk.world.audit().await;
}

#[tokio::test]
async fn a_sweep_opens_space_set_aside_where_no_entry_waits() {
    let desk = Desk::open().await;
    let (flight, [_, one, two, three, four]) = desk.full("AI101", 200, [960, 10, 10, 10, 10]).await;
    let large = desk.join(wanted(&flight, 40.0)).await;
    desk.passed_over_thrice(&flight, &[one, two, three], &large).await;
    desk.cancel(&four).await;
    desk.settled().await;
    assert_eq!(desk.available(&flight).await, 0, "it is kept");
    let Desk { world, .. } = desk;
    let database = world.database.clone();
    let admin = world.admin().await;
    world.shutdown().await;
    // A process without a matcher: nobody learns that the entry leaves.
    let silent = WorldOptions::default().on(&database).start().await;
    let admin = silent.same(&admin);
    admin.delete(&at(&large)).await.expect(200);
    silent.shutdown().await;
    let sweeping = WorldOptions::working().on(&database).start().await;
    until("it is open", async || sweeping.available(&flight).await["weight_kg"] == 10).await;
    sweeping.audit().await;
}

#[tokio::test]
async fn an_offer_over_two_flights_heeds_the_order_of_both() {
    let desk = Desk::open().await;
    let chain = chain(&desk).await;
    let through = book(&desk, &[&chain[0], &chain[1]], 100).await;
    let onward = desk.join(wanted(&chain[1], 100.0)).await;
    let both = desk.join(over(&chain, 100)).await;
    let first = desk.join(wanted(&chain[0], 100.0)).await;
    // Both are free at once, and the first flight is looked at first.
    desk.cancel(&through).await;
    reached(&desk.admin(), &onward, "OFFERED").await;
    reached(&desk.admin(), &first, "OFFERED").await;
    let passed = desk.now(&both).await;
    assert_eq!((text(&passed, "status"), &passed["passed_over"], &passed["place"]), ("WAITING", &json!(1), &json!(1)));
    desk.world.audit().await;
}

#[tokio::test]
async fn an_offer_over_two_flights_takes_nothing_that_is_kept_for_another() {
    let desk = Desk::open().await;
    let chain = chain(&desk).await;
    let first = book(&desk, &[&chain[0]], 100).await;
    let mut bookings = Vec::new();
    for kilograms in [10, 10, 10, 50, 20] {
        bookings.push(book(&desk, &[&chain[1]], kilograms).await);
    }
    let onward = desk.join(wanted(&chain[1], 50.0)).await;
    desk.passed_over_thrice(&chain[1], &bookings[..3], &onward).await;
    let both = desk.join(over(&chain, 20)).await;
    desk.cancel(&bookings[4]).await;
    desk.settled().await;
    assert_eq!(desk.available(&chain[1]).await, 0);
    desk.cancel(&first).await;
    until("what nobody can use is open", async || desk.available(&chain[0]).await == 100).await;
    assert_eq!((desk.status(&both).await.as_str(), desk.status(&onward).await.as_str()), ("WAITING", "WAITING"));
    desk.world.audit().await;
}

fn by_date(flight: &Value, kilograms: usize) -> Value {
    let date = &text(flight, "departure_local")[..10];
    json!({ "origin": "DEL", "destination": "LHR", "departure_date": date, "weight_kg": kilograms })
}

#[tokio::test]
async fn an_entry_by_date_takes_the_first_way_that_has_space() {
    let desk = Desk::open().await;
    let chain = chain(&desk).await;
    let (direct, [booking]) = desk.full("AI111", 201, [100]).await;
    let through = book(&desk, &[&chain[0], &chain[1]], 100).await;
    let small = desk.join(by_date(&direct, 60)).await;
    let next = desk.join(by_date(&direct, 60)).await;
    let named = desk.join(wanted(&direct, 30.0)).await;
    // Not the direct flight: it is full.
    desk.cancel(&through).await;
    let offered = reached(&desk.admin(), &small, "OFFERED").await;
    assert_eq!(offered["offer"]["flight_ids"], json!([chain[0]["id"], chain[1]["id"]]));
    desk.cancel(&booking).await;
    let offered = reached(&desk.admin(), &next, "OFFERED").await;
    assert_eq!(offered["offer"]["flight_ids"], json!([direct["id"]]));
    reached(&desk.admin(), &named, "OFFERED").await;
    desk.world.audit().await;
}

#[tokio::test]
async fn nothing_is_kept_for_an_entry_by_date() {
    let desk = Desk::open().await;
    let (flight, [_, one, two, three, four]) = desk.full("AI101", 200, [960, 10, 10, 10, 10]).await;
    let large = desk.join(by_date(&flight, 1000)).await;
    desk.passed_over_thrice(&flight, &[one, two, three], &large).await;
    let small = desk.join(wanted(&flight, 10.0)).await;
    desk.cancel(&four).await;
    reached(&desk.admin(), &small, "OFFERED").await;
    assert_eq!(desk.now(&large).await["passed_over"], 3, "it is counted up to three");
    desk.world.audit().await;
}

#[tokio::test]
async fn a_flight_that_is_scheduled_later_is_found_for_an_entry_by_date() {
    let desk = Desk::open().await;
    let (flight, _) = desk.full("AI101", 200, [100]).await;
    let entry = desk.join(by_date(&flight, 100)).await;
    let small = NewFlight::new("AI103", "DEL", "LHR").weight(99.0).leaves_in_hours(201);
    let small = desk.world.flight(small).await;
    let large = desk.world.flight(NewFlight::new("AI105", "DEL", "LHR").weight(100.0).leaves_in_hours(202)).await;
    // The first look of a process is a sweep.
    let sweeping = WorldOptions::working().on(&desk.world.database).start().await;
    let offered = reached(&desk.admin(), &entry, "OFFERED").await;
    assert_eq!(offered["offer"]["flight_ids"], json!([large["id"]]));
    assert_eq!(desk.available(&small).await, 99);
    sweeping.shutdown().await;
    desk.world.audit().await;
}

#[tokio::test]
async fn an_entry_by_date_ends_with_the_last_of_its_flights() {
    let desk = Desk::open().await;
    let (first, _) = desk.full("AI101", 200, [100]).await;
    let (second, _) = desk.full("AI103", 201, [100]).await;
    let entry = desk.join(by_date(&first, 100)).await;
    desk.admin().poke(&format!("{}/cancel", path_to(&first))).await.expect(200);
    let other = desk.join(wanted(&second, 100.0)).await;
    desk.admin().delete(&at(&other)).await.expect(200);
    assert_eq!(desk.status(&entry).await, "WAITING");
    desk.world.clock.advance(TimeDelta::minutes(1));
    desk.admin().poke(&format!("{}/cancel", path_to(&second))).await.expect(200);
    reached(&desk.admin(), &entry, "CANCELLED").await;
    desk.world.audit().await;
}

#[tokio::test]
async fn an_offer_whose_flight_is_lost_is_not_declined() {
    let world = WorldOptions::working().start().await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let flight = async |number: &str| {
        world.flight(NewFlight::new(number, "DEL", "LHR").weight(1000.0).leaves_in_hours(200)).await
    };
    let (lost, cut) = (flight("AI101").await, flight("AI102").await);
    let bookings = [fill(&admin, &lost).await, fill(&admin, &cut).await];
    let (first, second) = (join(&customer, wanted(&lost, 600.0)).await, join(&customer, wanted(&cut, 600.0)).await);
    for booking in &bookings {
        admin.walk(booking, &["cancel"]).await;
    }
    reached(&customer, &first, "OFFERED").await;
    reached(&customer, &second, "OFFERED").await;
    admin.poke(&format!("/api/v1/flights/{}/cancel", text(&lost, "id"))).await.expect(200);
    let smaller = json!({ "capacity": { "weight_kg": 500 }, "release_holds": true });
    admin.patch(&format!("/api/v1/flights/{}", text(&cut, "id")), smaller).await.expect(200);
    for (entry, status) in [(&first, "CANCELLED"), (&second, "EXPIRED")] {
        assert_eq!(text(&customer.get(&at(entry)).await.expect(200), "status"), status);
        let found = customer.get(&format!("{WAITLIST}?status={status}")).await.expect(200);
        assert_eq!(
            found.as_array().unwrap().iter().map(|entry| text(entry, "id")).collect::<Vec<_>>(),
            [text(entry, "id")]
        );
    }
    let recorded = "select string_agg(status, ' ' order by id) from waitlist_entries";
    until("it is recorded", async || world.texts(recorded).await == ["CANCELLED EXPIRED"]).await;
    world.audit().await;
}

#[tokio::test]
async fn a_refused_entry_is_offered_other_flights() {
    let world = World::start().await;
    let small = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100.0)).await;
    world.flight(NewFlight::new("AI102", "DEL", "LHR").leaves_in_hours(50).weight(1000.0)).await;
    let customer = world.customer().await;
    let refused = customer.post(WAITLIST, wanted(&small, 200.0)).await.expect_problem(409, "capacity_exceeded");
    assert_eq!(refused["alternatives"][0]["flights"][0]["flight_number"], "AI102", "{refused}");
    world.audit().await;
}

#[tokio::test]
async fn staff_that_cancel_an_entry_are_on_record() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(1000.0).leaves_in_hours(200)).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    fill(&admin, &flight).await;
    let (own, other) = (join(&customer, wanted(&flight, 600.0)).await, join(&customer, wanted(&flight, 600.0)).await);
    customer.delete(&at(&own)).await.expect(200);
    admin.delete(&at(&other)).await.expect(200);
    let acts = admin.get("/api/v1/admin/audit?act=waitlist.cancelled").await.expect(200);
    assert_eq!((acts.as_array().unwrap().len(), &acts[0]["subject_id"]), (1, &other["id"]), "{acts}");
    world.audit().await;
}
