//! Faults of requests, one at a time.
use serde_json::{Value, json};

use crate::{Client, World, freight::raw};

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

/// Numbers of freight that are out of range, too precise, or no numbers.
pub fn of_numbers() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for (member, most, step) in [
        ("weight_kg", "10000000", "0.05"),
        ("volume_m3", "10000000", "0.0005"),
        ("pieces", "100000", "1.5"),
        ("positions", "10000", "0.5"),
    ] {
        let smallest =
            if member == "positions" { vec!["-1", "-1e400"] } else { vec!["0", "-1", "-0.0", "0e5", "-1e400"] };
        cases.extend(smallest.iter().map(|text| (member, raw(text), "too_small")));
        for text in [most, "1e400", "1e99999999999999999999", "99999999999999999999999999"] {
            cases.push((member, raw(text), "too_large"));
        }
        for text in [step, "1e-400", "1.00000000000000000001"] {
            cases.push((member, raw(text), "too_precise"));
        }
        cases.push((member, json!("100"), "wrong_type"));
    }
    cases
}

/// Texts of freight that are empty, too long, or have control characters.
pub fn of_texts() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for (member, most) in [("description", 2000), ("customer_reference", 500)] {
        cases.push((member, json!(""), "too_short"));
        cases.push((member, json!(" \t "), "too_short"));
        cases.push((member, long(most + 1), "too_long"));
        for control in ["\u{0}", "\u{1}", "\u{7f}", "\u{85}", "\u{1b}[31m"] {
            cases.push((member, json!(format!("a{control}b")), "invalid_format"));
        }
    }
    // Lines are for prose.
    cases.push(("customer_reference", json!("two\nlines"), "invalid_format"));
    cases.push(("customer_reference", json!("a\ttab"), "invalid_format"));
    cases
}
