//! An overbooked flight departs with what it carries, and with no more.
use serde_json::{Value, json};

use super::{overbook, overbooked, percents};
use crate::{
    flight_verbs::{act, flight_now},
    support::{
        NewFlight, World,
        freight::{order, text, with},
    },
};

fn naming(bookings: &[&Value]) -> Value {
    let entry = |booking: &&Value| json!({"ref_id": booking["ref_id"], "reason": "OFFLOADED"});
    json!({"left_behind": bookings.iter().map(entry).collect::<Vec<_>>()})
}

#[tokio::test]
async fn it_departs_when_what_is_left_behind_suffices() {
    let world = World::start().await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let flight = overbooked(&world, percents(10, 0, 10)).await;
    let book = async |weight: f64, positions: u32| {
        customer.book(with(order(&[&flight]), json!({"weight_kg": weight, "positions": positions}))).await
    };
    let (most, light, last) = (book(950.0, 8).await, book(50.0, 2).await, book(99.9, 1).await);
    let before = (world.written().await, flight_now(&operator, &flight).await);
    let short = |dimension: &str, requested: Value, booked: Value| json!({"dimension": dimension, "requested": requested, "booked": booked, "held": 0});
    for (named, shortfalls) in [
        (
            naming(&[]),
            json!([short("weight_kg", json!(1000), json!(1099.9)), short("positions", json!(10), json!(11))]),
        ),
        (naming(&[&light]), json!([short("weight_kg", json!(1000), json!(1049.9))])),
    ] {
        let problem = act(&operator, &flight, "depart", named).await.expect_problem(409, "capacity_below_booked");
        assert_eq!(problem["shortfalls"], shortfalls);
        assert!(text(&problem, "detail").contains("leave behind"), "{problem}");
        assert_eq!((world.written().await, flight_now(&operator, &flight).await), before);
    }
    let done = act(&operator, &flight, "depart", naming(&[&last])).await.expect(200);
    assert_eq!((&done["bookings_changed"], &done["left_behind"][0]["ref_id"]), (&json!(3), &last["ref_id"]));
    assert_eq!((&done["flight"]["status"], &done["flight"]["overbooking"]), (&json!("DEPARTED"), &percents(10, 0, 10)));
    let status = customer.get(&format!("/api/v1/bookings/{}", text(&most, "ref_id"))).await.expect(200);
    assert_eq!(status["status"], "DEPARTED");
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn missed_connections_count_as_left_behind() {
    let world = World::start().await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let inbound = world.flight(NewFlight::new("AI201", "BOM", "DEL").leaves_in_hours(10)).await;
    let flight = overbooked(&world, percents(10, 0, 0)).await;
    customer.book(with(order(&[&flight]), json!({"weight_kg": 1000}))).await;
    customer.book(order(&[&inbound, &flight])).await;
    let done = act(&operator, &flight, "depart", json!({})).await.expect(200);
    assert_eq!(done["left_behind"][0]["reason"], "MISSED_CONNECTION");
    assert_eq!(world.available(&flight).await["weight_kg"], 100);
    world.audit().await;
}

#[tokio::test]
async fn a_flight_that_carries_more_after_all_departs_with_all() {
    let world = World::start().await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let flight = overbooked(&world, percents(10, 0, 0)).await;
    customer.book(with(order(&[&flight]), json!({"weight_kg": 1100}))).await;
    act(&admin, &flight, "depart", json!({})).await.expect_problem(409, "capacity_below_booked");
    let wish = json!({"capacity": {"weight_kg": 1100}, "overbooking": null});
    let path = crate::flight_verbs::path_to(&flight);
    admin.patch(&path, wish).await.expect(200);
    let done = act(&admin, &flight, "depart", json!({})).await.expect(200);
    assert_eq!(done["bookings_changed"], 1);
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn after_departure_the_overbooking_is_fixed() {
    let world = World::start().await;
    let admin = world.admin().await;
    let flight = overbooked(&world, percents(10, 0, 0)).await;
    act(&admin, &flight, "depart", json!({})).await.expect(200);
    for wish in [json!({"overbooking": null}), json!({"overbooking": {"weight_percent": 10}})] {
        let path = crate::flight_verbs::path_to(&flight);
        admin.patch(&path, wish).await.expect_problem(409, "invalid_transition");
    }
    let other = world.flight(NewFlight::new("AI102", "DEL", "LHR")).await;
    overbook(&admin, &other, percents(1, 0, 0)).await;
    world.audit_and_rebuild().await;
}
