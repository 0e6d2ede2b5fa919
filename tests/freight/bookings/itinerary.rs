//! What makes an itinerary out of named flights.
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_testkit::{
    NewFlight, World, WorldOptions,
    freight::{BOOKINGS, order, text, with},
};
use serde_json::{Value, json};
use uuid::Uuid;

/// A flight of four hours that leaves so many minutes after the clock's start.
fn leaving(number: &str, origin: &'static str, destination: &'static str, minutes: i64) -> NewFlight {
    NewFlight::new(number, origin, destination).leaves_in_minutes(minutes)
}

#[tokio::test]
async fn flights_that_do_not_chain_from_origin_to_destination_are_no_itinerary() {
    let world = World::start().await;
    let first = world.flight(leaving("AI101", "DEL", "BOM", 600)).await;
    let onward = world.flight(leaving("AI102", "BOM", "LHR", 960)).await;
    let tight = world.flight(leaving("AI103", "BOM", "LHR", 959)).await;
    let earlier = world.flight(leaving("AI104", "BOM", "LHR", 500)).await;
    let elsewhere = world.flight(leaving("AI105", "DXB", "LHR", 1200)).await;
    let back = world.flight(leaving("AI106", "BOM", "DEL", 1200)).await;
    let customer = world.customer().await;
    let base = order(&[&first, &onward]);
    let flights = |list: &[&Value]| json!({"flight_ids": list.iter().map(|flight| &flight["id"]).collect::<Vec<_>>()});
    let nobody = json!({"id": Uuid::now_v7()});
    let cases = [
        ("a flight that does not exist", flights(&[&first, &nobody])),
        ("only a flight that does not exist", flights(&[&nobody])),
        ("the wrong origin", json!({"origin": "BOM"})),
        ("the wrong destination", json!({"destination": "DXB"})),
        ("a first leg only", flights(&[&first])),
        ("a last leg only", flights(&[&onward])),
        ("a broken chain", flights(&[&first, &elsewhere])),
        ("the wrong order", flights(&[&onward, &first])),
        ("a connection of 119 minutes", flights(&[&first, &tight])),
        ("a departure before the arrival", flights(&[&first, &earlier])),
        ("the same flight twice", flights(&[&first, &first, &onward])),
        ("there and back and there again", flights(&[&first, &back, &first, &onward])),
    ];
    let before = world.written().await;
    for (what, change) in cases {
        let answer = customer.post(BOOKINGS, with(base.clone(), change)).await;
        assert_eq!(answer.body["code"], "itinerary_invalid", "{what}: {}", answer.text);
        answer.expect_problem(409, "itinerary_invalid");
    }
    assert_eq!(world.written().await, before);
    customer.book(base).await;
    world.audit().await;
}

#[tokio::test]
async fn legs_of_one_flight_number_need_no_minimum_connection() {
    let world = World::start().await;
    let first = world.flight(leaving("AI101", "DEL", "BOM", 600)).await;
    let same = world.flight(leaving("AI101", "BOM", "LHR", 840)).await;
    let suffixed = world.flight(leaving("AI101A", "BOM", "LHR", 841)).await;
    let customer = world.customer().await;
    customer.book(order(&[&first, &same])).await;
    let refused = customer.post(BOOKINGS, order(&[&first, &suffixed])).await;
    refused.expect_problem(409, "itinerary_invalid");

    // Aboard or not, a flight cannot leave before it has landed.
    let inbound = world.flight(leaving("AI102", "DEL", "BOM", 600)).await;
    let before = world.flight(leaving("AI102", "BOM", "LHR", 839)).await;
    customer.post(BOOKINGS, order(&[&inbound, &before])).await.expect_problem(409, "itinerary_invalid");
}

#[tokio::test]
async fn the_minimum_connection_is_a_setting_for_each_airport() {
    let world = WorldOptions::default()
        .set("search.min_connection_minutes", "200")
        .set("search.connection_minutes_by_airport", "{ BOM = 45 }")
        .start()
        .await;
    let customer = world.customer().await;
    for (hub, minutes, code) in [("BOM", 45, 201), ("BOM", 44, 409), ("DXB", 200, 201), ("DXB", 199, 409)] {
        let first = world.flight(leaving(&format!("AI{minutes}"), "DEL", hub, 600)).await;
        let second = world.flight(leaving(&format!("EK{minutes}"), hub, "LHR", 840 + minutes)).await;
        let answer = customer.post(BOOKINGS, order(&[&first, &second])).await;
        assert_eq!(answer.status, code, "{hub} {minutes}: {}", answer.text);
    }
}

#[tokio::test]
async fn named_flights_may_connect_days_later() {
    let world = World::start().await;
    let first = world.flight(leaving("AI101", "DEL", "BOM", 600)).await;
    let later = world.flight(leaving("AI102", "BOM", "LHR", 600 + 6 * 1440)).await;
    world.customer().await.book(order(&[&first, &later])).await;
}

#[tokio::test]
async fn booking_closes_at_the_cut_off() {
    let world = World::start().await;
    let customer = world.customer().await;
    // The cut-off is an hour before departure, and is the first instant that is too late.
    for (number, minutes, status) in [("AI101", 61, 201), ("AI102", 60, 409), ("AI103", 30, 409), ("AI104", -300, 409)]
    {
        let flight = world.flight(leaving(number, "DEL", "LHR", minutes)).await;
        let answer = customer.post(BOOKINGS, order(&[&flight])).await;
        assert_eq!(answer.status, status, "{minutes}: {}", answer.text);
        if status == 409 {
            let problem = answer.expect_problem(409, "flight_closed");
            assert!(text(&problem, "detail").contains(number));
        }
    }
    world.audit().await;
}

#[tokio::test]
async fn the_cut_off_of_every_leg_counts() {
    let world = World::start().await;
    let first = world.flight(leaving("AI101", "DEL", "BOM", 600)).await;
    let second = world.flight(leaving("AI102", "BOM", "LHR", 1200)).await;
    let cutoff = "update flight_capacity set cutoff_at = '2026-11-20T08:00:00Z', version = version + 1";
    world.sql(&format!("{cutoff} where flight_id = '{}'", text(&second, "id"))).await;
    let before = world.written().await;
    let refused = world.customer().await.post(BOOKINGS, order(&[&first, &second])).await;
    refused.expect_problem(409, "flight_closed");
    assert_eq!(world.written().await, before);
}

#[tokio::test]
async fn flights_that_have_gone_are_closed_and_cancelled_ones_cancelled() {
    let world = World::start().await;
    let customer = world.customer().await;
    for (number, status, code) in [
        ("AI101", "DEPARTED", "flight_closed"),
        ("AI102", "ARRIVED", "flight_closed"),
        ("AI103", "CANCELLED", "flight_cancelled"),
    ] {
        let flight = world.flight(leaving(number, "DEL", "LHR", 600)).await;
        let id = text(&flight, "id");
        world.sql(&format!("update flight_capacity set status = '{status}' where flight_id = '{id}'")).await;
        if status == "CANCELLED" {
            world.sql(&format!("update flights set cancelled_at = now() where id = '{id}'")).await;
        }
        let before = world.written().await;
        let problem = customer.post(BOOKINGS, order(&[&flight])).await.expect_problem(409, code);
        assert!(text(&problem, "detail").contains(number), "{problem}");
        assert_eq!(world.written().await, before);
    }
}

#[tokio::test]
async fn cargo_aircraft_only_needs_freighters_on_every_leg() {
    let world = World::start().await;
    let on = |new: NewFlight, aircraft| NewFlight { aircraft_code: Some(aircraft), ..new };
    let freighter = world.flight(on(leaving("AI101", "DEL", "BOM", 600), "77X")).await;
    let onward = world.flight(on(leaving("AI102", "BOM", "LHR", 1200), "74Y")).await;
    let passenger = world.flight(on(leaving("AI103", "BOM", "LHR", 1300), "77W")).await;
    let unknown = world.flight(leaving("AI104", "BOM", "LHR", 1400)).await;
    let customer = world.customer().await;
    let dangerous = |second| with(order(&[&freighter, second]), json!({"special_handling_codes": ["PER", "CAO"]}));
    for second in [&passenger, &unknown] {
        let problem = customer.post(BOOKINGS, dangerous(second)).await.expect_problem(409, "itinerary_invalid");
        assert!(text(&problem, "detail").contains(text(second, "flight_number")));
        customer.book(with(order(&[&freighter, second]), json!({"special_handling_codes": ["PER"]}))).await;
    }
    customer.book(dangerous(&onward)).await;
}

/// An instance remembers flights that it has sold room on, and sells by what it remembers, but never what is no longer so.
#[tokio::test]
async fn what_is_remembered_of_a_flight_sells_nothing_that_has_changed() {
    let here = World::working().await;
    let there = WorldOptions::working().on(&here.database).start().await;
    let flight = here.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0).volume(1_000.0)).await;
    let (customer, near, far) = (here.customer().await, here.admin().await, there.admin().await);
    let path = format!("/api/v1/flights/{}", text(&flight, "id"));
    for (minutes, admin) in [(7, &near), (14, &far), (21, &near), (28, &far)] {
        // The first reads the flight, the second remembers it.
        customer.book(order(&[&flight])).await;
        customer.book(order(&[&flight])).await;
        let later = |member| {
            let time: DateTime<Utc> = text(&flight, member).parse().unwrap();
            time + TimeDelta::minutes(minutes)
        };
        let times =
            json!({"departure_datetime": later("departure_datetime"), "arrival_datetime": later("arrival_datetime")});
        admin.patch(&path, times).await.expect(200);
        if minutes % 2 == 1 {
            // Long enough for the index to have the new version, beside what is remembered of the old one.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let booking = customer.book(order(&[&flight])).await;
        let told: DateTime<Utc> = text(&booking["legs"][0], "departure_datetime").parse().unwrap();
        assert_eq!(told, later("departure_datetime"));
    }
    customer.book(order(&[&flight])).await;
    far.post(&format!("{path}/cancel"), json!({})).await.expect(200);
    customer.post(BOOKINGS, order(&[&flight])).await.expect_problem(409, "flight_cancelled");
    here.audit().await;
}
