//! Arriving brings everybody in who is in the air.
use chrono::TimeDelta;
use loadmaster_testkit::{
    World,
    amending::{long_day, shown, timeline, told_of},
    flight_verbs::{done, flight_now},
    freight::order,
};
use serde_json::{Value, json};

use super::{changed, flight_events, left_behind, legs, two_flights};

#[tokio::test]
async fn all_bookings_in_the_air_arrive() {
    let world = long_day().await;
    let [first, second] = two_flights(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let short = customer.book(order(&[&first])).await;
    let long = customer.book(order(&[&first, &second])).await;
    done(&operator, &first, "depart").await;
    world.clock.advance(TimeDelta::minutes(200));

    let landed = done(&operator, &first, "arrive").await;
    assert_eq!(landed.as_object().unwrap().len(), 3, "{landed}");
    assert_eq!((changed(&landed), left_behind(&landed)), (2, vec![]));
    let flight = &landed["flight"];
    assert_eq!(*flight, flight_now(&operator, &first).await);
    assert_eq!((&flight["status"], &flight["version"]), (&json!("ARRIVED"), &json!(3)));
    for member in ["actual_arrival_datetime", "arrival_datetime", "updated_at"] {
        assert_eq!(flight[member], "2026-11-20T11:20:00Z", "{member}");
    }
    assert_eq!(flight["actual_departure_datetime"], "2026-11-20T08:00:00Z");
    assert_eq!(
        (&flight["duration_minutes"], &flight["arrival_local"]),
        (&json!(200), &json!("2026-11-20T16:50:00+05:30"))
    );
    assert_eq!(flight["scheduled_arrival_datetime"], first["arrival_datetime"]);
    assert_eq!(flight_events(&world, &first).await, ["CREATED", "DEPARTED", "ARRIVED"]);

    for (booking, there, next) in [(&short, true, json!(["deliver"])), (&long, false, json!(["depart"]))] {
        let now = shown(&customer, booking).await;
        assert_eq!((&now["status"], &now["current_airport"]), (&json!("ARRIVED"), &json!("BOM")));
        assert_eq!((&now["at_destination"], &now["next_actions"]), (&json!(there), &next));
        assert_eq!(now["version"], 3);
        let event = timeline(&customer, booking).await.pop().unwrap();
        assert_eq!((&event["event_type"], &event["fsu_code"]), (&json!("ARRIVED"), &json!("ARR")));
        assert_eq!((&event["location"], &event["flight_id"]), (&json!("BOM"), &first["id"]));
        assert_eq!(event["occurred_at"], "2026-11-20T11:20:00Z");
        // A leg's times are those it was booked at.
        assert_eq!(now["legs"][0]["arrival_datetime"], booking["legs"][0]["arrival_datetime"]);
    }
    world.audit().await;
}

#[tokio::test]
async fn a_journey_goes_by_its_flights_alone() {
    let world = long_day().await;
    let [first, second] = two_flights(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let booking = customer.book(order(&[&first, &second])).await;
    for (flight, verb) in [(&first, "depart"), (&first, "arrive"), (&second, "depart"), (&second, "arrive")] {
        world.clock.advance(TimeDelta::hours(2));
        let done = done(&operator, flight, verb).await;
        assert_eq!((changed(&done), left_behind(&done)), (1, vec![]), "{verb}");
        world.audit().await;
    }
    let delivered = operator.walk(&booking, &["deliver"]).await;
    assert_eq!((&delivered["status"], legs(&delivered)), (&json!("DELIVERED"), json!(["ARRIVED", "ARRIVED"])));
    let told = told_of(&customer, &booking).await;
    assert_eq!(told, json!(["BOOKED", "DEPARTED", "ARRIVED", "DEPARTED", "ARRIVED", "DELIVERED"]));
    world.audit().await;
}

#[tokio::test]
async fn bookings_that_landed_alone_or_were_cancelled_in_the_air_are_skipped() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let mut bookings = Vec::new();
    for _ in 0..5 {
        bookings.push(customer.book(order(&[&first, &second])).await);
    }
    done(&operator, &first, "depart").await;
    let cancelled = operator.walk(&bookings[0], &["cancel"]).await;
    let landed = operator.walk(&bookings[1], &["arrive"]).await;
    let onward = operator.walk(&bookings[2], &["arrive", "depart"]).await;
    let before = [cancelled, landed, onward];

    let done = done(&operator, &first, "arrive").await;
    assert_eq!((changed(&done), left_behind(&done)), (2, vec![]));
    for booking in &before {
        assert_eq!(shown(&customer, booking).await, *booking, "nothing happened to it");
    }
    assert_eq!(legs(&before[0]), json!(["DEPARTED", "RELEASED"]));
    for booking in &bookings[3..] {
        assert_eq!(told_of(&customer, booking).await, json!(["BOOKED", "DEPARTED", "ARRIVED"]));
    }
    world.audit().await;
}

#[tokio::test]
async fn movements_by_hand_and_by_flight_mix() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let by_hand = customer.book(order(&[&first, &second])).await;
    let by_flight = customer.book(order(&[&first, &second])).await;
    operator.walk(&by_hand, &["depart"]).await;
    assert_eq!(changed(&done(&operator, &first, "depart").await), 1);
    assert_eq!(changed(&done(&operator, &first, "arrive").await), 2);
    operator.walk(&by_flight, &["depart", "arrive"]).await;
    assert_eq!(changed(&done(&operator, &second, "depart").await), 1);
    operator.walk(&by_hand, &["arrive"]).await;
    assert_eq!(changed(&done(&operator, &second, "arrive").await), 0);
    for booking in [&by_hand, &by_flight] {
        let told = told_of(&customer, booking).await;
        assert_eq!(told, json!(["BOOKED", "DEPARTED", "ARRIVED", "DEPARTED", "ARRIVED"]));
        let now: Value = shown(&customer, booking).await;
        assert_eq!((&now["at_destination"], &now["needs_rerouting"]), (&json!(true), &json!(false)));
    }
    world.audit().await;
}
