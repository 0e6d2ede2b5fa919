//! Who may reroute, and until when.
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    World,
    amending::{patch, patch_if, refused, shown},
    freight::path_of,
};
use serde_json::json;

use super::{Network, ids, in_force, reroute};

#[tokio::test]
async fn customers_reroute_until_the_first_departure_and_the_carrier_until_the_destination() {
    let world = World::start().await;
    let network = Network::of(&world).await;
    let (customer, operator, admin) = (world.customer().await, world.operator().await, world.admin().await);
    for caller in [&customer, &operator, &admin] {
        let booking = network.book(&customer).await;
        reroute(caller, &booking, &[&network.direct]).await.expect(200);
    }
    let (later, again) = (&network.later, &network.onward);
    let steps = [("depart", "DEPARTED", json!(["arrive", "cancel"])), ("arrive", "ARRIVED", json!(["depart"]))];
    let booking = network.book(&customer).await;
    for (step, status, _) in &steps {
        operator.walk(&booking, &[step]).await;
        let problem =
            refused(&world, &customer, &booking, json!({"flight_ids": ids(&[later])}), "invalid_transition").await;
        assert_eq!((&problem["from"], &problem["action"]), (&json!(status), &json!("amend")));
        assert_eq!(problem["allowed"], json!([]));
        for (caller, flight) in [(&operator, later), (&admin, again)] {
            let after = reroute(caller, &booking, &[flight]).await.expect(200);
            assert_eq!(after["status"], *status);
        }
    }
    world.audit().await;
}

#[tokio::test]
async fn at_the_destination_there_is_nothing_to_reroute() {
    let world = World::start().await;
    let (network, customer, operator) = (Network::of(&world).await, world.customer().await, world.operator().await);
    let booking = network.book(&customer).await;
    operator.walk(&booking, &["depart", "arrive", "depart"]).await;
    let flights = json!({"flight_ids": ids(&[&network.later])});
    // On its last leg it will land where it is to go: no flight leads from there.
    refused(&world, &operator, &booking, flights.clone(), "itinerary_invalid").await;
    for (step, status, allowed) in [("arrive", "ARRIVED", json!(["deliver"])), ("deliver", "DELIVERED", json!([]))] {
        operator.walk(&booking, &[step]).await;
        for (caller, allowed) in [(&operator, &allowed), (&customer, &json!([]))] {
            let problem = refused(&world, caller, &booking, flights.clone(), "invalid_transition").await;
            assert_eq!((&problem["from"], &problem["action"]), (&json!(status), &json!("amend")));
            assert_eq!(problem["allowed"], *allowed);
        }
    }
    world.audit().await;
}

#[tokio::test]
async fn a_cancelled_booking_goes_nowhere() {
    let world = World::start().await;
    let (network, customer, operator) = (Network::of(&world).await, world.customer().await, world.operator().await);
    for steps in [&["cancel"][..], &["depart", "cancel"]] {
        let booking = network.book(&customer).await;
        let before = operator.walk(&booking, steps).await;
        for caller in [&customer, &operator] {
            let change = json!({"flight_ids": ids(&[&network.direct])});
            let problem = refused(&world, caller, &booking, change, "invalid_transition").await;
            assert_eq!((&problem["from"], &problem["allowed"]), (&json!("CANCELLED"), &json!([])));
        }
        assert_eq!(shown(&customer, &booking).await, before);
    }
    world.audit().await;
}

#[tokio::test]
async fn strangers_and_guests_reroute_nothing_and_versions_are_kept() {
    let world = World::start().await;
    let (network, customer) = (Network::of(&world).await, world.customer().await);
    let booking = network.book(&customer).await;
    let (path, change) = (path_of(&booking), json!({"flight_ids": ids(&[&network.direct])}));
    patch(&world.anonymous(), &path, change.clone()).await.expect_problem(401, "unauthenticated");
    patch(&world.caller(Role::Guest).await, &path, change.clone()).await.expect_problem(403, "forbidden");
    patch(&world.customer().await, &path, change.clone()).await.expect_problem(404, "not_found");
    patch_if(&customer, &path, "\"2\"", change.clone()).await.expect_problem(412, "version_mismatch");
    assert_eq!(shown(&customer, &booking).await, booking);
    let after = patch_if(&customer, &path, "\"1\"", change).await.expect(200);
    assert_eq!(in_force(&after), [(1, "AI104", "BOOKED")]);
    world.audit().await;
}
