//! All legs get room or none does.
use loadmaster_testkit::{
    NewFlight, World,
    freight::{BOOKINGS, each, order, with},
};
use serde_json::{Value, json};

/// Four flights that chain from Delhi to New York.
async fn chain(world: &World) -> Vec<Value> {
    let stops = ["DEL", "BOM", "DXB", "FRA", "JFK"];
    let mut flights = Vec::new();
    for (index, pair) in stops.windows(2).enumerate() {
        let leaves = 24 + 10 * i64::try_from(index).unwrap();
        let new = NewFlight::new(&format!("AI10{index}"), pair[0], pair[1]).leaves_in_hours(leaves);
        flights.push(world.flight(new).await);
    }
    flights
}

#[tokio::test]
async fn one_to_four_flights_are_booked_in_their_order() {
    let world = World::start().await;
    let (flights, customer) = (chain(&world).await, world.customer().await);
    for legs in 1..=4 {
        let chosen: Vec<_> = flights[..legs].iter().collect();
        let booking = customer.book(order(&chosen)).await;
        assert_eq!(booking["flight_ids"], json!(each(&json!(chosen), "id")));
        assert_eq!(booking["legs"].as_array().unwrap().len(), legs);
        for (index, leg) in booking["legs"].as_array().unwrap().iter().enumerate() {
            let flight = chosen[index];
            assert_eq!(
                (&leg["sequence"], &leg["status"], &leg["space_code"]),
                (&json!(index + 1), &json!("BOOKED"), &json!("KK"))
            );
            for member in ["flight_number", "origin", "destination", "departure_datetime", "arrival_datetime"] {
                assert_eq!(leg[member], flight[member], "{member}");
            }
            assert_eq!((&leg["pieces"], &leg["weight_kg"]), (&json!(2), &json!(100)));
            assert_eq!((&leg["volume_m3"], &leg["positions"]), (&json!(1), &json!(0)));
            assert_eq!(leg["offload_reason"], Value::Null);
        }
    }
    // The first flight carries all four bookings, the last one.
    for (flight, left) in flights.iter().zip([600, 700, 800, 900]) {
        assert_eq!(world.available(flight).await["weight_kg"], left);
    }
    world.audit().await;
}

#[tokio::test]
async fn a_full_leg_takes_no_space_on_any_other() {
    let world = World::start().await;
    let customer = world.customer().await;
    let ask = json!({"weight_kg": 100.5, "volume_m3": 2.25, "positions": 3});
    let cases = [
        ("weight_kg", NewFlight { weight_kg: 100.4, ..NewFlight::new("AI200", "BOM", "LHR") }, json!(100.4)),
        ("volume_m3", NewFlight { volume_m3: 2.249, ..NewFlight::new("AI201", "BOM", "LHR") }, json!(2.249)),
        ("positions", NewFlight { positions: 2, ..NewFlight::new("AI202", "BOM", "LHR") }, json!(2)),
    ];
    for (index, (dimension, narrow, available)) in cases.into_iter().enumerate() {
        let first = world.flight(NewFlight::new(&format!("AI10{index}"), "DEL", "BOM")).await;
        let second = world.flight(narrow.leaves_in_hours(40)).await;
        let before = world.written().await;

        let refused = customer.post(BOOKINGS, with(order(&[&first, &second]), ask.clone())).await;
        let problem = refused.expect_problem(409, "capacity_exceeded");
        assert_eq!(problem["flight_id"], second["id"], "{dimension}");
        assert_eq!(problem["flight_number"], second["flight_number"], "{dimension}");
        assert_eq!(problem["dimension"], dimension);
        assert_eq!(problem["requested"], ask[dimension]);
        assert_eq!(problem["available"], available, "{dimension}");
        assert!(problem["detail"].as_str().unwrap().contains(second["flight_number"].as_str().unwrap()));

        assert_eq!(world.written().await, before, "{dimension}: something was written");
        assert_eq!(world.available(&first).await, first["available"], "{dimension}");
    }
    world.audit().await;
}

#[tokio::test]
async fn a_flight_is_sold_to_the_last_tenth_of_a_kilogram_and_no_further() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100.0)).await;
    let customer = world.customer().await;
    let ask = |weight: f64| with(order(&[&flight]), json!({"weight_kg": weight}));

    customer.book(ask(30.4)).await;
    let problem = customer.post(BOOKINGS, ask(69.7)).await.expect_problem(409, "capacity_exceeded");
    assert_eq!((&problem["requested"], &problem["available"]), (&json!(69.7), &json!(69.6)));
    customer.book(ask(69.6)).await;
    let problem = customer.post(BOOKINGS, ask(0.1)).await.expect_problem(409, "capacity_exceeded");
    assert_eq!(problem["available"], json!(0));
    world.audit().await;
}

#[tokio::test]
async fn a_flight_without_positions_takes_loose_freight_only() {
    let world = World::start().await;
    let flight = world.flight(NewFlight { positions: 0, ..NewFlight::new("AI101", "DEL", "LHR") }).await;
    let customer = world.customer().await;
    customer.book(order(&[&flight])).await;
    let refused = customer.post(BOOKINGS, with(order(&[&flight]), json!({"positions": 1}))).await;
    assert_eq!(refused.expect_problem(409, "capacity_exceeded")["dimension"], "positions");
}
