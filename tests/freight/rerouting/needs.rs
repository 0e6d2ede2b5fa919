//! A booking that lost a flight says that it needs another, until it has one.
use loadmaster_testkit::{
    Client, World,
    amending::{amend, patch, shown, told_of},
    freight::{BOOKINGS, text, texts},
};
use serde_json::{Value, json};

use super::{Network, ids, in_force, past, reroute};

async fn cancel(world: &World, flight: &Value) {
    world.admin().await.poke(&format!("/api/v1/flights/{}/cancel", text(flight, "id"))).await.expect(200);
}

/// The references of the bookings that need another flight, or that need none.
async fn in_need(client: &Client, needs: bool) -> Vec<String> {
    let list = client.get(&format!("{BOOKINGS}?needs_rerouting={needs}")).await.expect(200);
    texts(&list, "ref_id")
}

#[tokio::test]
async fn a_booking_whose_flight_is_cancelled_waits_for_another() {
    let world = World::start().await;
    let (network, customer) = (Network::of(&world).await, world.customer().await);
    let (booking, other) = (network.book(&customer).await, network.book(&customer).await);
    reroute(&customer, &other, &[&network.direct]).await.expect(200);
    cancel(&world, &network.onward).await;

    let lost = shown(&customer, &booking).await;
    assert_eq!((&lost["needs_rerouting"], &lost["status"]), (&json!(true), &json!("BOOKED")));
    assert_eq!(in_force(&lost), [(1, "AI101", "BOOKED")]);
    assert_eq!(in_need(&customer, true).await, [text(&booking, "ref_id")]);
    assert_eq!(in_need(&customer, false).await, [text(&other, "ref_id")]);

    let found = reroute(&customer, &booking, &[&network.to_bombay, &network.later]).await.expect(200);
    assert_eq!((&found["needs_rerouting"], &found["version"]), (&json!(false), &json!(3)));
    assert_eq!(in_force(&found), [(1, "AI101", "BOOKED"), (2, "AI103", "BOOKED")]);
    assert_eq!(past(&found), [("AI101", "REPLACED"), ("AI102", "CANCELLED")]);
    assert_eq!(in_need(&customer, true).await, Vec::<String>::new());
    assert_eq!(told_of(&customer, &booking).await, json!(["BOOKED", "FLIGHT_CANCELLED", "REROUTED"]));
    world.audit().await;
}

#[tokio::test]
async fn a_booking_without_any_leg_can_be_put_on_a_flight_again_by_its_customer() {
    let world = World::start().await;
    let (network, customer, operator) = (Network::of(&world).await, world.customer().await, world.operator().await);
    let booking = network.book(&customer).await;
    reroute(&customer, &booking, &[&network.direct]).await.expect(200);
    cancel(&world, &network.direct).await;
    let lost = shown(&customer, &booking).await;
    assert_eq!((&lost["flight_ids"], &lost["next_actions"]), (&json!([]), &json!(["cancel"])));

    // Without a leg there is no room to take: the freight may be what it will be.
    amend(&customer, &booking, json!({"weight_kg": 5000})).await.expect(200);
    let change = json!({"flight_ids": ids(&[&network.to_bombay, &network.onward])});
    let path = loadmaster_testkit::freight::path_of(&booking);
    patch(&customer, &path, change.clone()).await.expect_problem(409, "capacity_exceeded");
    amend(&customer, &booking, json!({"weight_kg": 400})).await.expect(200);
    assert!(shown(&customer, &booking).await["needs_rerouting"].as_bool().unwrap());

    let found = patch(&customer, &path, change).await.expect(200);
    assert_eq!(in_force(&found), [(1, "AI101", "BOOKED"), (2, "AI102", "BOOKED")]);
    assert_eq!((&found["needs_rerouting"], &found["next_actions"]), (&json!(false), &json!(["depart", "cancel"])));
    assert_eq!(network.booked(&world).await, [400, 400, 0, 0, 0, 0]);
    let there = operator.walk(&booking, &["depart", "arrive", "depart", "arrive", "deliver"]).await;
    assert_eq!((&there["status"], &there["needs_rerouting"]), (&json!("DELIVERED"), &json!(false)));
    world.audit().await;
}

#[tokio::test]
async fn cargo_that_is_stranded_at_a_connection_goes_on_by_another_flight() {
    let world = World::start().await;
    let (network, customer, operator) = (Network::of(&world).await, world.customer().await, world.operator().await);
    let booking = network.book(&customer).await;
    operator.walk(&booking, &["depart"]).await;
    cancel(&world, &network.onward).await;
    let lost = shown(&customer, &booking).await;
    assert_eq!((&lost["needs_rerouting"], &lost["status"]), (&json!(true), &json!("DEPARTED")));

    // It lands and waits.
    let waiting = operator.walk(&booking, &["arrive"]).await;
    assert_eq!((&waiting["needs_rerouting"], &waiting["next_actions"]), (&json!(true), &json!([])));
    assert_eq!(in_need(&operator, true).await, [text(&booking, "ref_id")]);
    let found = reroute(&operator, &booking, &[&network.to_dubai, &network.from_dubai]).await.expect(200);
    assert_eq!((&found["needs_rerouting"], &found["next_actions"]), (&json!(false), &json!(["depart"])));
    let there = operator.walk(&booking, &["depart", "arrive", "depart", "arrive", "deliver"]).await;
    assert_eq!(in_force(&there), [(1, "AI101", "ARRIVED"), (2, "AI105", "ARRIVED"), (3, "AI106", "ARRIVED")]);
    world.audit().await;
}

#[tokio::test]
async fn an_offloaded_booking_may_be_rerouted_onto_the_same_flight() {
    let world = World::start().await;
    let (network, customer) = (Network::of(&world).await, world.customer().await);
    let booking = network.book(&customer).await;
    let offload = json!({"offload": [booking["ref_id"]]});
    let path = format!("/api/v1/flights/{}", text(&network.onward, "id"));
    patch(&world.admin().await, &path, offload).await.expect(200);
    let lost = shown(&customer, &booking).await;
    assert_eq!((&lost["needs_rerouting"], past(&lost)), (&json!(true), vec![("AI102", "OFFLOADED")]));
    assert_eq!(network.booked(&world).await, [100, 0, 0, 0, 0, 0]);

    let found = reroute(&customer, &booking, &[&network.to_bombay, &network.onward]).await.expect(200);
    assert_eq!(in_force(&found), [(1, "AI101", "BOOKED"), (2, "AI102", "BOOKED")]);
    assert_eq!(found["needs_rerouting"], false);
    assert_eq!(network.booked(&world).await, [100, 100, 0, 0, 0, 0]);
    world.audit().await;
}

#[tokio::test]
async fn a_booking_that_is_cancelled_needs_nothing_any_more() {
    let world = World::start().await;
    let (network, customer) = (Network::of(&world).await, world.customer().await);
    let booking = network.book(&customer).await;
    cancel(&world, &network.to_bombay).await;
    assert_eq!(shown(&customer, &booking).await["needs_rerouting"], true);
    let gone = customer.walk(&booking, &["cancel"]).await;
    assert_eq!((&gone["needs_rerouting"], &gone["status"]), (&json!(false), &json!("CANCELLED")));
    assert_eq!(past(&gone), [("AI101", "CANCELLED"), ("AI102", "RELEASED")]);
    assert_eq!(in_need(&customer, true).await, Vec::<String>::new());
    world.audit().await;
}
