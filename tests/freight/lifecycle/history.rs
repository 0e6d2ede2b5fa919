//! What the history tells of a journey.
use std::collections::BTreeSet;

use loadmaster_accounts::Role;
use loadmaster_testkit::{
    World,
    freight::{each, order, path_of},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::two_flights;

#[tokio::test]
async fn an_undisturbed_journey_of_one_leg_has_exactly_four_events() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let (user, staff) = (Uuid::new_v4(), Uuid::new_v4());
    let customer = world.caller_in(Role::Customer, user, Uuid::new_v4()).await;
    let operator = world.caller_in(Role::Operator, staff, Uuid::new_v4()).await;
    let booking = customer.book(order(&[&first])).await;
    let delivered = operator.walk(&booking, &["depart", "arrive", "deliver"]).await;

    let history = customer.get(&format!("{}/history", path_of(&booking))).await.expect(200);
    assert_eq!(history["booking"], delivered);
    assert_eq!(history.as_object().unwrap().len(), 2);
    let expected = [
        ("BOOKED", "BOOKED", "BKD", "DEL", user),
        ("DEPARTED", "DEPARTED", "DEP", "DEL", staff),
        ("ARRIVED", "ARRIVED", "ARR", "BOM", staff),
        ("DELIVERED", "DELIVERED", "DLV", "BOM", staff),
    ];
    let timeline = history["timeline"].as_array().unwrap();
    assert_eq!(timeline.len(), expected.len());
    for (index, (event, (kind, status, code, place, actor))) in timeline.iter().zip(expected).enumerate() {
        let mut event = event.clone();
        let id = event.as_object_mut().unwrap().remove("id").expect("an id");
        assert_eq!(id.as_str().unwrap().parse::<Uuid>().unwrap().get_version_num(), 7);
        let whole = json!({
            "sequence": index + 1, "event_type": kind, "status": status, "fsu_code": code, "location": place,
            "flight_id": first["id"], "flight_number": "AI101", "leg_id": booking["legs"][0]["id"], "pieces": 2,
            "weight_kg": 100, "corrects": null, "corrected": false, "actor": actor, "notes": null, "occurred_at": "2026-11-20T08:00:00Z",
            "created_at": "2026-11-20T08:00:00Z",
        });
        assert_eq!(event, whole);
    }
    world.audit().await;
}

#[tokio::test]
async fn each_leg_departs_and_arrives_for_itself() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let operator = world.operator().await;
    let booking = operator.book(order(&[&first, &second])).await;
    operator.walk(&booking, &["depart", "arrive", "depart", "arrive", "deliver"]).await;
    let history = operator.get(&format!("{}/history", path_of(&booking))).await.expect(200);
    let told: Vec<_> = history["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| (event["event_type"].as_str(), event["location"].as_str(), event["flight_number"].as_str()))
        .collect();
    let expected = [
        (Some("BOOKED"), Some("DEL"), Some("AI101")),
        (Some("DEPARTED"), Some("DEL"), Some("AI101")),
        (Some("ARRIVED"), Some("BOM"), Some("AI101")),
        (Some("DEPARTED"), Some("BOM"), Some("AI102")),
        (Some("ARRIVED"), Some("LHR"), Some("AI102")),
        (Some("DELIVERED"), Some("LHR"), Some("AI102")),
    ];
    assert_eq!(told, expected);
    let leg_ids: BTreeSet<_> = each(&history["timeline"], "leg_id").into_iter().map(Value::as_str).collect();
    let legs: BTreeSet<_> = each(&booking["legs"], "id").into_iter().map(Value::as_str).collect();
    assert_eq!(leg_ids, legs);
    world.audit().await;
}

#[tokio::test]
async fn notes_are_in_the_history_but_not_in_the_events_own_row() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let path = path_of(&customer.book(order(&[&first])).await);
    for step in ["depart", "arrive", "deliver"] {
        let body = json!({"notes": format!("Remark on {step}:\n\ttwo lines")});
        operator.post(&format!("{path}/{step}"), body).await.expect(200);
    }
    let history = customer.get(&format!("{path}/history")).await.expect(200);
    let notes: Vec<_> = each(&history["timeline"], "notes").into_iter().map(Value::as_str).collect();
    let remark = |step: &str| format!("Remark on {step}:\n\ttwo lines");
    let expected = [None, Some(remark("depart")), Some(remark("arrive")), Some(remark("deliver"))];
    assert_eq!(notes, expected.iter().map(Option::as_deref).collect::<Vec<_>>());
    for table in ["booking_events", "outbox"] {
        let rows = world.texts(&format!("select t::text from {table} t where t::text ilike '%remark%'")).await;
        assert!(rows.is_empty(), "{table}: {rows:?}");
    }
    assert_eq!(world.texts("select notes from booking_event_notes").await.len(), 3);
}

#[tokio::test]
async fn a_booking_shows_its_events_on_request() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let operator = world.operator().await;
    let booking = operator.book(order(&[&first])).await;
    let path = path_of(&booking);
    operator.walk(&booking, &["depart"]).await;
    let history = operator.get(&format!("{path}/history")).await.expect(200);
    let mut with_events = operator.get(&format!("{path}?include=history")).await.expect(200);
    let events = with_events.as_object_mut().unwrap().remove("events").expect("events");
    assert_eq!((&events, &with_events), (&history["timeline"], &history["booking"]));
    assert!(operator.get(&path).await.expect(200).get("events").is_none());
    let faults = operator.get(&format!("{path}?include=everything")).await.expect_faults();
    assert_eq!(faults, [("include".to_owned(), "unknown_value".to_owned())]);
}

#[tokio::test]
async fn the_short_status_has_three_members() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let operator = world.operator().await;
    let booking = operator.book(order(&[&first])).await;
    world.clock.advance(chrono::TimeDelta::minutes(3));
    let moved = operator.walk(&booking, &["depart"]).await;
    let status = operator.get(&format!("{}/status", path_of(&booking))).await.expect(200);
    let whole = json!({"ref_id": booking["ref_id"], "status": "DEPARTED", "updated_at": "2026-11-20T08:03:00Z"});
    assert_eq!(status, whole);
    assert_eq!(moved["updated_at"], status["updated_at"]);
    assert_eq!(moved["created_at"], booking["created_at"]);
}
