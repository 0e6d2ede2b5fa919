//! When a movement happened.
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::two_flights;
use crate::support::{
    Client, World,
    freight::{order, path_of},
};

async fn last_event(client: &Client, path: &str) -> Value {
    let history = client.get(&format!("{path}/history")).await.expect(200);
    history["timeline"].as_array().unwrap().last().unwrap().clone()
}

fn instant(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("an instant").parse().expect("RFC 3339")
}

#[tokio::test]
async fn a_movement_happens_now_if_nothing_else_is_said() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let operator = world.operator().await;
    let path = path_of(&operator.book(order(&[&first])).await);
    for step in ["depart", "arrive", "deliver"] {
        world.clock.advance(TimeDelta::seconds(90));
        operator.poke(&format!("{path}/{step}")).await.expect(200);
        let event = last_event(&operator, &path).await;
        assert_eq!(
            (instant(&event["occurred_at"]), instant(&event["created_at"])),
            (world.now(), world.now()),
            "{step}"
        );
    }
}

#[tokio::test]
async fn a_movement_may_be_told_late_but_in_order() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let operator = world.operator().await;
    let path = path_of(&operator.book(order(&[&first])).await);
    // Before it was booked: being booked is no movement.
    let steps = [
        ("depart", "2026-11-18T10:00:00Z", None),
        ("arrive", "2026-11-18T15:30:00+05:30", Some("2026-11-18T15:29:59.999999+05:30")),
        ("deliver", "2026-11-19T00:00:00.25Z", Some("2026-11-18T09:59:59.999999Z")),
    ];
    for (step, when, too_early) in steps {
        let path = format!("{path}/{step}");
        if let Some(too_early) = too_early {
            let before = world.written().await;
            let faults = operator.post(&path, json!({"occurred_at": too_early})).await.expect_faults();
            assert_eq!(faults, [("/occurred_at".to_owned(), "out_of_order".to_owned())], "{step}");
            assert_eq!(world.written().await, before);
        }
        operator.post(&path, json!({"occurred_at": when})).await.expect(200);
        let event = last_event(&operator, path.rsplit_once('/').unwrap().0).await;
        assert_eq!(instant(&event["occurred_at"]), when.parse::<DateTime<Utc>>().unwrap(), "{step}");
        assert!(event["occurred_at"].as_str().unwrap().ends_with('Z'), "UTC goes out");
        assert_eq!(instant(&event["created_at"]), world.now(), "{step}");
    }
    world.audit().await;
}

#[tokio::test]
async fn a_movement_may_be_told_five_minutes_ahead_and_no_more() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let operator = world.operator().await;
    let path = path_of(&operator.book(order(&[&first])).await);
    let depart = format!("{path}/depart");
    let at = |instant: DateTime<Utc>| json!({"occurred_at": instant});
    let ahead = world.now() + TimeDelta::minutes(5);

    let faults = operator.post(&depart, at(ahead + TimeDelta::microseconds(1))).await.expect_faults();
    assert_eq!(faults, [("/occurred_at".to_owned(), "out_of_order".to_owned())]);
    operator.post(&depart, at(ahead)).await.expect(200);

    // The next movement cannot be before that one: its default is as late.
    let faults = operator.post(&format!("{path}/arrive"), at(world.now())).await.expect_faults();
    assert_eq!(faults, [("/occurred_at".to_owned(), "out_of_order".to_owned())]);
    operator.poke(&format!("{path}/arrive")).await.expect(200);
    let event = last_event(&operator, &path).await;
    assert_eq!((instant(&event["occurred_at"]), instant(&event["created_at"])), (ahead, world.now()));

    // Once the clock has passed it, now is now again.
    world.clock.advance(TimeDelta::minutes(6));
    operator.poke(&format!("{path}/deliver")).await.expect(200);
    assert_eq!(instant(&last_event(&operator, &path).await["occurred_at"]), world.now());
    world.audit().await;
}

#[tokio::test]
async fn the_order_of_movements_holds_across_legs() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let operator = world.operator().await;
    let path = path_of(&operator.book(order(&[&first, &second])).await);
    for (step, when) in [("depart", "2026-11-18T10:00:00Z"), ("arrive", "2026-11-18T14:00:00Z")] {
        operator.post(&format!("{path}/{step}"), json!({"occurred_at": when})).await.expect(200);
    }
    let onward = format!("{path}/depart");
    let faults = operator.post(&onward, json!({"occurred_at": "2026-11-18T13:59:59Z"})).await.expect_faults();
    assert_eq!(faults, [("/occurred_at".to_owned(), "out_of_order".to_owned())]);
    operator.post(&onward, json!({"occurred_at": "2026-11-18T14:00:00Z"})).await.expect(200);
    world.audit().await;
}
