//! When a flight departed or arrived: as told, in order, and at most five minutes ahead.
use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_testkit::{
    Answer, Client, World,
    amending::timeline,
    flight_verbs::{act, done, flight_now},
    freight::{instant, order, path_of},
};
use serde_json::{Value, json};

use super::two_flights;

fn at(instant: DateTime<Utc>) -> Value {
    json!({"occurred_at": instant})
}

#[track_caller]
fn out_of_order(answer: Answer) {
    assert_eq!(answer.expect_faults(), [("/occurred_at".to_owned(), "out_of_order".to_owned())]);
}

/// When the last event of a booking happened.
async fn last(client: &Client, booking: &Value) -> DateTime<Utc> {
    instant(&timeline(client, booking).await.pop().unwrap()["occurred_at"])
}

#[tokio::test]
async fn it_may_be_reported_late_in_any_offset() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let booking = world.customer().await.book(order(&[&first])).await;
    world.clock.advance(TimeDelta::days(6));
    let operator = world.operator().await;
    for (verb, told, utc) in [
        ("depart", "2026-11-21T10:00:00+05:30", "2026-11-21T04:30:00Z"),
        ("arrive", "2026-11-21T08:00:00.25Z", "2026-11-21T08:00:00.250Z"),
    ] {
        let done = act(&operator, &first, verb, json!({"occurred_at": told})).await.expect(200);
        let member = if verb == "depart" { "actual_departure_datetime" } else { "actual_arrival_datetime" };
        assert_eq!(done["flight"][member], utc, "{verb}");
        assert_eq!(last(&operator, &booking).await, instant(&json!(utc)));
        let recorded = timeline(&operator, &booking).await.pop().unwrap()["created_at"].clone();
        assert_eq!(instant(&recorded), world.now());
    }
    world.audit().await;
}

#[tokio::test]
async fn it_may_be_reported_five_minutes_ahead_and_no_more() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let booking = customer.book(order(&[&first])).await;
    let ahead = world.now() + TimeDelta::minutes(5);
    let before = world.written().await;
    for flight in [&first, &second] {
        out_of_order(act(&operator, flight, "depart", at(ahead + TimeDelta::microseconds(1))).await);
    }
    assert_eq!(world.written().await, before);
    act(&operator, &first, "depart", at(ahead)).await.expect(200);

    // It cannot arrive before it left; its default is as late.
    out_of_order(act(&operator, &first, "arrive", at(world.now())).await);
    out_of_order(act(&operator, &first, "arrive", at(ahead + TimeDelta::microseconds(1))).await);
    let landed = done(&operator, &first, "arrive").await;
    assert_eq!(instant(&landed["flight"]["actual_arrival_datetime"]), ahead);
    assert_eq!(last(&customer, &booking).await, ahead);
    world.audit().await;
}

#[tokio::test]
async fn an_empty_flight_does_not_arrive_before_it_departed_either() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let operator = world.operator().await;
    let left = "2026-11-20T06:00:00Z".parse().unwrap();
    act(&operator, &first, "depart", at(left)).await.expect(200);
    out_of_order(act(&operator, &first, "arrive", at(left - TimeDelta::microseconds(1))).await);
    // In the very instant it may: the clocks that told it are not finer.
    let landed = act(&operator, &first, "arrive", at(left)).await.expect(200);
    assert_eq!((&landed["flight"]["status"], &landed["flight"]["duration_minutes"]), (&json!("ARRIVED"), &json!(0)));
    assert_eq!(flight_now(&operator, &first).await, landed["flight"]);
}

#[tokio::test]
async fn a_step_cannot_precede_the_last_movement_of_the_bookings_it_moves() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let early = customer.book(order(&[&first, &second])).await;
    let late = customer.book(order(&[&first, &second])).await;
    let landed = world.now() + TimeDelta::minutes(4);
    for (booking, arrival) in [(&early, world.now()), (&late, landed)] {
        operator.walk(booking, &["depart"]).await;
        operator.post(&format!("{}/arrive", path_of(booking)), at(arrival)).await.expect(200);
    }
    let before = world.written().await;
    out_of_order(act(&operator, &second, "depart", at(world.now())).await);
    out_of_order(act(&operator, &second, "depart", at(landed - TimeDelta::microseconds(1))).await);
    assert_eq!(world.written().await, before);
    // Not told, it is as late as it must be.
    let gone = done(&operator, &second, "depart").await;
    assert_eq!(instant(&gone["flight"]["actual_departure_datetime"]), landed);
    for booking in [&early, &late] {
        assert_eq!(last(&customer, booking).await, landed);
    }
    world.audit().await;
}

#[tokio::test]
async fn movements_of_bookings_that_do_not_move_do_not_matter() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let ahead = world.now() + TimeDelta::minutes(5);
    // One went ahead alone, one is left behind though it came in late.
    let alone = customer.book(order(&[&second])).await;
    operator.post(&format!("{}/depart", path_of(&alone)), at(ahead)).await.expect(200);
    let late = customer.book(order(&[&first, &second])).await;
    operator.walk(&late, &["depart"]).await;
    operator.post(&format!("{}/arrive", path_of(&late)), at(ahead)).await.expect(200);
    let goes = customer.book(order(&[&second])).await;

    let mut said = at(world.now());
    said["left_behind"] = json!([{"ref_id": late["ref_id"], "reason": "OFFLOADED"}]);
    let gone = act(&operator, &second, "depart", said).await.expect(200);
    assert_eq!(instant(&gone["flight"]["actual_departure_datetime"]), world.now());
    assert_eq!(last(&customer, &goes).await, world.now());

    // But who arrives has left before.
    out_of_order(act(&operator, &second, "arrive", at(world.now())).await);
    let landed = done(&operator, &second, "arrive").await;
    assert_eq!(instant(&landed["flight"]["actual_arrival_datetime"]), ahead);
    assert_eq!(last(&customer, &alone).await, ahead);
    world.audit().await;
}

#[tokio::test]
async fn a_flight_did_not_depart_before_what_it_takes_along_was_booked() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let left = world.now();
    let on_time = world.customer().await.book(order(&[&first])).await;
    world.clock.advance(TimeDelta::minutes(3));
    // One is booked after the flight has left, and one to which it makes no difference.
    let customer = world.customer().await;
    let late = customer.book(order(&[&first])).await;
    customer.book(order(&[&second])).await;
    world.clock.advance(TimeDelta::hours(1));
    let operator = world.operator().await;
    let before = world.written().await;
    out_of_order(act(&operator, &first, "depart", at(left)).await);
    assert_eq!(world.written().await, before);
    let mut told = at(left);
    told["left_behind"] = json!([{"ref_id": late["ref_id"], "reason": "OFFLOADED"}]);
    let gone = act(&operator, &first, "depart", told).await.expect(200);
    assert_eq!(instant(&gone["flight"]["actual_departure_datetime"]), left);
    assert_eq!(last(&operator, &on_time).await, left);
    world.audit().await;
}

#[tokio::test]
async fn a_step_of_a_flight_may_be_reported_for_seven_days_and_no_longer() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    world.clock.advance(TimeDelta::days(8));
    let operator = world.operator().await;
    let oldest = world.now() - TimeDelta::days(7);
    for verb in ["depart", "arrive"] {
        let too_old = act(&operator, &first, verb, at(oldest - TimeDelta::microseconds(1))).await;
        let code = if verb == "depart" { "too_small" } else { "out_of_order" };
        assert_eq!(too_old.expect_faults(), [("/occurred_at".to_owned(), code.to_owned())]);
        act(&operator, &first, verb, at(oldest)).await.expect(200);
    }
}
