//! What may be sold may change, but never below what is sold.
use loadmaster_testkit::{
    NewFlight, World,
    flight_verbs::flight_now,
    freight::{BOOKINGS, order, text, with},
};
use serde_json::{Value, json};

use super::{change, create, direct, refused, space};

fn shortfall(dimension: &str, requested: Value, booked: Value) -> Value {
    json!({"dimension": dimension, "requested": requested, "booked": booked, "held": 0})
}

#[tokio::test]
async fn each_figure_may_change_alone() {
    let world = World::start().await;
    let (flight, admin) = (direct(&world).await, world.admin().await);
    for (version, (given, expected)) in (2..).zip([
        (json!({"weight_kg": 2000.5}), space(2000.5, 1000.0, 10)),
        (json!({"volume_m3": 12.345}), space(2000.5, 12.345, 10)),
        (json!({"positions": 3}), space(2000.5, 12.345, 3)),
        (json!({"weight_kg": 1000, "positions": 0}), space(1000.0, 12.345, 0)),
        (json!({"weight_kg": 1, "volume_m3": 2, "positions": 3}), space(1.0, 2.0, 3)),
        // Without an aircraft the volume follows from the weight, and there are no positions.
        (json!({"volume_m3": null}), space(1.0, 0.006, 3)),
        (json!({"weight_kg": 1000, "volume_m3": null, "positions": null}), space(1000.0, 6.0, 0)),
    ]) {
        let after = change(&admin, &flight, json!({"capacity": given})).await.expect(200);
        assert_eq!((&after["capacity"], &after["available"]), (&expected, &expected), "{given}");
        assert_eq!(after["version"], version, "{given}");
        assert_eq!(flight_now(&admin, &flight).await, after);
        assert_eq!(world.available(&flight).await, expected);
    }
    let kinds = world.texts("select kind from capacity_ledger order by seq").await;
    assert_eq!(kinds, vec!["CAPACITY_SET"; 8]);
    world.audit().await;
}

#[tokio::test]
async fn null_is_the_aircrafts_own_figure() {
    let world = World::start().await;
    let admin = world.admin().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").aircraft("77W")).await;
    for (given, expected) in [
        (json!({"volume_m3": null}), space(1000.0, 140.0, 10)),
        (json!({"positions": null}), space(1000.0, 140.0, 14)),
        (json!({"weight_kg": null}), space(20_000.0, 140.0, 14)),
        (json!({"weight_kg": 5}), space(5.0, 140.0, 14)),
        (json!({"weight_kg": null, "volume_m3": 7, "positions": null}), space(20_000.0, 7.0, 14)),
    ] {
        let after = change(&admin, &flight, json!({"capacity": given})).await.expect(200);
        assert_eq!(after["capacity"], expected, "{given}");
    }
    // With the aircraft its figures go.
    let gone = json!({"aircraft_code": null, "capacity": {"weight_kg": 500, "volume_m3": null, "positions": null}});
    let after = change(&admin, &flight, gone).await.expect(200);
    assert_eq!(after["capacity"], space(500.0, 3.0, 0));
    world.audit().await;
}

#[tokio::test]
async fn without_an_aircraft_nothing_else_says_what_may_be_sold() {
    let world = World::start().await;
    let admin = world.admin().await;
    let flight = direct(&world).await;
    let with_aircraft = world.flight(NewFlight::new("AI102", "DEL", "LHR").aircraft("77W")).await;
    let before = world.written().await;
    for (flight, wish) in [
        (&flight, json!({"capacity": {"weight_kg": null}})),
        (&flight, json!({"aircraft_code": null, "capacity": {"weight_kg": null}})),
        (&with_aircraft, json!({"aircraft_code": null, "capacity": {"weight_kg": null, "positions": 1}})),
    ] {
        let faults = change(&admin, flight, wish.clone()).await.expect_faults();
        assert_eq!(faults, [("/capacity/weight_kg".to_owned(), "required".to_owned())], "{wish}");
    }
    assert_eq!(world.written().await, before);
}

#[tokio::test]
async fn it_cannot_fall_below_what_is_booked() {
    let world = World::start().await;
    let (flight, customer, admin) = (direct(&world).await, world.customer().await, world.admin().await);
    customer.book(with(order(&[&flight]), json!({"weight_kg": 600.5, "volume_m3": 2.25, "positions": 1}))).await;
    customer.book(with(order(&[&flight]), json!({"weight_kg": 10, "volume_m3": 0.5, "positions": 2}))).await;
    let weight = shortfall("weight_kg", json!(610.4), json!(610.5));
    let volume = shortfall("volume_m3", json!(2.749), json!(2.75));
    let positions = shortfall("positions", json!(2), json!(3));
    for (given, shortfalls) in [
        (json!({"weight_kg": 610.4}), json!([weight])),
        (json!({"volume_m3": 2.749}), json!([volume])),
        (json!({"positions": 2}), json!([positions])),
        (json!({"weight_kg": 610.4, "positions": 2}), json!([weight, positions])),
        (json!({"weight_kg": 610.4, "volume_m3": 2.749, "positions": 2}), json!([weight, volume, positions])),
    ] {
        // What could be changed beside it is not.
        let wish = json!({"capacity": given, "cutoff_minutes": 90, "arrival_datetime": "2026-11-21T20:00:00Z"});
        let problem = refused(&world, &admin, &flight, wish, "capacity_below_booked").await;
        assert_eq!(problem["shortfalls"], shortfalls);
        assert!(text(&problem, "detail").len() > 20, "{problem}");
    }
    // Exactly what is booked is enough.
    let least = json!({"capacity": {"weight_kg": 610.5, "volume_m3": 2.75, "positions": 3}});
    let after = change(&admin, &flight, least).await.expect(200);
    assert_eq!(after["available"], space(0.0, 0.0, 0));
    assert_eq!((&after["utilization_percent"], &after["version"]), (&json!(100), &json!(2)));
    customer
        .post(BOOKINGS, with(order(&[&flight]), json!({"weight_kg": 0.1})))
        .await
        .expect_problem(409, "capacity_exceeded");
    world.audit().await;
}

#[tokio::test]
async fn bookings_departed_alone_still_count_and_cancelled_ones_do_not() {
    let world = World::start().await;
    let (flight, customer, admin) = (direct(&world).await, world.customer().await, world.admin().await);
    let flown = customer.book(with(order(&[&flight]), json!({"weight_kg": 300}))).await;
    admin.walk(&flown, &["depart"]).await;
    let released = customer.book(with(order(&[&flight]), json!({"weight_kg": 500}))).await;
    customer.walk(&released, &["cancel"]).await;
    let wish = json!({"capacity": {"weight_kg": 299}});
    let problem = refused(&world, &admin, &flight, wish, "capacity_below_booked").await;
    assert_eq!(problem["shortfalls"], json!([shortfall("weight_kg", json!(299), json!(300))]));
    change(&admin, &flight, json!({"capacity": {"weight_kg": 300}})).await.expect(200);
    world.audit().await;
}

#[tokio::test]
async fn more_space_is_sold_at_once() {
    let world = World::start().await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100.0)).await;
    customer.book(order(&[&flight])).await;
    customer.post(BOOKINGS, order(&[&flight])).await.expect_problem(409, "capacity_exceeded");
    change(&admin, &flight, json!({"capacity": {"weight_kg": 200}})).await.expect(200);
    customer.book(order(&[&flight])).await;
    customer.post(BOOKINGS, order(&[&flight])).await.expect_problem(409, "capacity_exceeded");
    world.audit().await;
}

#[tokio::test]
async fn a_patch_without_differences_changes_nothing() {
    let world = World::start().await;
    let admin = world.admin().await;
    let flight = create(
        &admin,
        json!({"flight_number": "AI101", "origin": "DEL", "destination": "LHR",
               "departure_datetime": "2026-11-21T10:00:00Z", "arrival_datetime": "2026-11-21T19:30:00Z",
               "aircraft_code": "77W"}),
    )
    .await;
    world.clock.advance(chrono::TimeDelta::minutes(5));
    let before = world.written().await;
    for wish in [
        json!({}),
        json!({"capacity": {}}),
        json!({"capacity": flight["capacity"]}),
        json!({"capacity": {"weight_kg": null, "volume_m3": null, "positions": null}}),
        json!({"aircraft_code": "77w"}),
        json!({"cutoff_minutes": 60}),
        json!({"cutoff_minutes": null}),
        json!({"offload": []}),
        json!({"departure_datetime": "2026-11-21T15:30:00+05:30", "arrival_datetime": flight["arrival_datetime"]}),
        json!({"aircraft_code": "77W", "capacity": {}, "cutoff_minutes": 60, "offload": null}),
    ] {
        let answer = change(&admin, &flight, wish.clone()).await;
        assert_eq!(answer.header("etag"), Some("\"1-1\""), "{wish}: {}", answer.text);
        assert_eq!(answer.expect(200), flight, "{wish}");
        assert_eq!(world.written().await, before, "{wish}");
    }
}
