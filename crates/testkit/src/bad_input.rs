//! Faults of requests, one at a time.
use serde_json::{Value, json};

use crate::{Client, World};

/// A member, what is sent for it, and the fault that this is: its pointer below the member, its code.
pub type Case = (&'static str, Value, &'static str);

/// Sends each case on its own and expects exactly its one fault at the member (or, after a `|`, at another pointer).
pub async fn each_alone(world: &World, client: &Client, path: &str, base: &Value, cases: Vec<Case>) {
    let before = world.written().await;
    for (place, value, code) in cases {
        let (member, pointer) = place
            .split_once('|')
            .map_or_else(|| (place, format!("/{place}")), |(member, pointer)| (member, pointer.to_owned()));
        let mut body = base.clone();
        body[member] = value;
        let told = format!("{path} with {body}");
        let answer = client.post(path, body).await;
        assert_eq!(answer.body["errors"][0]["in"], "body", "{told}: {}", answer.text);
        assert_eq!(answer.body["errors"][0]["name"], Value::Null, "{told}");
        assert_eq!(answer.expect_faults(), [(pointer, code.to_owned())], "{told}");
    }
    assert_eq!(world.written().await, before, "something was written");
}

/// A text of so many characters, of which each is two bytes.
pub fn long(characters: usize) -> Value {
    Value::String("é".repeat(characters))
}

/// Every kind of value but the one that a member takes.
pub fn not_a(kind: &str) -> Vec<Value> {
    let all = [
        ("text", json!("DEL")),
        ("number", json!(5)),
        ("boolean", json!(true)),
        ("list", json!(["DEL"])),
        ("object", json!({"name": "DEL"})),
    ];
    all.into_iter().filter(|(name, _)| *name != kind).map(|(_, value)| value).collect()
}
