//! A checker of values against the document's schemas, as large as these schemas need it.
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What the schemas say about values; collects what does not fit.
pub struct Checker<'a> {
    document: &'a Value,
    pub faults: Vec<String>,
}

impl<'a> Checker<'a> {
    pub fn new(document: &'a Value) -> Self {
        Self { document, faults: Vec::new() }
    }

    /// The schema itself, whether it is written here or named.
    pub fn resolve(&self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(reference) => self.resolve(self.document.pointer(&reference[1..]).expect("a schema")),
            None => schema,
        }
    }

    /// The members of an object, those of all its parts.
    pub fn members(&self, schema: &'a Value) -> BTreeMap<&'a str, &'a Value> {
        let schema = self.resolve(schema);
        let mut members = BTreeMap::new();
        for part in schema["allOf"].as_array().into_iter().flatten().chain([schema]) {
            let part = self.resolve(part);
            let properties = part["properties"].as_object().into_iter().flatten();
            members.extend(properties.map(|(name, schema)| (name.as_str(), schema)));
        }
        members
    }

    pub fn required(&self, schema: &'a Value) -> BTreeSet<&'a str> {
        let schema = self.resolve(schema);
        let parts = schema["allOf"].as_array().into_iter().flatten().chain([schema]);
        let lists = parts.flat_map(|part| self.resolve(part)["required"].as_array().into_iter().flatten());
        lists.filter_map(Value::as_str).collect()
    }

    pub fn check(&mut self, schema: &'a Value, value: &Value, at: &str) {
        let schema = self.resolve(schema);
        if let Some(choices) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
            let fits = |choice: &'a Value| {
                let mut attempt = Checker::new(self.document);
                attempt.check(choice, value, at);
                attempt.faults
            };
            let attempts: Vec<_> = choices.iter().map(fits).collect();
            if attempts.iter().all(|faults| !faults.is_empty()) {
                self.faults.extend(attempts.into_iter().flatten());
            }
            return;
        }
        self.check_type(schema, value, at);
        match value {
            Value::Object(_) => self.check_object(schema, value, at),
            Value::Array(items) => {
                items
                    .iter()
                    .enumerate()
                    .for_each(|(index, item)| self.check(&schema["items"], item, &format!("{at}/{index}")));
            }
            Value::String(text) => self.check_text(schema, text, at),
            _ => {}
        }
    }

    fn check_type(&mut self, schema: &Value, value: &Value, at: &str) {
        let is = |kind: &Value| match kind.as_str().expect("a type") {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            other => panic!("{other} is no type"),
        };
        let fits = match &schema["type"] {
            Value::Array(kinds) => kinds.iter().any(is),
            // An object of several parts.
            Value::Null => schema["allOf"].is_array() && value.is_object(),
            kind => is(kind),
        };
        if !fits {
            self.faults.push(format!("{at} is {value}, not {}", schema["type"]));
        }
    }

    /// Exactly the documented members; those that are not required may be absent.
    fn check_object(&mut self, schema: &'a Value, value: &Value, at: &str) {
        let (members, required) = (self.members(schema), self.required(schema));
        let object = value.as_object().unwrap();
        for (name, value) in object {
            match members.get(name.as_str()) {
                Some(schema) => self.check(schema, value, &format!("{at}/{name}")),
                // Of which no member is named, or which says that there are more, anything may be in it.
                None if members.is_empty() || schema["additionalProperties"].is_object() => {}
                None => self.faults.push(format!("{at}/{name} is not documented")),
            }
        }
        for name in required.iter().filter(|name| !object.contains_key(**name)) {
            self.faults.push(format!("{at}/{name} is missing"));
        }
        for name in members.keys().filter(|name| object.contains_key(**name) && !required.contains(*name)) {
            // Answers say null, not nothing; but for what is asked for, a guest's claim, a token that is in a cookie
            // instead, what a problem has by its code, and parties, which requests share.
            let is_of_prices = ["price", "per_kg", "is_cheapest", "apart", "saving"].contains(name)
                && (["is_cheapest", "saving"].iter().any(|it| object.contains_key(*it)) || at.contains("/ways/"));
            if !["events", "changes", "claim", "refresh_token", "errors"].contains(name)
                && !is_of_prices
                && !at.ends_with("/shipper")
                && !at.ends_with("/consignee")
            {
                self.faults.push(format!("{at}/{name} is there but not documented as required"));
            }
        }
    }

    fn check_text(&mut self, schema: &Value, text: &str, at: &str) {
        let words = schema["enum"].as_array().or(schema["x-extensible-enum"].as_array());
        let fits = match schema["format"].as_str() {
            Some("date-time") => chrono::DateTime::parse_from_rfc3339(text).is_ok(),
            Some("date") => text.parse::<chrono::NaiveDate>().is_ok(),
            Some("uuid") => text.parse::<uuid::Uuid>().is_ok(),
            _ => true,
        };
        if !fits || words.is_some_and(|words| !words.contains(&text.into())) {
            self.faults.push(format!("{at} is {text:?}, not {schema}"));
        }
    }
}

#[test]
fn the_checker_finds_what_does_not_fit() {
    let document = serde_json::json!({"components": {"schemas": {"Leg": {
        "type": "object", "required": ["id", "status", "note"],
        "properties": {"id": {"type": "string", "format": "uuid"}, "status": {"type": "string", "enum": ["BOOKED"]},
                       "note": {"oneOf": [{"type": "string"}, {"type": "null"}]}}}}}});
    let list = serde_json::json!({"type": "array", "items": {"$ref": "#/components/schemas/Leg"}});
    let id = "019a0000-0000-7000-8000-000000000000";
    for (value, faults) in [
        (serde_json::json!([{"id": id, "status": "BOOKED", "note": null}]), 0),
        (serde_json::json!([{"id": "no id", "status": "LOST", "note": "x"}]), 2),
        (serde_json::json!([{"id": id, "status": "BOOKED"}]), 1),
        (serde_json::json!([{"id": id, "status": "BOOKED", "note": null, "extra": 1}]), 1),
        (serde_json::json!([{"id": id, "status": null, "note": 7}]), 3),
        (serde_json::json!({}), 1),
    ] {
        let mut checker = Checker::new(&document);
        checker.check(&list, &value, "");
        assert_eq!(checker.faults.len(), faults, "{value}: {:?}", checker.faults);
    }
}
