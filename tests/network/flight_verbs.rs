//! A flight departs, arrives or is cancelled, and with it all bookings on it: in one step, each with an event.
mod arriving;
mod bodies;
mod cancelling;
mod crowd;
mod departing;
mod manifest;
mod previewing;
mod refusals;
mod when;

use loadmaster_testkit::{
    NewFlight, World,
    flight_verbs::flight_now,
    freight::{each, text},
};
use serde_json::{Value, json};

/// How many bookings were changed.
fn changed(done: &Value) -> u64 {
    done["bookings_changed"].as_u64().expect("a number")
}

/// Who was left behind and why, by reference.
fn left_behind(done: &Value) -> Vec<(String, String)> {
    let entries = done["left_behind"].as_array().expect("a list").iter();
    let mut left: Vec<_> = entries
        .map(|entry| {
            assert_eq!(entry.as_object().expect("an object").len(), 2, "{entry}");
            (text(entry, "ref_id").to_owned(), text(entry, "reason").to_owned())
        })
        .collect();
    left.sort();
    left
}

/// The statuses of a booking's legs.
fn legs(booking: &Value) -> Value {
    json!(each(&booking["legs"], "status"))
}

/// The types of a flight's own events by their numbers, which must go without a gap up to its version.
async fn flight_events(world: &World, flight: &Value) -> Vec<String> {
    let id = text(flight, "id");
    let events = world
        .texts(&format!(
            "select sequence || ' ' || event_type from flight_events where flight_id = '{id}' order by sequence"
        ))
        .await;
    let version = flight_now(&world.anonymous(), flight).await["version"].as_u64().unwrap();
    assert_eq!(events.len() as u64, version, "{events:?}");
    let typed = (1..).zip(&events).map(|(number, event)| event.strip_prefix(&format!("{number} ")).unwrap().to_owned());
    typed.collect()
}

/// Two flights that connect in Bombay, 8 hours apart.
async fn two_flights(world: &World) -> [Value; 2] {
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM")).await;
    let second = world.flight(NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(36)).await;
    [first, second]
}
