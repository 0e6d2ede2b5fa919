//! Rerouting takes room on all new flights or on none, and gives back that of the old ones first.
use loadmaster_testkit::{
    NewFlight, World,
    amending::{amend, refused, shown, told_of},
    freight::{order, with},
};
use serde_json::{Value, json};

use super::{Network, ids, in_force, past, reroute};

#[tokio::test]
async fn a_full_flight_takes_no_booking_and_the_old_route_is_kept() {
    let world = World::start().await;
    let (network, customer) = (Network::of(&world).await, world.customer().await);
    for (number, (dimension, new)) in [
        ("weight_kg", NewFlight::new("AI201", "DEL", "LHR").weight(99.9)),
        ("volume_m3", NewFlight::new("AI202", "DEL", "LHR").volume(0.999)),
        ("positions", NewFlight::new("AI203", "DEL", "LHR").positions(1)),
    ]
    .into_iter()
    .enumerate()
    {
        let full = world.flight(new).await;
        let booking = customer.book(with(order(&[&network.to_bombay, &network.onward]), json!({"positions": 2}))).await;
        let problem = refused(&world, &customer, &booking, json!({"flight_ids": ids(&[&full])}), "capacity_exceeded");
        let problem = problem.await;
        assert_eq!((&problem["flight_id"], &problem["dimension"]), (&full["id"], &json!(dimension)));
        assert_eq!((&problem["requested"], &problem["available"]), (&booking[dimension], &full["capacity"][dimension]));
        assert_eq!(shown(&customer, &booking).await, booking);
        let kilograms = 100 * (number as u64 + 1);
        assert_eq!(network.booked(&world).await, [kilograms, kilograms, 0, 0, 0, 0]);
    }
    world.audit().await;
}

#[tokio::test]
async fn one_full_leg_of_the_new_way_takes_no_space_on_the_others() {
    let world = World::start().await;
    let (network, customer) = (Network::of(&world).await, world.customer().await);
    customer.book(with(order(&[&network.from_dubai]), json!({"weight_kg": 950}))).await;
    let booking = network.book(&customer).await;
    let booked = network.booked(&world).await;
    let change = json!({"flight_ids": ids(&[&network.to_bombay, &network.to_dubai, &network.from_dubai])});
    let problem = refused(&world, &customer, &booking, change, "capacity_exceeded").await;
    assert_eq!((&problem["flight_id"], &problem["available"]), (&network.from_dubai["id"], &json!(50)));
    assert_eq!(network.booked(&world).await, booked);
    assert_eq!(shown(&customer, &booking).await, booking);
    world.audit().await;
}

#[tokio::test]
async fn a_flight_of_both_ways_needs_no_space_twice() {
    let world = World::start().await;
    let (network, customer) = (Network::of(&world).await, world.customer().await);
    let shared = world.flight(NewFlight::new("AI301", "DEL", "BOM").weight(100.0).volume(1.0).positions(0)).await;
    let booking = customer.book(order(&[&shared, &network.onward])).await;
    assert_eq!(world.available(&shared).await, json!({"weight_kg": 0, "volume_m3": 0, "positions": 0}));
    let after = reroute(&customer, &booking, &[&shared, &network.later]).await.expect(200);
    assert_eq!(in_force(&after), [(1, "AI301", "BOOKED"), (2, "AI103", "BOOKED")]);
    assert_eq!(past(&after), [("AI102", "REPLACED"), ("AI301", "REPLACED")]);
    assert_eq!(world.available(&shared).await["weight_kg"], 0);
    // But not more than there is.
    let more = json!({"weight_kg": 100.1, "flight_ids": ids(&[&shared, &network.onward])});
    refused(&world, &customer, &booking, more, "capacity_exceeded").await;
    let less = json!({"weight_kg": 60, "flight_ids": ids(&[&shared, &network.onward])});
    amend(&customer, &booking, less).await.expect(200);
    assert_eq!(world.available(&shared).await["weight_kg"], 40);
    assert_eq!(network.booked(&world).await, [0, 60, 0, 0, 0, 0]);
    world.audit().await;
}

#[tokio::test]
async fn what_a_smaller_booking_frees_on_a_flight_of_both_ways_is_set_aside_for_those_who_wait() {
    let world = World::start().await;
    let (network, customer) = (Network::of(&world).await, world.customer().await);
    let shared = world.flight(NewFlight::new("AI301", "DEL", "BOM").weight(100.0)).await;
    let booking = customer.book(order(&[&shared, &network.onward])).await;
    let wanted = json!({"flight_ids": ids(&[&shared]), "weight_kg": 30});
    world.customer().await.post("/api/v1/waitlist", wanted).await.expect(201);
    let less = json!({"weight_kg": 60, "flight_ids": ids(&[&shared, &network.later])});
    amend(&customer, &booking, less).await.expect(200);
    let aside = "select kind || ' ' || weight_hg / 10 from capacity_ledger where kind = 'SET_ASIDE'";
    assert_eq!(world.texts(aside).await, ["SET_ASIDE 40"]);
    world.audit().await;
}

#[tokio::test]
async fn freight_and_flights_change_in_one_step() {
    let world = World::start().await;
    let (network, customer) = (Network::of(&world).await, world.customer().await);
    // Full with this booking: it has no room for more, and need not have.
    let full = world.flight(NewFlight::new("AI201", "DEL", "LHR").weight(100.0)).await;
    let booking = customer.book(order(&[&full])).await;
    let change = json!({"weight_kg": 250, "pieces": 5, "description": "more", "flight_ids": ids(&[&network.direct])});
    let answer = amend(&customer, &booking, change).await;
    assert_eq!(answer.header("etag"), Some("\"3\""), "{}", answer.text);
    let after = answer.expect(200);
    assert_eq!((&after["weight_kg"], &after["pieces"]), (&json!(250), &json!(5)));
    assert_eq!(in_force(&after), [(1, "AI104", "BOOKED")]);
    let leg: &Value = after["legs"].as_array().unwrap().iter().find(|leg| leg["status"] == "BOOKED").unwrap();
    assert_eq!((&leg["weight_kg"], &leg["pieces"]), (&json!(250), &json!(5)));
    assert_eq!(told_of(&customer, &booking).await, json!(["BOOKED", "AMENDED", "REROUTED"]));
    assert_eq!(network.booked(&world).await, [0, 0, 0, 250, 0, 0]);
    assert_eq!(world.available(&full).await, full["available"]);
    world.audit().await;
}

#[tokio::test]
async fn both_changes_are_made_or_neither() {
    let world = World::start().await;
    let (network, customer, operator) = (Network::of(&world).await, world.customer().await, world.operator().await);
    let booking = network.book(&customer).await;
    // Room for the freight as it was, not as it is to be.
    let small = world.flight(NewFlight::new("AI201", "DEL", "LHR").weight(150.0)).await;
    let change = json!({"weight_kg": 200, "flight_ids": ids(&[&small])});
    refused(&world, &customer, &booking, change, "capacity_exceeded").await;
    // Nor a good weight with a bad way.
    let change = json!({"weight_kg": 90, "description": "x", "flight_ids": ids(&[&network.onward])});
    refused(&world, &customer, &booking, change, "itinerary_invalid").await;
    assert_eq!(shown(&customer, &booking).await, booking);
    // Once departed the way may still change, the freight not.
    operator.walk(&booking, &["depart"]).await;
    let change = json!({"weight_kg": 90, "flight_ids": ids(&[&network.later])});
    refused(&world, &operator, &booking, change, "invalid_transition").await;
    // What is said about it may, together with the way.
    let change = json!({"description": "late", "flight_ids": ids(&[&network.later])});
    let after = amend(&operator, &booking, change).await.expect(200);
    assert_eq!((&after["description"], &after["version"]), (&json!("late"), &json!(4)));
    let told = told_of(&operator, &booking).await;
    assert_eq!(told, json!(["BOOKED", "DEPARTED", "AMENDED", "REROUTED"]));
    world.audit().await;
}
