//! With the refusal of a new booking.
use loadmaster_testkit::{
    Client, NewFlight, World, WorldOptions,
    flight_verbs::{act, path_to},
    freight::{BOOKINGS, open_order, order, with},
};
use serde_json::{Value, json};

use super::{between, names, on};

async fn refused(client: &Client, order: Value, code: &str) -> Value {
    client.post(BOOKINGS, order).await.expect_problem(409, code)
}

#[tokio::test]
async fn a_full_flight_is_refused_with_at_most_three_others_by_day_then_arrival() {
    let world = World::start().await;
    let full = world.flight(on("AI101", "22T08:00").weight(99.9)).await;
    world.flight(on("AI102", "23T06:00")).await;
    world.flight(on("AI103", "23T07:00")).await;
    // Of the day asked for: the later it leaves, the earlier it lands.
    world.flight(on("AI104", "22T09:00").takes_minutes(900)).await;
    world.flight(on("AI105", "22T20:00").takes_minutes(100).weight(100.0)).await;
    world.flight(on("AI106", "22T10:00").volume(0.9)).await;
    world.flight(on("AI107", "21T23:00")).await;
    let customer = world.customer().await;
    let before = world.written().await;
    let problem = refused(&customer, order(&[&full]), "capacity_exceeded").await;
    assert_eq!(names(&problem), ["AI105", "AI104", "AI102"]);
    assert_eq!((&problem["flight_id"], &problem["available"]), (&full["id"], &json!(99.9)));
    assert_eq!(world.written().await, before);
    // They are options as searches show them.
    let shown = &problem["alternatives"][0];
    assert_eq!((&shown["route_type"], &shown["available"]["weight_kg"]), (&json!("direct"), &json!(100)));
    let ranked = "/api/v1/routes?origin=DEL&destination=LHR&departure_date=2026-11-22&weight_kg=100&volume_m3=1";
    assert_eq!(world.anonymous().get(ranked).await.expect(200)[0], *shown);
    // What was shown can be booked, and is then shown no more.
    customer.book(with(order(&[&full]), json!({"flight_ids": [shown["flights"][0]["id"]]}))).await;
    let problem = refused(&customer, order(&[&full]), "capacity_exceeded").await;
    assert_eq!(names(&problem), ["AI104", "AI102", "AI103"]);
    world.audit().await;
}

#[tokio::test]
async fn connections_are_alternatives_too() {
    let world = World::start().await;
    let full = world.flight(on("AI101", "22T08:00").weight(1.0)).await;
    world.flight(between("AI201", ("DEL", "BOM"), "22T08:00", 120)).await;
    world.flight(between("AI202", ("BOM", "LHR"), "22T13:00", 540)).await;
    let problem = refused(&world.customer().await, order(&[&full]), "capacity_exceeded").await;
    assert_eq!(names(&problem), ["AI201+AI202"]);
    assert_eq!(problem["alternatives"][0]["transit_airport"], "BOM");
}

#[tokio::test]
async fn flights_that_are_closed_or_cancelled_are_refused_with_others() {
    let world = World::start().await;
    let (closed, cancelled) =
        (world.flight(on("AI101", "21T08:00")).await, world.flight(on("AI102", "21T09:00")).await);
    world.flight(on("AI103", "22T08:00")).await;
    act(&world.admin().await, &cancelled, "cancel", json!({})).await.expect(200);
    world.clock.advance(chrono::TimeDelta::hours(18));
    let customer = world.customer().await;
    assert_eq!(names(&refused(&customer, order(&[&closed]), "flight_closed").await), ["AI103"]);
    assert_eq!(names(&refused(&customer, order(&[&cancelled]), "flight_cancelled").await), ["AI103"]);
}

#[tokio::test]
async fn without_bookable_flights_the_days_after_the_requested_one_are_searched() {
    let world = World::start().await;
    for (number, local) in [("AI100", "21T22:00"), ("AI101", "22T08:00"), ("AI104", "25T23:59"), ("AI105", "26T00:00")]
    {
        let weight = if number == "AI101" { 50.0 } else { 1000.0 };
        world.flight(on(number, local).weight(weight)).await;
    }
    let customer = world.customer().await;
    let asked = with(open_order("DEL", "LHR"), json!({"departure_date": "2026-11-22"}));
    let problem = refused(&customer, asked.clone(), "no_bookable_itinerary").await;
    assert_eq!(names(&problem), ["AI104"], "the 22nd to the 25th in Delhi");
    let heavy = with(asked.clone(), json!({"weight_kg": 1001}));
    assert_eq!(names(&refused(&customer, heavy, "no_bookable_itinerary").await), [""; 0]);

    for (days, expected) in [("0", vec![]), ("4", vec!["AI104", "AI105"])] {
        let patient = WorldOptions::default().on(&world.database).set("search.alternative_days", days).start().await;
        let customer = patient.customer().await;
        assert_eq!(names(&refused(&customer, asked.clone(), "no_bookable_itinerary").await), expected, "{days} days");
    }
}

#[tokio::test]
async fn without_a_date_the_days_begin_today() {
    let world = World::start().await;
    // It is half past one in the afternoon of the 20th in Delhi: 72 hours end on the 23rd.
    world.flight(on("AI101", "23T20:00")).await;
    world.flight(on("AI102", "24T08:00")).await;
    let problem = refused(&world.customer().await, open_order("DEL", "LHR"), "no_bookable_itinerary").await;
    assert_eq!(names(&problem), ["AI101"]);
}

#[tokio::test]
async fn the_day_of_named_flights_is_the_local_one_of_the_first() {
    let world = World::start().await;
    // On the 21st by UTC, on the 22nd in Delhi.
    let first = world.flight(between("AI201", ("DEL", "BOM"), "22T01:00", 120)).await;
    let second = world.flight(between("AI202", ("BOM", "LHR"), "22T23:00", 540).weight(1.0)).await;
    world.flight(on("AI101", "21T23:00")).await;
    world.flight(on("AI102", "25T23:00")).await;
    let problem = refused(&world.customer().await, order(&[&first, &second]), "capacity_exceeded").await;
    assert_eq!((names(&problem), &problem["flight_id"]), (vec!["AI102".to_owned()], &second["id"]));
}

#[tokio::test]
async fn freight_for_cargo_aircraft_is_offered_cargo_aircraft() {
    let world = World::start().await;
    let full = world.flight(on("AI101", "22T08:00").aircraft("77X").weight(1.0)).await;
    world.flight(on("AI102", "22T09:00")).await;
    world.flight(on("AI103", "22T10:00").aircraft("77X")).await;
    let order = with(order(&[&full]), json!({"special_handling_codes": ["CAO"]}));
    let problem = refused(&world.customer().await, order, "capacity_exceeded").await;
    assert_eq!(names(&problem), ["AI103"]);
}

#[tokio::test]
async fn faults_that_no_other_day_cures_come_without_alternatives() {
    let world = World::start().await;
    let there = world.flight(on("AI101", "22T08:00")).await;
    let elsewhere = world.flight(NewFlight::new("AI103", "BOM", "LHR")).await;
    let customer = world.customer().await;
    let numbered = with(order(&[&there]), json!({"awb_number": "098-12345675"}));
    customer.book(numbered.clone()).await;
    for (order, code) in [(order(&[&there, &elsewhere]), "itinerary_invalid"), (numbered, "already_exists")] {
        let problem = refused(&customer, order, code).await;
        assert_eq!(problem.get("alternatives"), None, "{problem}");
    }
}

#[tokio::test]
async fn alternatives_that_cannot_be_looked_for_in_time_are_left_out() {
    // The database would answer after a minute, and the server waits for it as long.
    let world = WorldOptions::patient().start().await;
    let full = world.flight(on("AI101", "22T08:00").weight(1.0)).await;
    world.flight(on("AI102", "22T09:00")).await;
    let customer = world.customer().await;
    world.anonymous().get(&path_to(&full)).await.expect(200);
    let mut owner = world.owner().await;
    sqlx::raw_sql("begin; lock table flights in access exclusive mode").execute(&mut owner).await.unwrap();
    let problem = refused(&customer, order(&[&full]), "capacity_exceeded").await;
    assert_eq!(names(&problem), [""; 0]);
    sqlx::raw_sql("rollback").execute(&mut owner).await.unwrap();
    world.give_back(owner);
    assert_eq!(names(&refused(&customer, order(&[&full]), "capacity_exceeded").await), ["AI102"]);
}
