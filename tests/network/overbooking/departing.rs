//! An overbooked flight departs with what it carries, and with no more.
use loadmaster_testkit::{
    NewFlight, World,
    amending::patch,
    flight_verbs::{act, flight_now, path_to},
    freight::{order, path_of, text, with},
};
use serde_json::{Value, json};

use super::{overbook, overbooked, percents};

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
    let path = loadmaster_testkit::flight_verbs::path_to(&flight);
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
        let path = loadmaster_testkit::flight_verbs::path_to(&flight);
        admin.patch(&path, wish).await.expect_problem(409, "invalid_transition");
    }
    let other = world.flight(NewFlight::new("AI102", "DEL", "LHR")).await;
    overbook(&admin, &other, percents(1, 0, 0)).await;
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn bookings_that_depart_one_by_one_leave_space_for_what_the_flight_carries() {
    let world = World::start().await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let flight = overbooked(&world, percents(10, 0, 10)).await;
    let book = async |weight: f64, positions: u32| {
        customer.book(with(order(&[&flight]), json!({"weight_kg": weight, "positions": positions}))).await
    };
    let (first, second, third) = (book(600.0, 6).await, book(400.0, 4).await, book(100.0, 1).await);
    operator.walk(&first, &["depart", "arrive"]).await;
    operator.walk(&second, &["depart"]).await;
    let before = world.written().await;
    let refused = operator.poke(&format!("{}/depart", path_of(&third))).await;
    let refused = refused.expect_problem(409, "capacity_below_booked");
    let short = |dimension: &str, requested: u32, booked: u32| json!({"dimension": dimension, "requested": requested, "booked": booked, "held": 0});
    assert_eq!(refused["shortfalls"], json!([short("weight_kg", 1000, 1100), short("positions", 10, 11)]));
    assert!(text(&refused, "detail").contains("leave the booking behind"), "{refused}");
    assert_eq!(world.written().await, before);
    act(&operator, &flight, "depart", naming(&[])).await.expect_problem(409, "capacity_below_booked");
    let done = act(&operator, &flight, "depart", naming(&[&third])).await.expect(200);
    assert_eq!((&done["bookings_changed"], &done["flight"]["status"]), (&json!(1), &json!("DEPARTED")));
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn departures_at_the_same_time_take_no_more_along_than_the_flight_carries() {
    let world = World::start().await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let flight = overbooked(&world, percents(20, 0, 0)).await;
    let mut bookings = Vec::new();
    for _ in 0..12 {
        bookings.push(customer.book(order(&[&flight])).await);
    }
    let depart = async |booking: &Value| operator.poke(&format!("{}/depart", path_of(booking))).await;
    let departs = bookings.iter().map(depart);
    let answers = futures_util::future::join_all(departs).await;
    let (gone, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!((gone.len(), refused.len()), (10, 2));
    for answer in refused {
        answer.expect_problem(409, "capacity_below_booked");
    }
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_flight_on_which_more_has_departed_than_it_carries_departs_with_the_rest_left_behind() {
    let world = World::start().await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let flight = overbooked(&world, percents(20, 0, 0)).await;
    let gone = customer.book(with(order(&[&flight]), json!({"weight_kg": 1000}))).await;
    let rest = customer.book(with(order(&[&flight]), json!({"weight_kg": 50}))).await;
    admin.walk(&gone, &["depart"]).await;
    // It carries less now, and as much is sold.
    patch(&admin, &path_to(&flight), json!({"capacity": {"weight_kg": 950}})).await.expect(200);
    admin.poke(&format!("{}/depart", path_of(&rest))).await.expect_problem(409, "capacity_below_booked");
    act(&admin, &flight, "depart", naming(&[])).await.expect_problem(409, "capacity_below_booked");
    act(&admin, &flight, "cancel", json!({})).await.expect_problem(409, "invalid_transition");
    let done = act(&admin, &flight, "depart", naming(&[&rest])).await.expect(200);
    assert_eq!((&done["bookings_changed"], &done["flight"]["status"]), (&json!(1), &json!("DEPARTED")));
    act(&admin, &flight, "arrive", json!({})).await.expect(200);
    world.audit_and_rebuild().await;
}
