//! When a movement happened.
use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_testkit::{
    Client, World, WorldOptions,
    freight::{instant, order, path_of},
};
use serde_json::{Value, json};

use super::two_flights;

async fn last_event(client: &Client, path: &str) -> Value {
    let history = client.get(&format!("{path}/history")).await.expect(200);
    history["timeline"].as_array().unwrap().last().unwrap().clone()
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
async fn a_movement_may_be_reported_late_but_in_order() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let path = path_of(&world.customer().await.book(order(&[&first])).await);
    world.clock.advance(TimeDelta::days(6));
    let operator = world.operator().await;
    // The first one just before it was booked.
    let steps = [
        ("depart", "2026-11-20T13:30:00+05:30", "2026-11-20T07:59:59.999999Z"),
        ("arrive", "2026-11-21T15:30:00+05:30", "2026-11-20T13:29:59.999999+05:30"),
        ("deliver", "2026-11-22T00:00:00.25Z", "2026-11-21T09:59:59.999999Z"),
    ];
    for (step, when, too_early) in steps {
        let path = format!("{path}/{step}");
        let before = world.written().await;
        let faults = operator.post(&path, json!({"occurred_at": too_early})).await.expect_faults();
        assert_eq!(faults, [("/occurred_at".to_owned(), "out_of_order".to_owned())], "{step}");
        assert_eq!(world.written().await, before);
        operator.post(&path, json!({"occurred_at": when})).await.expect(200);
        let event = last_event(&operator, path.rsplit_once('/').unwrap().0).await;
        assert_eq!(instant(&event["occurred_at"]), when.parse::<DateTime<Utc>>().unwrap(), "{step}");
        assert!(event["occurred_at"].as_str().unwrap().ends_with('Z'), "UTC goes out");
        assert_eq!(instant(&event["created_at"]), world.now(), "{step}");
    }
    world.audit().await;
}

#[tokio::test]
async fn a_movement_may_be_reported_five_minutes_ahead_and_no_more() {
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
    let path = path_of(&world.customer().await.book(order(&[&first, &second])).await);
    world.clock.advance(TimeDelta::days(2));
    let operator = world.operator().await;
    for (step, when) in [("depart", "2026-11-21T10:00:00Z"), ("arrive", "2026-11-21T14:00:00Z")] {
        operator.post(&format!("{path}/{step}"), json!({"occurred_at": when})).await.expect(200);
    }
    let onward = format!("{path}/depart");
    let faults = operator.post(&onward, json!({"occurred_at": "2026-11-21T13:59:59Z"})).await.expect_faults();
    assert_eq!(faults, [("/occurred_at".to_owned(), "out_of_order".to_owned())]);
    operator.post(&onward, json!({"occurred_at": "2026-11-21T14:00:00Z"})).await.expect(200);
    world.audit().await;
}

#[tokio::test]
async fn a_movement_may_be_reported_for_seven_days_and_no_longer() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let path = path_of(&world.customer().await.book(order(&[&first])).await);
    world.clock.advance(TimeDelta::days(8));
    let operator = world.operator().await;
    let oldest = world.now() - TimeDelta::days(7);
    let before = world.written().await;
    let too_old = json!({"occurred_at": oldest - TimeDelta::microseconds(1)});
    let faults = operator.post(&format!("{path}/depart"), too_old).await.expect_faults();
    assert_eq!(faults, [("/occurred_at".to_owned(), "too_small".to_owned())]);
    assert_eq!(world.written().await, before);
    operator.post(&format!("{path}/depart"), json!({"occurred_at": oldest})).await.expect(200);
    assert_eq!(instant(&last_event(&operator, &path).await["occurred_at"]), oldest);
    // Unsaid it is now, however long nothing was reported.
    world.clock.advance(TimeDelta::minutes(10));
    operator.poke(&format!("{path}/arrive")).await.expect(200);
    let faults = operator.post(&format!("{path}/deliver"), json!({"occurred_at": oldest})).await.expect_faults();
    assert_eq!(faults, [("/occurred_at".to_owned(), "out_of_order".to_owned())]);
    world.audit().await;
}

#[tokio::test]
async fn the_number_of_days_is_a_setting() {
    let world = WorldOptions::default().set("operations.backdate_days", "1").start().await;
    let [first, _] = two_flights(&world).await;
    let path = path_of(&world.customer().await.book(order(&[&first])).await);
    world.clock.advance(TimeDelta::days(2));
    let operator = world.operator().await;
    let told = |days: i64| json!({"occurred_at": world.now() - TimeDelta::days(days)});
    operator.post(&format!("{path}/depart"), told(2)).await.expect_faults();
    operator.post(&format!("{path}/depart"), told(1)).await.expect(200);
    world.audit().await;
}
