//! Bookings that name no flights: the best one is found.
use chrono::TimeDelta;
use loadmaster_testkit::{
    NewFlight, World, WorldOptions,
    freight::{BOOKINGS, at_once, open_order, order, with},
};
use serde_json::{Value, json};

/// A flight that leaves and arrives so many hours after the clock's start.
fn between(number: &str, origin: &'static str, destination: &'static str, hours: (i64, i64)) -> NewFlight {
    let new = NewFlight::new(number, origin, destination).leaves_in_hours(hours.0);
    NewFlight { takes: TimeDelta::hours(hours.1 - hours.0), ..new }
}

fn numbers(booking: &Value) -> Vec<&str> {
    booking["legs"].as_array().unwrap().iter().map(|leg| leg["flight_number"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_direct_flight_that_arrives_first_is_taken_before_any_connection() {
    let world = World::start().await;
    world.flight(between("AI101", "DEL", "LHR", (20, 40))).await;
    world.flight(between("AI102", "DEL", "LHR", (25, 33))).await;
    world.flight(between("AI103", "DEL", "LHR", (24, 34))).await;
    world.flight(between("AI201", "DEL", "BOM", (18, 20))).await;
    world.flight(between("AI202", "BOM", "LHR", (23, 30))).await;
    let booking = world.customer().await.book(open_order("DEL", "LHR")).await;
    assert_eq!(numbers(&booking), ["AI102"]);
}

#[tokio::test]
async fn the_connection_that_arrives_first_is_taken_where_no_direct_flight_is_left() {
    let world = World::start().await;
    let direct = world.flight(between("AI101", "DEL", "LHR", (20, 28)).weight(99.9)).await;
    world.flight(between("AI201", "DEL", "BOM", (18, 20))).await;
    world.flight(between("AI202", "BOM", "LHR", (30, 40))).await;
    world.flight(between("AI301", "DEL", "DXB", (19, 22))).await;
    world.flight(between("AI302", "DXB", "LHR", (24, 32))).await;
    // Too tight: it would arrive first.
    world.flight(between("AI303", "DXB", "LHR", (23, 31))).await;
    let booking = world.customer().await.book(open_order("DEL", "LHR")).await;
    assert_eq!(numbers(&booking), ["AI301", "AI302"]);
    assert_eq!(world.available(&direct).await, direct["available"]);
    world.audit().await;
}

#[tokio::test]
async fn an_option_that_is_full_is_replaced_by_the_next() {
    let world = World::start().await;
    world.flight(between("AI101", "DEL", "LHR", (20, 28)).weight(150.0)).await;
    world.flight(between("AI102", "DEL", "LHR", (22, 30)).weight(150.0)).await;
    world.flight(between("AI201", "DEL", "BOM", (20, 22)).weight(150.0)).await;
    world.flight(between("AI202", "BOM", "LHR", (25, 29)).weight(150.0)).await;
    let customer = world.customer().await;
    for expected in [vec!["AI101"], vec!["AI102"], vec!["AI201", "AI202"]] {
        assert_eq!(numbers(&customer.book(open_order("DEL", "LHR")).await), expected);
    }
    let before = world.written().await;
    customer.post(BOOKINGS, open_order("DEL", "LHR")).await.expect_problem(409, "no_bookable_itinerary");
    assert_eq!(world.written().await, before);
    world.audit().await;
}

#[tokio::test]
async fn callers_that_race_for_the_best_option_share_out_what_there_is() {
    let world = World::start().await;
    let best = world.flight(between("AI101", "DEL", "LHR", (20, 28)).weight(500.0)).await;
    let next = world.flight(between("AI102", "DEL", "LHR", (22, 30)).weight(300.0)).await;
    let customer = world.customer().await;
    let answers = at_once((0..10).map(|_| customer.sending(BOOKINGS, open_order("DEL", "LHR")))).await;
    let (booked, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!(booked.len(), 8);
    for answer in refused {
        answer.expect_problem(409, "no_bookable_itinerary");
    }
    for flight in [best, next] {
        assert_eq!(world.available(&flight).await["weight_kg"], 0);
    }
    world.audit().await;
}

#[tokio::test]
async fn the_departure_date_is_the_local_one_at_the_origin() {
    let world = World::start().await;
    // 21 November 19:00 UTC is 22 November 00:30 in Delhi.
    world.flight(between("AI101", "DEL", "LHR", (35, 44))).await;
    let customer = world.customer().await;
    let on = |date: &str| with(open_order("DEL", "LHR"), json!({"departure_date": date}));
    for date in ["2026-11-21", "2026-11-23", "2026-11-19"] {
        customer.post(BOOKINGS, on(date)).await.expect_problem(409, "no_bookable_itinerary");
    }
    assert_eq!(numbers(&customer.book(on("2026-11-22")).await), ["AI101"]);
}

#[tokio::test]
async fn a_date_reaches_further_than_the_hours_that_hold_without_one() {
    let world = World::start().await;
    world.flight(between("AI101", "DEL", "LHR", (73, 80))).await;
    let customer = world.customer().await;
    customer.post(BOOKINGS, open_order("DEL", "LHR")).await.expect_problem(409, "no_bookable_itinerary");
    let dated = with(open_order("DEL", "LHR"), json!({"departure_date": "2026-11-23"}));
    assert_eq!(numbers(&customer.book(dated).await), ["AI101"]);

    world.flight(between("AI102", "DEL", "LHR", (71, 90))).await;
    assert_eq!(numbers(&customer.book(open_order("DEL", "LHR")).await), ["AI102"]);
}

#[tokio::test]
async fn the_hours_that_hold_without_a_date_are_a_setting() {
    let world = WorldOptions::default().set("booking.auto_route_hours", "10").start().await;
    world.flight(between("AI101", "DEL", "LHR", (11, 15))).await;
    let customer = world.customer().await;
    customer.post(BOOKINGS, open_order("DEL", "LHR")).await.expect_problem(409, "no_bookable_itinerary");
    world.flight(between("AI102", "DEL", "LHR", (9, 20))).await;
    assert_eq!(numbers(&customer.book(open_order("DEL", "LHR")).await), ["AI102"]);
}

#[tokio::test]
async fn closed_departed_cancelled_and_unsuitable_flights_are_skipped() {
    let world = World::start().await;
    let closed = NewFlight::new("AI101", "DEL", "LHR").leaves_in_minutes(59);
    world.flight(closed).await;
    let departed = world.flight(between("AI102", "DEL", "LHR", (5, 10))).await;
    let cancelled = world.flight(between("AI103", "DEL", "LHR", (6, 11))).await;
    world.flight(between("AI104", "DEL", "LHR", (7, 12))).await;
    world.flight(NewFlight { aircraft_code: Some("77X"), ..between("AI105", "DEL", "LHR", (8, 13)) }).await;
    for (flight, status) in [(&departed, "DEPARTED"), (&cancelled, "CANCELLED")] {
        world
            .sql(&format!("update flight_capacity set status = '{status}' where flight_id = {}", quoted(flight)))
            .await;
    }
    world.sql(&format!("update flights set cancelled_at = now() where id = {}", quoted(&cancelled))).await;
    let customer = world.customer().await;
    assert_eq!(numbers(&customer.book(open_order("DEL", "LHR")).await), ["AI104"]);
    let freighter = with(open_order("DEL", "LHR"), json!({"special_handling_codes": ["CAO"]}));
    assert_eq!(numbers(&customer.book(freighter).await), ["AI105"]);
}

fn quoted(flight: &Value) -> String {
    format!("'{}'", flight["id"].as_str().unwrap())
}

#[tokio::test]
async fn an_empty_list_of_flights_and_null_are_none() {
    let world = World::start().await;
    world.flight(between("AI101", "DEL", "LHR", (20, 28))).await;
    let customer = world.customer().await;
    for none in [json!([]), Value::Null] {
        let booking = customer.book(with(open_order("DEL", "LHR"), json!({"flight_ids": none}))).await;
        assert_eq!(numbers(&booking), ["AI101"]);
    }
}

#[tokio::test]
async fn a_date_beside_named_flights_does_not_matter() {
    let world = World::start().await;
    let flight = world.flight(between("AI101", "DEL", "LHR", (20, 28))).await;
    let dated = with(order(&[&flight]), json!({"departure_date": "2027-01-01"}));
    assert_eq!(numbers(&world.customer().await.book(dated).await), ["AI101"]);
}
