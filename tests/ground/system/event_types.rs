//! The catalogue of messages.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use loadmaster::app::{broken_event_types, event_schemas};
use loadmaster_testkit::{World, freight::text, told::faults};
use serde_json::{Value, json};

const EVENT_TYPES: &str = "/api/v1/event-types";

#[tokio::test]
async fn each_type_has_an_entry_and_a_schema_of_its_messages() {
    let world = World::start().await;
    let anyone = world.anonymous();
    let list = anyone.get(EVENT_TYPES).await.expect(200);
    let list = list.as_array().expect("a list");
    let names: BTreeSet<_> = list.iter().map(|entry| text(entry, "type")).collect();
    assert_eq!(names.len(), list.len(), "none is there twice");
    assert_eq!(names, event_schemas().into_keys().collect());
    assert!(
        ["loadmaster.booking.booked.v1", "loadmaster.flight.departed.v1", "loadmaster.tariff.imported.v1"]
            .iter()
            .all(|name| names.contains(name))
    );
    for entry in list {
        let members: BTreeSet<_> = entry.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, BTreeSet::from(["type", "subject", "description"]));
        assert!(text(entry, "description").ends_with('.') && !text(entry, "subject").is_empty(), "{entry}");
        let name = text(entry, "type");
        let schema = anyone.get(&format!("{EVENT_TYPES}/{name}")).await.expect(200);
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert!(jsonschema::meta::is_valid(&schema), "{name}");
        assert_eq!(schema["properties"]["type"], json!({"const": name}));
        // It is complete in itself, and has nothing to spare.
        let text = schema.to_string();
        assert!(!text.contains("#/components/"), "{name}");
        let defined: BTreeSet<_> = schema["$defs"].as_object().unwrap().keys().cloned().collect();
        let mut referred = BTreeSet::new();
        references(&schema, &mut referred);
        assert_eq!(referred, defined, "{name}");
    }
    for unknown in ["loadmaster.booking.booked.v2", "booking.booked", "x"] {
        anyone.get(&format!("{EVENT_TYPES}/{unknown}")).await.expect_problem(404, "not_found");
    }
}

fn references(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(target) = members.get("$ref").and_then(Value::as_str) {
                found.insert(target.strip_prefix("#/$defs/").expect("a definition").to_owned());
            }
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn the_repositorys_events_json_is_what_the_code_says() {
    let file = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/events.json")).unwrap();
    let code = serde_json::to_string_pretty(&event_schemas()).unwrap();
    assert!(file.trim_end() == code, "events.json is stale; make it anew by `just events`");
}

#[test]
fn a_change_that_consumers_would_notice_is_refused() {
    let committed = || -> BTreeMap<String, Value> {
        let file = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/events.json")).unwrap();
        serde_json::from_str(&file).unwrap()
    };
    assert_eq!(broken_event_types(&committed()), [""; 0]);
    let name = "loadmaster.booking.departed.v1";
    // As if an earlier version had had a member more, and had not required one.
    let mut earlier = committed();
    earlier.get_mut(name).unwrap()["$defs"]["BookingMessage"]["properties"]["gone"] = json!({"type": "string"});
    assert_eq!(broken_event_types(&earlier), [format!("{name}: /data/gone is gone")]);
    let mut earlier = committed();
    let required = &mut earlier.get_mut(name).unwrap()["$defs"]["BookingMessage"]["required"];
    required.as_array_mut().unwrap().retain(|member| member != "status");
    assert_eq!(broken_event_types(&earlier), [format!("{name}: /data/status is required now")]);
    let mut earlier = committed();
    earlier.insert("loadmaster.booking.teleported.v1".to_owned(), json!({}));
    assert_eq!(broken_event_types(&earlier), ["loadmaster.booking.teleported.v1 is gone"]);
    // As if it had lacked an optional one, or a type.
    let mut earlier = committed();
    earlier.get_mut("loadmaster.flight.created.v1").unwrap()["$defs"]["FlightMessage"]["properties"]
        .as_object_mut()
        .unwrap()
        .remove("overbooking")
        .expect("it is optional");
    earlier.remove(name);
    assert_eq!(broken_event_types(&earlier), [""; 0]);
}

#[test]
fn what_is_delivered_again_is_as_the_schema_says() {
    let message = json!({
        "specversion": "1.0", "id": "019a9f3e-6c1a-7d20-9d5b-3f6f0a5a1b2c-1", "source": "/loadmaster/0123456789abcdef",
        "type": "loadmaster.sale_limit.reached.v1", "subject": "019a9f3e-6c1a-7d20-9d5b-3f6f0a5a1b2c",
        "time": "2026-11-20T08:30:00Z", "datacontenttype": "application/json", "sequence": "1", "replayed": true,
        "data": {"sale_id": "019a9f3e-6c1a-7d20-9d5b-3f6f0a5a1b2c"},
    });
    assert_eq!(faults(&message), [""; 0]);
}
