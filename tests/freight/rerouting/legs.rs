//! What becomes of the legs: replaced where they have not departed, continued from where the cargo is or will land.
use chrono::TimeDelta;
use loadmaster_testkit::{
    World,
    amending::{amend, shown, timeline, told_of},
    freight::{each, text},
};
use serde_json::{Value, json};

use super::{Network, ids, in_force, past, reroute};

#[tokio::test]
async fn before_departure_all_legs_are_replaced() {
    let world = World::start().await;
    let (network, customer) = (Network::of(&world).await, world.customer().await);
    let booking = network.book(&customer).await;
    world.clock.advance(TimeDelta::minutes(9));

    let answer = reroute(&customer, &booking, &[&network.direct]).await;
    assert_eq!(answer.header("etag"), Some("\"2\""));
    let after = answer.expect(200);
    assert_eq!(after["flight_ids"], ids(&[&network.direct]));
    assert_eq!(in_force(&after), [(1, "AI104", "BOOKED")]);
    assert_eq!(past(&after), [("AI101", "REPLACED"), ("AI102", "REPLACED")]);
    assert_eq!((&after["status"], &after["needs_rerouting"]), (&json!("BOOKED"), &json!(false)));
    assert_eq!(after["next_actions"], json!(["depart", "cancel"]));
    assert_eq!((&after["version"], &after["updated_at"]), (&json!(2), &json!("2026-11-20T08:09:00Z")));
    assert_eq!((&after["current_airport"], &after["awb_number"]), (&json!("DEL"), &Value::Null));
    assert_eq!(shown(&customer, &booking).await, after);
    assert_eq!(network.booked(&world).await, [0, 0, 0, 100, 0, 0]);

    let leg = after["legs"].as_array().unwrap().iter().find(|leg| leg["status"] == "BOOKED").unwrap();
    for member in ["flight_number", "origin", "destination", "departure_datetime", "arrival_datetime"] {
        assert_eq!(leg[member], network.direct[member], "{member}");
    }
    for member in ["pieces", "weight_kg", "volume_m3", "positions"] {
        assert_eq!(leg[member], booking[member], "{member}");
    }
    assert_eq!((&leg["space_code"], &leg["offload_reason"]), (&json!("KK"), &Value::Null));
    world.audit().await;
}

#[tokio::test]
async fn an_event_records_it_and_the_journey_follows_the_new_route() {
    let world = World::start().await;
    let (network, customer, operator) = (Network::of(&world).await, world.customer().await, world.operator().await);
    let booking = network.book(&customer).await;
    world.clock.advance(TimeDelta::minutes(9));
    reroute(&customer, &booking, &[&network.direct]).await.expect(200);
    let events = timeline(&customer, &booking).await;
    assert_eq!(events.len(), 2);
    let event = &events[1];
    assert_eq!((&event["sequence"], &event["event_type"]), (&json!(2), &json!("REROUTED")));
    assert_eq!((&event["status"], &event["fsu_code"]), (&json!("BOOKED"), &Value::Null));
    assert_eq!((&event["pieces"], &event["weight_kg"]), (&json!(2), &json!(100)));
    assert_eq!(event["occurred_at"], "2026-11-20T08:09:00Z");
    assert_eq!(event["actor"], booking["created_by"]);

    let there = operator.walk(&booking, &["depart", "arrive", "deliver"]).await;
    assert_eq!(in_force(&there), [(1, "AI104", "ARRIVED")]);
    let told = told_of(&customer, &booking).await;
    assert_eq!(told, json!(["BOOKED", "REROUTED", "DEPARTED", "ARRIVED", "DELIVERED"]));
    world.audit().await;
}

#[tokio::test]
async fn one_leg_may_become_three_and_three_one_again() {
    let world = World::start().await;
    let (network, customer) = (Network::of(&world).await, world.customer().await);
    let Network { to_bombay, onward, later, direct, to_dubai, from_dubai } = &network;
    let booking = network.book(&customer).await;
    for (version, flights, booked) in [
        (2, vec![direct], [0, 0, 0, 100, 0, 0]),
        (3, vec![to_bombay, to_dubai, from_dubai], [100, 0, 0, 0, 100, 100]),
        (4, vec![to_bombay, later], [100, 0, 100, 0, 0, 0]),
        (5, vec![to_bombay, onward], [100, 100, 0, 0, 0, 0]),
        (6, vec![direct], [0, 0, 0, 100, 0, 0]),
    ] {
        let after = reroute(&customer, &booking, &flights).await.expect(200);
        assert_eq!((&after["version"], &after["flight_ids"]), (&json!(version), &ids(&flights)));
        let sequences: Vec<_> = in_force(&after).iter().map(|(sequence, ..)| *sequence).collect();
        assert_eq!(sequences, (1..=flights.len() as u64).collect::<Vec<_>>(), "version {version}");
        assert_eq!(network.booked(&world).await, booked, "version {version}");
        world.audit().await;
    }
    let after = shown(&customer, &booking).await;
    assert_eq!(past(&after).len(), 2 + 1 + 3 + 2 + 2);
    assert!(past(&after).iter().all(|(_, status)| *status == "REPLACED"));
    // Every leg is one of its own, also on a flight that it had before.
    let mut legs = each(&after["legs"], "id");
    legs.sort_by_key(|id| id.as_str().map(str::to_owned));
    legs.dedup();
    assert_eq!(legs.len(), 11);
}

#[tokio::test]
async fn in_the_air_the_new_legs_start_where_it_lands() {
    let world = World::start().await;
    let (network, operator) = (Network::of(&world).await, world.operator().await);
    let booking = network.book(&operator).await;
    operator.walk(&booking, &["depart"]).await;
    let after = reroute(&operator, &booking, &[&network.to_dubai, &network.from_dubai]).await.expect(200);
    assert_eq!(in_force(&after), [(1, "AI101", "DEPARTED"), (2, "AI105", "BOOKED"), (3, "AI106", "BOOKED")]);
    assert_eq!(past(&after), [("AI102", "REPLACED")]);
    assert_eq!(after["flight_ids"], ids(&[&network.to_bombay, &network.to_dubai, &network.from_dubai]));
    assert_eq!((&after["status"], &after["current_airport"]), (&json!("DEPARTED"), &Value::Null));
    assert_eq!(network.booked(&world).await, [100, 0, 0, 0, 100, 100]);
    let there = operator.walk(&booking, &["arrive", "depart", "arrive", "depart", "arrive", "deliver"]).await;
    assert_eq!((&there["status"], &there["version"]), (&json!("DELIVERED"), &json!(9)));
    world.audit().await;
}

#[tokio::test]
async fn at_a_connection_the_new_legs_start_there() {
    let world = World::start().await;
    let (network, operator) = (Network::of(&world).await, world.operator().await);
    let booking = network.book(&operator).await;
    operator.walk(&booking, &["depart", "arrive"]).await;
    let after = reroute(&operator, &booking, &[&network.later]).await.expect(200);
    assert_eq!(in_force(&after), [(1, "AI101", "ARRIVED"), (2, "AI103", "BOOKED")]);
    assert_eq!(past(&after), [("AI102", "REPLACED")]);
    assert_eq!((&after["status"], &after["current_airport"]), (&json!("ARRIVED"), &json!("BOM")));
    assert_eq!(after["next_actions"], json!(["depart"]));
    assert_eq!(told_of(&operator, &booking).await, json!(["BOOKED", "DEPARTED", "ARRIVED", "REROUTED"]));
    // And once more, from the second connection on.
    let after = reroute(&operator, &booking, &[&network.to_dubai, &network.from_dubai]).await.expect(200);
    assert_eq!(in_force(&after), [(1, "AI101", "ARRIVED"), (2, "AI105", "BOOKED"), (3, "AI106", "BOOKED")]);
    let there = operator.walk(&booking, &["depart", "arrive", "depart", "arrive", "deliver"]).await;
    assert_eq!(there["status"], "DELIVERED");
    assert_eq!(network.booked(&world).await, [100, 0, 0, 0, 100, 100]);
    world.audit().await;
}

#[tokio::test]
async fn the_same_flights_again_are_no_change() {
    let world = World::start().await;
    let (network, operator) = (Network::of(&world).await, world.operator().await);
    let booking = network.book(&operator).await;
    let before = world.written().await;
    let same = reroute(&operator, &booking, &[&network.to_bombay, &network.onward]).await.expect(200);
    assert_eq!(same, booking);
    assert_eq!(reroute(&operator, &booking, &[]).await.expect(200), booking);
    assert_eq!(world.written().await, before);

    // Nor when they are said beside something else: the legs are the same ones.
    let said = json!({"weight_kg": 150, "flight_ids": booking["flight_ids"]});
    let heavier = amend(&operator, &booking, said).await.expect(200);
    assert_eq!(json!(each(&heavier["legs"], "id")), json!(each(&booking["legs"], "id")));
    assert_eq!(told_of(&operator, &booking).await, json!(["BOOKED", "AMENDED"]));
    assert_eq!(network.booked(&world).await, [150, 150, 0, 0, 0, 0]);

    // Once departed, the new legs are those that are named, and the same are those that have not departed.
    let departed = operator.walk(&booking, &["depart"]).await;
    let same = reroute(&operator, &booking, &[&network.onward]).await.expect(200);
    assert_eq!(same, departed);
    world.audit().await;
}

#[tokio::test]
async fn a_booking_is_listed_by_the_flights_it_has_and_not_by_those_it_had() {
    let world = World::start().await;
    let (network, customer) = (Network::of(&world).await, world.customer().await);
    let booking = network.book(&customer).await;
    reroute(&customer, &booking, &[&network.to_bombay, &network.later]).await.expect(200);
    for (flight, listed) in [(&network.to_bombay, true), (&network.onward, false), (&network.later, true)] {
        let path = format!("/api/v1/bookings?flight_id={}", text(flight, "id"));
        let list = customer.get(&path).await.expect(200);
        assert_eq!(list.as_array().unwrap().len(), usize::from(listed), "{}", flight["flight_number"]);
    }
}

#[tokio::test]
async fn tracking_shows_the_new_way() {
    let world = World::start().await;
    let (network, operator) = (Network::of(&world).await, world.operator().await);
    let booking = network.book(&operator).await;
    operator.walk(&booking, &["depart", "arrive"]).await;
    reroute(&operator, &booking, &[&network.later]).await.expect(200);
    let path = format!("/api/v1/tracking/{}", text(&booking, "ref_id"));
    let found = world.anonymous().get(&path).await.expect(200);
    assert_eq!(in_force(&found), [(1, "AI101", "ARRIVED"), (2, "AI103", "BOOKED")]);
    assert_eq!(found["legs"], shown(&operator, &booking).await["legs"]);
    let told = each(&found["timeline"], "event_type");
    assert_eq!(json!(told), json!(["BOOKED", "DEPARTED", "ARRIVED", "REROUTED"]));
    assert_eq!((&found["status"], &found["current_airport"]), (&json!("ARRIVED"), &json!("BOM")));
}
