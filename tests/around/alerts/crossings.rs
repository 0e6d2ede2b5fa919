//! When somebody is informed: once per crossing, and not too often.
use chrono::TimeDelta;
use loadmaster_testkit::{World, notifications::Person, until};

use super::{ALERTS, checked, fill, flight, messages, shown, space};

/// Ten crossings in an hour. Returns the world, the person who waits, the alert, and who has filled the flight ten times.
async fn ten_crossings() -> (World, Person, serde_json::Value, Person, serde_json::Value) {
    let world = World::working().await;
    let (flight, person, holder) = (flight(&world).await, Person::new(&world).await, Person::new(&world).await);
    let mut booking = fill(&holder.client, &flight).await;
    let alert = person.client.post(ALERTS, space(600.0)).await.expect(201);
    for crossing in 1..=10 {
        holder.now(&world).walk(&booking, &["cancel"]).await;
        checked(&world).await;
        let met = shown(&person.now(&world), &alert).await;
        assert_eq!((&met["is_met"], &met["times_met"]), (&true.into(), &crossing.into()));
        if crossing < 10 {
            booking = fill(&holder.now(&world), &flight).await;
            checked(&world).await;
            assert_eq!(shown(&person.now(&world), &alert).await["is_met"], false);
            world.clock.advance(TimeDelta::minutes(6));
        }
    }
    assert_eq!(messages(&world).await, 1, "the others are within six hours");
    (world, person, alert, holder, flight)
}

#[tokio::test]
async fn ten_crossings_in_an_hour_are_one_message_and_one_more_after_six_hours_if_it_still_holds() {
    let (world, person, alert, ..) = ten_crossings().await;
    world.clock.advance(TimeDelta::minutes(5 * 60));
    checked(&world).await;
    assert_eq!(messages(&world).await, 1, "it is not six hours yet");
    // Due by itself.
    world.clock.advance(TimeDelta::minutes(7));
    until("the last crossing is reported", async || messages(&world).await == 2).await;
    assert_eq!(shown(&person.now(&world), &alert).await["times_met"], 10);
    checked(&world).await;
    world.clock.advance(TimeDelta::hours(7));
    checked(&world).await;
    assert_eq!(messages(&world).await, 2, "it has not become true again");
    world.audit().await;
}

#[tokio::test]
async fn a_crossing_that_does_not_hold_for_six_hours_is_not_reported_then() {
    let (world, person, alert, holder, flight) = ten_crossings().await;
    fill(&holder.now(&world), &flight).await;
    checked(&world).await;
    world.clock.advance(TimeDelta::hours(6));
    checked(&world).await;
    assert_eq!(shown(&person.now(&world), &alert).await["is_met"], false);
    assert_eq!(messages(&world).await, 1);
}

#[tokio::test]
async fn what_only_takes_space_wakes_the_alerts_whose_option_it_is() {
    let world = World::working().await;
    let (flight, person) = (flight(&world).await, Person::new(&world).await);
    let alert = person.client.post(ALERTS, space(600.0)).await.expect(201);
    assert_eq!(alert["is_met"], true);
    // A new one is due soon without a message.
    checked(&world).await;
    fill(&world.customer().await, &flight).await;
    world.clock.advance(TimeDelta::seconds(31));
    until("it is false", async || shown(&person.client, &alert).await["is_met"] == false).await;
}
