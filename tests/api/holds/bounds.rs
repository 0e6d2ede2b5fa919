use loadmaster::features::accounts::Role;
use serde_json::json;

use super::{HOLDS, hold_on};
use crate::support::{
    NewFlight, World,
    freight::{text, with},
};

#[tokio::test]
async fn a_guest_holds_at_most_a_fifth_of_a_flight_and_all_guests_a_third_of_it() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(1000.0).volume(100.0)).await;
    let guests = [world.caller(Role::Guest).await, world.caller(Role::Guest).await];
    let wanted = |kilograms: f64| with(hold_on(&[&flight]), json!({ "weight_kg": kilograms }));
    let refused = guests[0].post(HOLDS, wanted(200.1)).await.expect_problem(409, "hold_limit_exceeded");
    assert_eq!((text(&refused, "limit"), &refused["maximum"]), ("flight_share", &json!(20)));
    guests[0].hold(wanted(200.0)).await;
    let refused = guests[1].post(HOLDS, wanted(100.1)).await.expect_problem(409, "hold_limit_exceeded");
    assert_eq!((text(&refused, "limit"), &refused["maximum"]), ("flight_share", &json!(30)));
    guests[1].hold(wanted(100.0)).await;
    world.customer().await.hold(wanted(700.0)).await;
    world.audit().await;
}

#[tokio::test]
async fn a_guest_has_three_holds_at_once_and_an_operator_any_number() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0)).await;
    let guest = world.caller(Role::Guest).await;
    for _ in 0..3 {
        guest.hold(hold_on(&[&flight])).await;
    }
    let refused = guest.post(HOLDS, hold_on(&[&flight])).await.expect_problem(409, "hold_limit_exceeded");
    assert_eq!((text(&refused, "limit"), &refused["maximum"]), ("active", &json!(3)));
    let operator = world.operator().await;
    for _ in 0..5 {
        operator.hold(hold_on(&[&flight])).await;
    }
    world.audit().await;
}
