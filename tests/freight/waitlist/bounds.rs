//! Waiting is no way to hold: freight that can be held now does not wait, and who waits counts as who holds.
use chrono::TimeDelta;
use loadmaster_testkit::{
    Client, NewFlight, World, WorldOptions,
    freight::{at_once, order, with},
    holds::{HOLDS, hold_on},
    rounds,
    waitlist::{WAITLIST, at, fill, join, reached, wanted},
};
use serde_json::{Value, json};

async fn flight(world: &World, number: &str) -> Value {
    world.flight(NewFlight::new(number, "DEL", "LHR").weight(1000.0).leaves_in_hours(200)).await
}

/// The refusal of an entry that would wait for room that there is on these flights.
async fn is_not_full(client: &Client, wanted: Value, flights: &[&Value]) {
    let refused = client.post(WAITLIST, wanted).await.expect_problem(409, "not_full");
    let ids: Vec<&Value> = flights.iter().map(|flight| &flight["id"]).collect();
    assert_eq!((&refused["next_action"], &refused["flight_ids"]), (&json!("hold"), &json!(ids)), "{refused}");
}

#[tokio::test]
async fn freight_that_can_be_held_now_does_not_wait() {
    let world = World::start().await;
    let flight = flight(&world, "AI101").await;
    let customer = world.customer().await;
    is_not_full(&customer, wanted(&flight, 1000.0), &[&flight]).await;
    world.operator().await.book(with(order(&[&flight]), json!({ "weight_kg": 600 }))).await;
    is_not_full(&customer, wanted(&flight, 400.0), &[&flight]).await;
    is_not_full(&world.operator().await, wanted(&flight, 400.0), &[&flight]).await;
    join(&customer, wanted(&flight, 400.1)).await;
    // Also while somebody waits who needs more.
    is_not_full(&customer, wanted(&flight, 400.0), &[&flight]).await;
    customer.hold_weight(&flight, 400.0).await;
    join(&customer, wanted(&flight, 1.0)).await;
    assert_eq!(world.count("waitlist_entries").await, 2);
    world.audit().await;
}

#[tokio::test]
async fn all_flights_of_an_itinerary_or_one_way_of_a_date_must_have_space() {
    let world = World::start().await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let direct = flight(&world, "AI101").await;
    let first = world.flight(NewFlight::new("AI103", "DEL", "BOM").weight(100.0).leaves_in_hours(199)).await;
    let second = world.flight(NewFlight::new("AI105", "BOM", "LHR").weight(100.0).leaves_in_hours(206)).await;
    let both = json!({ "flight_ids": [first["id"], second["id"]], "weight_kg": 100 });
    let date = &direct["departure_local"].as_str().unwrap()[..10];
    let by_date = json!({ "origin": "DEL", "destination": "LHR", "departure_date": date, "weight_kg": 100 });
    is_not_full(&customer, both.clone(), &[&first, &second]).await;
    fill(&operator, &direct).await;
    is_not_full(&customer, by_date.clone(), &[&first, &second]).await;
    fill(&operator, &second).await;
    join(&customer, by_date).await;
    join(&customer, both).await;
    world.audit().await;
}

#[tokio::test]
async fn space_that_a_hold_would_find_refuses_an_entry() {
    // No matcher runs here.
    let world = World::start().await;
    let flight = flight(&world, "AI101").await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let booking = operator.book(with(order(&[&flight]), json!({ "weight_kg": 900 }))).await;
    operator.hold(with(hold_on(&[&flight]), json!({ "ttl_seconds": 10 }))).await;
    // What expired holds keep is free, unless somebody waits for it.
    world.clock.advance(TimeDelta::seconds(10));
    is_not_full(&customer, wanted(&flight, 100.0), &[&flight]).await;
    let waits = join(&customer, wanted(&flight, 1000.0)).await;
    join(&customer, wanted(&flight, 100.0)).await;
    customer.delete(&at(&waits)).await.expect(200);
    // What is set aside is free once nobody has looked at it.
    operator.walk(&booking, &["cancel"]).await;
    join(&customer, wanted(&flight, 900.0)).await;
    world.clock.advance(TimeDelta::seconds(30));
    is_not_full(&customer, wanted(&flight, 900.0), &[&flight]).await;
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_entry_that_joins_while_space_becomes_free_gets_an_offer_or_not_full() {
    let world = WorldOptions::patient().with_workers().start().await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    for round in 0..rounds(10, 100) {
        let flight = flight(&world, &format!("AI{}", 100 + round)).await;
        let booking = fill(&operator, &flight).await;
        let joining = tokio::spawn(customer.sending(WAITLIST, wanted(&flight, 1000.0)));
        operator.walk(&booking, &["cancel"]).await;
        let joined = joining.await.unwrap();
        if joined.status == 201 {
            reached(&customer, &joined.body, "OFFERED").await;
        } else {
            joined.expect_problem(409, "not_full");
            customer.hold_weight(&flight, 1000.0).await;
        }
    }
    world.audit().await;
}

#[tokio::test]
async fn who_waits_or_has_an_offer_counts_as_who_holds() {
    let world = WorldOptions::working().set("holds.organization_active", "4").start().await;
    let (flight, other) = (flight(&world, "AI101").await, flight(&world, "AI103").await);
    let (customer, operator) = (world.customer().await, world.operator().await);
    let booking = fill(&operator, &flight).await;
    customer.hold_weight(&other, 1.0).await;
    let mut entries = Vec::new();
    for _ in 0..3 {
        entries.push(join(&customer, wanted(&flight, 500.0)).await);
    }
    let is_refused = async || {
        for (path, wish) in [(WAITLIST, wanted(&flight, 500.0)), (HOLDS, hold_on(&[&other]))] {
            let refused = customer.post(path, wish).await.expect_problem(409, "hold_limit_exceeded");
            assert_eq!((&refused["limit"], &refused["maximum"]), (&json!("active"), &json!(4)), "{path}");
        }
    };
    is_refused().await;
    operator.walk(&booking, &["cancel"]).await;
    reached(&customer, &entries[0], "OFFERED").await;
    reached(&customer, &entries[1], "OFFERED").await;
    is_refused().await;
    // Who is booked, or has left, counts no more; for staff there is no bound.
    customer.post(&format!("{}/book", at(&entries[0])), json!({ "pieces": 1 })).await.expect(201);
    let more = customer.hold_weight(&other, 1.0).await;
    is_refused().await;
    customer.delete(&at(&entries[2])).await.expect(200);
    join(&customer, wanted(&flight, 500.0)).await;
    is_refused().await;
    customer.delete(&loadmaster_testkit::holds::at(&more)).await.expect(200);
    for _ in 0..5 {
        join(&operator, wanted(&flight, 500.0)).await;
    }
    customer.hold_weight(&other, 1.0).await;
    is_refused().await;
    world.audit().await;
}

#[tokio::test]
async fn many_who_join_at_once_are_no_more_than_the_bound() {
    let world = WorldOptions::default().set("holds.organization_active", "5").start().await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let mut flights = Vec::new();
    for number in 0..4 {
        let flight = flight(&world, &format!("AI{}", 101 + number)).await;
        fill(&operator, &flight).await;
        flights.push(flight);
    }
    let joining = (0..20).map(|number| customer.sending(WAITLIST, wanted(&flights[number % 4], 1.0)));
    let joined = at_once(joining).await;
    assert_eq!(joined.iter().filter(|answer| answer.status == 201).count(), 5);
    assert_eq!(world.count("waitlist_entries where status = 'WAITING'").await, 5);
    world.audit().await;
}
