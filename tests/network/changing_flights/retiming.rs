//! A flight that is retimed takes its bookings along.
use chrono::TimeDelta;
use loadmaster_testkit::{
    NewFlight, World,
    amending::{shown, timeline, told_of},
    flight_verbs::{flight_now, path_to},
    freight::{order, with},
};
use serde_json::{Value, json};

use super::{change, direct, version_tag};

#[tokio::test]
async fn the_flight_shows_its_new_times_and_keeps_the_scheduled_ones() {
    let world = World::start().await;
    let (flight, admin) = (direct(&world).await, world.admin().await);
    world.clock.advance(TimeDelta::minutes(6));
    let wish = json!({"departure_datetime": "2026-11-21T17:00:00+05:30", "arrival_datetime": "2026-11-21T21:00:00.5Z"});
    let answer = change(&admin, &flight, wish).await;
    let tag = answer.header("etag").expect("a tag").to_owned();
    assert!(tag.starts_with("\"2-"), "{tag}");
    let after = answer.expect(200);
    let moved = json!({
        "departure_datetime": "2026-11-21T11:30:00Z", "departure_local": "2026-11-21T17:00:00+05:30",
        "arrival_datetime": "2026-11-21T21:00:00.500Z", "arrival_local": "2026-11-21T21:00:00.500+00:00",
        "duration_minutes": 570, "cutoff_datetime": "2026-11-21T10:30:00Z", "version": 2,
        "updated_at": "2026-11-20T08:06:00Z",
    });
    assert_eq!(after, with(flight.clone(), moved));
    let read = admin.get(&path_to(&flight)).await;
    assert_eq!(read.header("etag"), Some(tag.as_str()));
    assert_eq!(read.expect(200), after);
    let events = world.texts("select sequence || ' ' || event_type from flight_events order by sequence").await;
    assert_eq!(events, ["1 CREATED", "2 CHANGED"]);
    assert_eq!(world.texts("select 'x' from outbox where event_type = 'CHANGED'").await.len(), 1);
    world.audit().await;
}

#[tokio::test]
async fn either_time_may_move_alone() {
    let world = World::start().await;
    let (flight, admin) = (direct(&world).await, world.admin().await);
    let later = change(&admin, &flight, json!({"arrival_datetime": "2026-11-21T20:00:00Z"})).await.expect(200);
    assert_eq!(later["departure_datetime"], flight["departure_datetime"]);
    assert_eq!((&later["duration_minutes"], &later["cutoff_datetime"]), (&json!(600), &flight["cutoff_datetime"]));
    let sooner = change(&admin, &flight, json!({"departure_datetime": "2026-11-21T09:00:00Z"})).await.expect(200);
    assert_eq!(sooner["arrival_datetime"], "2026-11-21T20:00:00Z");
    assert_eq!(
        (&sooner["duration_minutes"], &sooner["cutoff_datetime"]),
        (&json!(660), &json!("2026-11-21T08:00:00Z"))
    );
    assert_eq!(sooner["version"], 3);
    // It may last a day, and it may be moved into the past.
    let longest = json!({"departure_datetime": "2026-11-01T09:00:00Z", "arrival_datetime": "2026-11-02T09:00:00Z"});
    assert_eq!(change(&admin, &flight, longest).await.expect(200)["duration_minutes"], 1440);
}

#[tokio::test]
async fn the_bookings_on_it_move_along() {
    let world = World::start().await;
    let (customer, operator, admin) = (world.customer().await, world.operator().await, world.admin().await);
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM")).await;
    let second = world.flight(NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(36)).await;
    let short = customer.book(order(&[&first])).await;
    let long = customer.book(order(&[&first, &second])).await;
    let onward = customer.book(order(&[&second])).await;
    let (taken, available) = (world.available(&first).await, world.available(&second).await);
    world.clock.advance(TimeDelta::minutes(6));

    let wish = json!({"departure_datetime": "2026-11-21T09:00:00Z", "arrival_datetime": "2026-11-21T13:30:00Z"});
    let flight = change(&admin, &first, wish.clone()).await.expect(200);
    for booking in [&short, &long] {
        let now = shown(&customer, booking).await;
        let mut expected = booking.clone();
        expected["legs"][0] = with(booking["legs"][0].clone(), wish.clone());
        let told = json!({"version": 2, "updated_at": "2026-11-20T08:06:00Z"});
        assert_eq!(now, with(expected, told), "all else stays");
        let event = timeline(&customer, booking).await.pop().unwrap();
        assert_eq!((&event["event_type"], &event["status"]), (&json!("FLIGHT_RETIMED"), &json!("BOOKED")));
        assert_eq!((&event["flight_id"], &event["leg_id"]), (&first["id"], &now["legs"][0]["id"]));
        assert_eq!((&event["flight_number"], &event["fsu_code"]), (&json!("AI101"), &Value::Null));
        assert_eq!((&event["sequence"], &event["occurred_at"]), (&json!(2), &json!("2026-11-20T08:06:00Z")));
    }
    assert_eq!(shown(&customer, &onward).await, onward);
    assert_eq!(flight["available"], taken);
    assert_eq!((world.available(&first).await, world.available(&second).await), (taken, available));
    // What was read before is stale.
    let stale = customer.request(reqwest::Method::DELETE, &loadmaster_testkit::freight::path_of(&short));
    let stale = loadmaster_testkit::Answer::of(stale.header("if-match", "\"1\"")).await;
    stale.expect_problem(412, "version_mismatch");
    operator.walk(&long, &["depart", "arrive", "depart", "arrive", "deliver"]).await;
    world.audit().await;
}

#[tokio::test]
async fn bookings_no_longer_on_the_flight_are_not_retimed() {
    let world = World::start().await;
    let (customer, operator, admin) = (world.customer().await, world.operator().await, world.admin().await);
    let flight = direct(&world).await;
    let other = world.flight(NewFlight::new("AI109", "DEL", "LHR")).await;
    let mut gone = Vec::new();
    for steps in [&["cancel"][..], &["depart", "cancel"], &["depart", "arrive"], &["depart", "arrive", "deliver"]] {
        let booking = customer.book(order(&[&flight])).await;
        gone.push(operator.walk(&booking, steps).await);
    }
    let rerouted = customer.book(order(&[&flight])).await;
    loadmaster_testkit::amending::amend(&customer, &rerouted, json!({"flight_ids": [other["id"]]})).await.expect(200);
    gone.push(shown(&customer, &rerouted).await);
    let offloaded = customer.book(order(&[&flight])).await;
    change(&admin, &flight, json!({"offload": [offloaded["ref_id"]]})).await.expect(200);
    gone.push(shown(&customer, &offloaded).await);
    // One that left alone is still on its way.
    let flying = operator.walk(&customer.book(order(&[&flight])).await, &["depart"]).await;

    let wish = json!({"departure_datetime": "2026-11-21T12:00:00Z", "arrival_datetime": "2026-11-21T21:30:00Z"});
    change(&admin, &flight, wish.clone()).await.expect(200);
    for booking in &gone {
        assert_eq!(shown(&customer, booking).await, *booking, "nothing happened to it");
    }
    let now = shown(&customer, &flying).await;
    assert_eq!((&now["status"], &now["version"]), (&json!("DEPARTED"), &json!(3)));
    assert_eq!(now["legs"][0]["arrival_datetime"], wish["arrival_datetime"]);
    assert_eq!(told_of(&customer, &flying).await, json!(["BOOKED", "DEPARTED", "FLIGHT_RETIMED"]));
    world.audit().await;
}

#[tokio::test]
async fn changes_that_keep_the_times_add_no_events() {
    let world = World::start().await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let flight = direct(&world).await;
    let booking = customer.book(order(&[&flight])).await;
    for wish in
        [json!({"cutoff_minutes": 90}), json!({"capacity": {"weight_kg": 2000}}), json!({"aircraft_code": "77W"})]
    {
        change(&admin, &flight, wish).await.expect(200);
        assert_eq!(shown(&customer, &booking).await, booking);
    }
    assert_eq!(flight_now(&admin, &flight).await["version"], 4);
    // The same instant in another offset is no other time.
    let same =
        json!({"departure_datetime": "2026-11-21T15:30:00+05:30", "arrival_datetime": "2026-11-21T19:30:00.000Z"});
    let before = world.written().await;
    change(&admin, &flight, same).await.expect(200);
    assert_eq!(world.written().await, before);
    assert_eq!(version_tag(&admin, &flight).await, "4");
    world.audit().await;
}
