//! Which flights make a way for the cargo.
use chrono::TimeDelta;
use loadmaster_testkit::{
    NewFlight, World, WorldOptions,
    amending::{closing, long_day, refused, shown},
    freight::{order, text, with},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Network, ids, in_force, reroute};

/// A flight of four hours that leaves so many minutes after the clock's start.
fn leaving(number: &str, origin: &'static str, destination: &'static str, minutes: i64) -> NewFlight {
    NewFlight::new(number, origin, destination).leaves_in_minutes(minutes)
}

#[tokio::test]
async fn flights_that_do_not_chain_from_here_to_the_destination_are_no_itinerary() {
    let world = World::start().await;
    let (network, customer) = (Network::of(&world).await, world.customer().await);
    let booking = network.book(&customer).await;
    // AI101 lands after 28 hours.
    let tight = world.flight(leaving("AI201", "BOM", "LHR", 30 * 60 - 1)).await;
    let back = world.flight(leaving("AI202", "BOM", "DEL", 31 * 60)).await;
    let elsewhere = world.flight(leaving("AI203", "DEL", "JFK", 20 * 60)).await;
    let nobody = json!({"id": Uuid::now_v7()});
    let Network { to_bombay, onward, direct, from_dubai, .. } = &network;
    let before = shown(&customer, &booking).await;
    for (what, flights) in [
        ("a flight from elsewhere", vec![onward]),
        ("a flight to elsewhere", vec![to_bombay]),
        ("a flight to quite elsewhere", vec![&elsewhere]),
        ("a gap", vec![to_bombay, from_dubai]),
        ("the wrong order", vec![onward, to_bombay]),
        ("a connection of 119 minutes", vec![to_bombay, &tight]),
        ("a flight that does not exist", vec![&nobody]),
        ("one of two that does not exist", vec![to_bombay, &nobody]),
        ("a flight named twice", vec![direct, direct]),
        ("there and back and there again", vec![to_bombay, &back, to_bombay, onward]),
    ] {
        let problem = refused(&world, &customer, &booking, json!({"flight_ids": ids(&flights)}), "itinerary_invalid");
        assert!(!text(&problem.await, "detail").is_empty(), "{what}");
    }
    assert_eq!(shown(&customer, &booking).await, before);
    world.audit().await;
}

#[tokio::test]
async fn a_way_ends_where_it_first_comes_to_the_destination() {
    let world = World::start().await;
    let (network, operator) = (Network::of(&world).await, world.operator().await);
    let away = world.flight(leaving("AI301", "LHR", "CDG", 50 * 60)).await;
    let again = world.flight(leaving("AI302", "CDG", "LHR", 60 * 60)).await;
    let loops = [&network.direct, &away, &again];
    operator.post("/api/v1/bookings", order(&loops)).await.expect_problem(409, "itinerary_invalid");
    let booking = operator.book(order(&[&network.direct])).await;
    refused(&world, &operator, &booking, json!({"flight_ids": ids(&loops)}), "itinerary_invalid").await;
    // In the air to London it needs no other flights, not even some that lead back there.
    operator.walk(&booking, &["depart"]).await;
    for flights in [vec![&away, &again], vec![&again]] {
        refused(&world, &operator, &booking, json!({"flight_ids": ids(&flights)}), "itinerary_invalid").await;
    }
    world.audit().await;
}

#[tokio::test]
async fn once_departed_they_must_start_where_the_cargo_is_or_lands() {
    let world = World::start().await;
    let (network, operator) = (Network::of(&world).await, world.operator().await);
    let booking = network.book(&operator).await;
    let Network { to_bombay, onward, later, direct, from_dubai, .. } = &network;
    for step in ["depart", "arrive"] {
        operator.walk(&booking, &[step]).await;
        for flights in [vec![direct], vec![from_dubai], vec![to_bombay, onward], vec![to_bombay, later]] {
            refused(&world, &operator, &booking, json!({"flight_ids": ids(&flights)}), "itinerary_invalid").await;
        }
    }
    world.audit().await;
}

#[tokio::test]
async fn the_connection_from_the_leg_in_the_air_must_hold_too() {
    let world = World::start().await;
    let (network, operator) = (Network::of(&world).await, world.operator().await);
    // AI101 lands after 28 hours.
    let early = world.flight(leaving("AI201", "BOM", "LHR", 27 * 60)).await;
    let tight = world.flight(leaving("AI202", "BOM", "LHR", 30 * 60 - 1)).await;
    let enough = world.flight(leaving("AI203", "BOM", "LHR", 30 * 60)).await;
    let through = world.flight(leaving("AI101", "BOM", "LHR", 28 * 60 + 10)).await;
    for steps in [&["depart"][..], &["depart", "arrive"]] {
        for flight in [&early, &tight] {
            let booking = network.book(&operator).await;
            operator.walk(&booking, steps).await;
            refused(&world, &operator, &booking, json!({"flight_ids": ids(&[flight])}), "itinerary_invalid").await;
        }
        // One flight number needs no minimum.
        for flight in [&enough, &through] {
            let booking = network.book(&operator).await;
            operator.walk(&booking, steps).await;
            let after = reroute(&operator, &booking, &[flight]).await.expect(200);
            assert_eq!(in_force(&after).len(), 2);
        }
    }
    world.audit().await;
}

#[tokio::test]
async fn the_minimum_connection_is_the_configured_one() {
    let options = WorldOptions::default().set("search.connection_minutes_by_airport", "BOM=30");
    let world = options.start().await;
    let (network, operator) = (Network::of(&world).await, world.operator().await);
    // AI101 lands after 28 hours.
    let tight = world.flight(leaving("AI201", "BOM", "LHR", 28 * 60 + 29)).await;
    let enough = world.flight(leaving("AI202", "BOM", "LHR", 28 * 60 + 30)).await;
    let booking = network.book(&operator).await;
    let change = json!({"flight_ids": ids(&[&network.to_bombay, &tight])});
    refused(&world, &operator, &booking, change, "itinerary_invalid").await;
    reroute(&operator, &booking, &[&network.to_bombay, &enough]).await.expect(200);
    operator.walk(&booking, &["depart"]).await;
    reroute(&operator, &booking, &[&network.later]).await.expect(200);
    refused(&world, &operator, &booking, json!({"flight_ids": ids(&[&tight])}), "itinerary_invalid").await;
    reroute(&operator, &booking, &[&enough]).await.expect(200);
    world.audit().await;
}

#[tokio::test]
async fn a_closed_flight_takes_rerouted_freight_from_the_carrier_only() {
    let world = World::start().await;
    let (network, customer, operator) = (Network::of(&world).await, world.customer().await, world.operator().await);
    let closed = closing(&world, NewFlight::new("AI201", "DEL", "LHR").leaves_in_hours(30), 31 * 60).await;
    let late = closing(&world, leaving("AI202", "DEL", "LHR", -60), 0).await;
    for flight in [&closed, &late] {
        let booking = network.book(&customer).await;
        let problem =
            refused(&world, &customer, &booking, json!({"flight_ids": ids(&[flight])}), "flight_closed").await;
        assert!(text(&problem, "detail").contains(text(flight, "flight_number")), "{problem}");
        let after = reroute(&operator, &booking, &[flight]).await.expect(200);
        assert_eq!(after["flight_ids"], ids(&[flight]));
    }
    world.audit().await;
}

#[tokio::test]
async fn after_a_cut_off_on_the_old_way_only_the_carrier_reroutes() {
    let world = long_day().await;
    let (network, customer, operator) = (Network::of(&world).await, world.customer().await, world.operator().await);
    let booking = network.book(&customer).await;
    // AI101 closes an hour before it leaves; AI104 is open for six hours more.
    world.clock.advance(TimeDelta::hours(23));
    let change = json!({"flight_ids": ids(&[&network.direct])});
    let problem = refused(&world, &customer, &booking, change, "flight_closed").await;
    assert!(text(&problem, "detail").contains("AI101"), "{problem}");
    let after = reroute(&operator, &booking, &[&network.direct]).await.expect(200);
    assert_eq!(in_force(&after), [(1, "AI104", "BOOKED")]);
    // Now that it concerns no closed flight any more, the customer may again: onto an open one.
    let open = world.flight(NewFlight::new("AI201", "DEL", "LHR").leaves_in_hours(60)).await;
    reroute(&customer, &booking, &[&open]).await.expect(200);
    world.audit().await;
}

#[tokio::test]
async fn a_flight_that_does_not_go_any_more_takes_no_booking() {
    let world = World::start().await;
    let (network, customer, operator) = (Network::of(&world).await, world.customer().await, world.operator().await);
    let admin = world.admin().await;
    let booking = network.book(&customer).await;
    let mut flights = Vec::new();
    for number in ["AI201", "AI202", "AI203"] {
        flights.push(world.flight(NewFlight::new(number, "DEL", "LHR").leaves_in_hours(40)).await);
    }
    for (flight, verbs) in flights.iter().zip([&["cancel"][..], &["depart"], &["depart", "arrive"]]) {
        for verb in verbs {
            admin.poke(&format!("/api/v1/flights/{}/{verb}", text(flight, "id"))).await.expect(200);
        }
    }
    for caller in [&customer, &operator] {
        for (flight, code) in flights.iter().zip(["flight_cancelled", "flight_closed", "flight_closed"]) {
            let problem = refused(&world, caller, &booking, json!({"flight_ids": ids(&[flight])}), code).await;
            assert!(text(&problem, "detail").contains(text(flight, "flight_number")), "{problem}");
        }
    }
    assert_eq!(shown(&customer, &booking).await, booking);
    world.audit().await;
}

#[tokio::test]
async fn freight_for_cargo_aircraft_only_is_rerouted_onto_freighters() {
    let world = World::start().await;
    let customer = world.customer().await;
    let one = world.flight(NewFlight::new("AI101", "DEL", "LHR").aircraft("77X")).await;
    let other = world.flight(NewFlight::new("AI102", "DEL", "LHR").aircraft("77X")).await;
    let passengers = world.flight(NewFlight::new("AI103", "DEL", "LHR").aircraft("77W")).await;
    let booking = customer.book(with(order(&[&one]), json!({"special_handling_codes": ["CAO"]}))).await;
    refused(&world, &customer, &booking, json!({"flight_ids": ids(&[&passengers])}), "itinerary_invalid").await;
    reroute(&customer, &booking, &[&other]).await.expect(200);
    // What the same change makes of the freight counts.
    let freed = json!({"flight_ids": ids(&[&passengers]), "special_handling_codes": null});
    let after: Value = loadmaster_testkit::amending::amend(&customer, &booking, freed).await.expect(200);
    assert_eq!(after["flight_ids"], ids(&[&passengers]));
    let bound = json!({"flight_ids": ids(&[&one]), "special_handling_codes": ["CAO"]});
    loadmaster_testkit::amending::amend(&customer, &booking, bound).await.expect(200);
    world.audit().await;
}
