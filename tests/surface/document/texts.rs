//! Whoever reads only the description finds in it what each thing means.
use serde_json::Value;

use super::{document, operations};

/// Whether a schema, or what it refers to, says what it is. A list says so itself: what an entry is does not tell which are in it.
fn is_described(schema: &Value, document: &Value) -> bool {
    let named = schema["$ref"].as_str().and_then(|reference| document.pointer(&reference[1..]));
    schema["description"].as_str().is_some_and(|text| !text.is_empty())
        || named.is_some_and(|named| is_described(named, document))
        || ["oneOf", "anyOf", "allOf"].iter().any(|word| {
            schema[word].as_array().is_some_and(|shapes| shapes.iter().any(|shape| is_described(shape, document)))
        })
}

#[test]
fn every_schema_member_and_parameter_says_what_it_is() {
    let document = document();
    let mut silent = Vec::new();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        if !is_described(schema, &document) {
            silent.push(name.clone());
        }
        for (member, schema) in schema["properties"].as_object().into_iter().flatten() {
            if !is_described(schema, &document) {
                silent.push(format!("{name}.{member}"));
            }
        }
    }
    for operation in operations(&document) {
        for parameter in operation.body["parameters"].as_array().into_iter().flatten() {
            if !is_described(parameter, &document) {
                silent.push(format!("{} {}", operation.name(), parameter["name"]));
            }
        }
    }
    assert!(silent.is_empty(), "{silent:#?}");
}
