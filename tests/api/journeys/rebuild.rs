//! Folds events and ledger into what stands in the tables, column by column.
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use sqlx::PgConnection;

use crate::support::{
    World,
    freight::{raw, text},
};

/// These give a booking its status; the others leave it as it is.
const STATUSES: [&str; 5] = ["BOOKED", "DEPARTED", "ARRIVED", "DELIVERED", "CANCELLED"];
const MOVEMENTS: [&str; 3] = ["DEPARTED", "ARRIVED", "DELIVERED"];

const BOOKINGS: &str = "select to_jsonb(b)::text from bookings b where id = any($1::text[]::uuid[])";
const LEGS: &str =
    "select to_jsonb(l)::text from booking_legs l where booking_id = any($1::text[]::uuid[]) order by id";
const BOOKING_EVENTS: &str = "select to_jsonb(e)::text from booking_events e
    where booking_id = any($1::text[]::uuid[]) order by booking_id, sequence";
const FLIGHTS: &str = "select (to_jsonb(f) || (to_jsonb(c) - 'flight_id'))::text
    from flights f join flight_capacity c on c.flight_id = f.id where f.id = any($1::text[]::uuid[])";
const FLIGHT_EVENTS: &str = "select to_jsonb(e)::text from flight_events e
    where flight_id = any($1::text[]::uuid[]) order by flight_id, sequence";
const LEDGER: &str = "select to_jsonb(l)::text from capacity_ledger l
    where flight_id = any($1::text[]::uuid[]) order by flight_id, seq";

/// Whatever stands in the tables of these bookings and flights follows from their events and ledgers.
pub async fn compare(world: &World, bookings: &[&str], flights: &[&str]) {
    let mut owner = world.database.owner().await;
    let events = by(rows(&mut owner, BOOKING_EVENTS, bookings).await, "booking_id");
    let legs = by(rows(&mut owner, LEGS, bookings).await, "booking_id");
    let found = rows(&mut owner, BOOKINGS, bookings).await;
    assert_eq!((found.len(), events.len(), legs.len()), (bookings.len(), bookings.len(), bookings.len()));
    for row in found {
        let id = text(&row, "id");
        let rebuilt = fold_booking(&events[id]);
        assert_eq!(rebuilt, (row.clone(), legs[id].clone()), "the events are {}", told(&events[id]));
    }

    let events = by(rows(&mut owner, FLIGHT_EVENTS, flights).await, "flight_id");
    let ledger = by(rows(&mut owner, LEDGER, flights).await, "flight_id");
    let found = rows(&mut owner, FLIGHTS, flights).await;
    assert_eq!(found.len(), flights.len());
    for row in found {
        let id = text(&row, "id");
        assert_eq!(fold_flight(&events[id], &ledger[id]), row, "the events are {}", told(&events[id]));
    }
}

/// As text: numbers and instants are then as PostgreSQL writes them.
async fn rows(owner: &mut PgConnection, query: &'static str, ids: &[&str]) -> Vec<Value> {
    let rows = sqlx::query_scalar::<_, String>(query).bind(ids).fetch_all(owner).await.expect("it runs");
    rows.iter().map(|row| in_one_zone(raw(row))).collect()
}

/// What matters here of these events.
fn told(events: &[Value]) -> Value {
    events.iter().map(|event| json!([event["event_type"], event["occurred_at"], event["data"]])).collect()
}

fn by(rows: Vec<Value>, member: &str) -> BTreeMap<String, Vec<Value>> {
    let mut groups = BTreeMap::<_, Vec<_>>::new();
    for row in rows {
        groups.entry(text(&row, member).to_owned()).or_default().push(row);
    }
    groups
}

/// The same with all instants written alike: events have them as the API does, rows as PostgreSQL does.
fn in_one_zone(value: Value) -> Value {
    let rewrite = |(name, value): (String, Value)| {
        let instant = value.as_str().filter(|_| name.ends_with("_at"));
        let value = match instant {
            Some(text) => json!(text.parse::<DateTime<Utc>>().expect("an instant")),
            None => in_one_zone(value),
        };
        (name, value)
    };
    match value {
        Value::Object(members) => members.into_iter().map(rewrite).collect(),
        Value::Array(entries) => entries.into_iter().map(in_one_zone).collect(),
        other => other,
    }
}

/// The booking's row and those of its legs, by id.
fn fold_booking(events: &[Value]) -> (Value, Vec<Value>) {
    let mut booking = Map::new();
    let mut legs = BTreeMap::new();
    booking.insert("moved_at".to_owned(), Value::Null);
    for (index, event) in events.iter().enumerate() {
        let kind = text(event, "event_type");
        assert_eq!(event["sequence"], index + 1, "{event}");
        assert_eq!(event["data_version"], 1, "{event}");
        assert_eq!(kind == "BOOKED", index == 0, "{event}");
        for (member, value) in event["data"].as_object().expect("an object") {
            if member == "legs" {
                fold_legs(&mut legs, event);
            } else {
                let before = booking.insert(member.clone(), value.clone());
                assert!(index == 0 || before.is_some(), "`{member}` was not there before {event}");
            }
        }
        let keeps = booking.get("status").is_none_or(|status| *status == event["status"]);
        assert!(if STATUSES.contains(&kind) { event["status"] == kind } else { keeps }, "{event}");
        booking.insert("status".to_owned(), event["status"].clone());
        if MOVEMENTS.contains(&kind) {
            booking.insert("moved_at".to_owned(), event["occurred_at"].clone());
        }
    }
    let (first, last) = (&events[0], &events[events.len() - 1]);
    let told = json!({
        "id": first["booking_id"], "version": events.len(), "event_sequence": events.len(),
        "created_at": first["created_at"], "updated_at": last["created_at"],
    });
    booking.extend(told.as_object().expect("an object").clone());
    (Value::Object(booking), legs.into_values().map(Value::Object).collect())
}

fn fold_legs(legs: &mut BTreeMap<String, Map<String, Value>>, event: &Value) {
    for change in event["data"]["legs"].as_array().expect("legs") {
        let leg = legs.entry(text(change, "id").to_owned()).or_insert_with(|| {
            // A new leg, with all that there is to say of it.
            let members = ["sequence", "flight_id", "origin", "destination", "departure_at", "arrival_at", "status"];
            assert!(members.iter().all(|member| change.get(member).is_some()), "a leg from nowhere: {event}");
            Map::from_iter([("booking_id".to_owned(), event["booking_id"].clone())])
        });
        leg.extend(change.as_object().expect("an object").clone());
    }
}

/// The flight's row: its schedule and status from the last event, its bookings from the ledger.
fn fold_flight(events: &[Value], ledger: &[Value]) -> Value {
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event["sequence"], index + 1, "{event}");
    }
    let (first, last) = (&events[0], &events[events.len() - 1]);
    let mut flight = last["data"].clone();
    let cancelled = events.iter().find(|event| event["event_type"] == "CANCELLED");
    flight["id"] = first["flight_id"].clone();
    flight["airline_code"] = text(&flight, "flight_number")[..2].into();
    flight["cancelled_at"] = cancelled.map_or(Value::Null, |event| event["created_at"].clone());
    flight["created_at"] = first["created_at"].clone();
    flight["updated_at"] = last["created_at"].clone();
    flight["version"] = events.len().into();
    flight["ledger_seq"] = ledger.len().into();
    for dimension in ["weight_hg", "volume_l", "positions"] {
        let taken: i64 = ledger.iter().map(|entry| entry[dimension].as_i64().expect("a whole number")).sum();
        flight[format!("booked_{dimension}")] = taken.into();
        flight[format!("held_{dimension}")] = 0.into();
        let capacity = format!("capacity_{dimension}");
        assert_eq!(ledger[ledger.len() - 1][&capacity], flight[&capacity], "{}", told(events));
    }
    let kinds = ["CAPACITY_SET", "BOOKED", "AMENDED", "RELEASED"];
    assert!(ledger.iter().all(|entry| kinds.contains(&text(entry, "kind"))), "{ledger:?}");
    flight
}
