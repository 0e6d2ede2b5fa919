//! What may be changed of a flight that has left, has landed, or does not go.
use chrono::TimeDelta;
use loadmaster_testkit::{
    NewFlight, World,
    amending::{long_day, shown, told_of},
    flight_verbs::{done, flight_now},
    freight::{order, text},
};
use serde_json::{Value, json};

use super::{change, direct, refused};

/// Changes that a flight which goes would take.
fn wishes() -> Vec<Value> {
    vec![
        json!({"departure_datetime": "2026-11-21T11:00:00Z"}),
        json!({"aircraft_code": "77W"}),
        json!({"capacity": {"weight_kg": 2000}}),
        json!({"capacity": {"positions": 3}}),
        json!({"cutoff_minutes": 90}),
        json!({"departure_datetime": "2026-11-21T11:00:00Z", "arrival_datetime": "2026-11-21T21:00:00Z"}),
        json!({"arrival_datetime": "2026-11-21T21:00:00Z", "cutoff_minutes": 90}),
    ]
}

#[tokio::test]
async fn a_departed_flight_takes_only_another_arrival() {
    let world = World::start().await;
    let (flight, customer, admin) = (direct(&world).await, world.customer().await, world.admin().await);
    let booking = customer.book(order(&[&flight])).await;
    done(&admin, &flight, "depart").await;
    for wish in wishes().into_iter().chain([json!({"offload": [booking["ref_id"]]})]) {
        let problem = refused(&world, &admin, &flight, wish.clone(), "invalid_transition").await;
        assert_eq!((&problem["from"], &problem["action"]), (&json!("DEPARTED"), &json!("change")), "{wish}");
        assert_eq!(problem["allowed"], json!(["arrive"]), "{wish}");
    }
    let after = change(&admin, &flight, json!({"arrival_datetime": "2026-11-21T21:00:00Z"})).await.expect(200);
    assert_eq!((&after["arrival_datetime"], &after["version"]), (&json!("2026-11-21T21:00:00Z"), &json!(3)));
    assert_eq!((&after["actual_arrival_datetime"], &after["status"]), (&Value::Null, &json!("DEPARTED")));
    assert_eq!(flight_now(&admin, &flight).await, after);
    let now = shown(&customer, &booking).await;
    assert_eq!(now["legs"][0]["arrival_datetime"], "2026-11-21T21:00:00Z");
    assert_eq!((&now["status"], &now["version"]), (&json!("DEPARTED"), &json!(3)));
    assert_eq!(told_of(&customer, &booking).await, json!(["BOOKED", "DEPARTED", "FLIGHT_RETIMED"]));
    world.audit().await;
}

#[tokio::test]
async fn a_departed_flight_lands_after_it_left_and_within_a_day_of_what_is_known() {
    let world = World::start().await;
    let (flight, admin) = (direct(&world).await, world.admin().await);
    // Left at eight on the 20th, lands at half past seven in the evening of the 21st.
    done(&admin, &flight, "depart").await;
    let before = world.written().await;
    for (arrival, code) in [
        ("2026-11-20T08:00:00Z", "out_of_order"),
        ("2026-11-20T07:59:59Z", "out_of_order"),
        ("2026-11-22T19:30:00.000001Z", "out_of_order"),
        ("2027-11-22T19:30:00Z", "out_of_order"),
    ] {
        let faults = change(&admin, &flight, json!({"arrival_datetime": arrival})).await.expect_faults();
        assert_eq!(faults, [("/arrival_datetime".to_owned(), code.to_owned())], "{arrival}");
    }
    assert_eq!(world.written().await, before);
    change(&admin, &flight, json!({"arrival_datetime": "2026-11-22T19:30:00Z"})).await.expect(200);
    change(&admin, &flight, json!({"arrival_datetime": "2026-11-20T08:00:00.000001Z"})).await.expect(200);
    // A day from what is known now: that it lands just after it left.
    let faults = change(&admin, &flight, json!({"arrival_datetime": "2026-11-21T08:00:01Z"})).await.expect_faults();
    assert_eq!(faults, [("/arrival_datetime".to_owned(), "out_of_order".to_owned())]);
    change(&admin, &flight, json!({"arrival_datetime": "2026-11-21T08:00:00Z"})).await.expect(200);
}

#[tokio::test]
async fn the_connections_of_the_bookings_aboard_are_checked_again() {
    let world = World::start().await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM")).await;
    let second = world.flight(NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(36)).await;
    let booking = customer.book(order(&[&first, &second])).await;
    done(&admin, &first, "depart").await;
    for (arrival, broken) in [("2026-11-21T19:00:00Z", true), ("2026-11-21T18:00:00Z", false)] {
        change(&admin, &first, json!({"arrival_datetime": arrival})).await.expect(200);
        assert_eq!(shown(&customer, &booking).await["needs_rerouting"], broken, "{arrival}");
    }
    world.audit().await;
}

#[tokio::test]
async fn a_flight_that_has_landed_or_does_not_go_is_not_changed_any_more() {
    let world = World::start().await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    for (number, verbs, status) in
        [("AI201", &["depart", "arrive"][..], "ARRIVED"), ("AI202", &["cancel"], "CANCELLED")]
    {
        let flight =
            world.flight(NewFlight::new(number, "DEL", "LHR").departs("2026-11-21T10:00:00Z").takes_minutes(570)).await;
        let booking = customer.book(order(&[&flight])).await;
        for verb in verbs {
            done(&admin, &flight, verb).await;
        }
        let others = [json!({"arrival_datetime": "2026-11-21T21:00:00Z"}), json!({"offload": [booking["ref_id"]]})];
        for wish in wishes().into_iter().chain(others) {
            let problem = refused(&world, &admin, &flight, wish.clone(), "invalid_transition").await;
            assert_eq!((&problem["from"], &problem["action"]), (&json!(status), &json!("change")), "{wish}");
            assert_eq!(problem["allowed"], json!([]), "{wish}");
        }
    }
    world.audit().await;
}

#[tokio::test]
async fn a_flight_that_some_left_on_alone_may_still_be_changed() {
    let world = long_day().await;
    let (flight, customer, admin) = (direct(&world).await, world.customer().await, world.admin().await);
    let gone = admin.walk(&customer.book(order(&[&flight])).await, &["depart"]).await;
    world.clock.advance(TimeDelta::hours(1));
    let wish = json!({"departure_datetime": "2026-11-21T11:00:00Z", "capacity": {"weight_kg": 100}});
    let after = change(&admin, &flight, wish).await.expect(200);
    assert_eq!((text(&after, "status"), &after["available"]["weight_kg"]), ("SCHEDULED", &json!(0)));
    assert_eq!(shown(&customer, &gone).await["status"], "DEPARTED");
    world.audit().await;
}
