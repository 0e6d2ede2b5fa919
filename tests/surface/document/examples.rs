//! The examples of the description: what is sent on the journey, and what is answered.
use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, FixedOffset, SecondsFormat, Timelike};
use loadmaster_testkit::Answer;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{operations, schema::Checker};

/// The examples of operations.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/app/document/examples.json");
/// With this variable the examples are written anew, instead of compared.
const WRITE: &str = "WRITE_EXAMPLES";
/// Most entries of a list, and most lines of a table, in an example of a response.
const ENTRIES: usize = 2;
const LINES: usize = 3;
/// Media types of responses whose text is an example; pages, metrics and streams are none.
const SHOWN: [&str; 2] = ["application/json", "text/csv"];

/// What was sent and answered, the fullest of each operation.
#[derive(Default)]
pub struct Examples(BTreeMap<String, Example>);

#[derive(Default)]
struct Example {
    request: Option<Value>,
    responses: BTreeMap<String, Value>,
}

impl Examples {
    pub fn note(&mut self, operation: &Value, request: Option<&Value>, answer: &Answer) {
        let id = operation["operationId"].as_str().expect("an id").to_owned();
        let media_type = answer.header("content-type").and_then(|kind| kind.split(';').next().map(str::trim));
        let response = match media_type {
            Some("application/json") => Some(short(&answer.body)),
            Some("text/csv") => Some(Value::String(lines(&answer.text))),
            _ => None,
        };
        let known = self.0.entry(id).or_default();
        // The request of the example is the one that its response answers.
        let is_fuller = members(request) > members(known.request.as_ref());
        if is_fuller {
            known.request = request.cloned();
        }
        if let Some(response) = response {
            let status = answer.status.as_str().to_owned();
            if is_fuller || !known.responses.contains_key(&status) {
                known.responses.insert(status, response);
            }
        }
    }

    /// Compares them with those of the description.
    pub fn compare_or_write(self, document: &Value) {
        let found: BTreeMap<String, Value> =
            self.0.into_iter().map(|(id, example)| (id, plain(&example.into_value()))).collect();
        let Some(written) = written(FILE, &found) else { return };
        let mut faults = Vec::new();
        for (id, example) in &found {
            let known = written.get(id).unwrap_or(&Value::Null);
            if example["request"] != known["request"] && !is_like(&known["request"], &example["request"], true) {
                faults.push(format!("{id} is sent {}, and its example is {}", example["request"], known["request"]));
            }
            if !is_like(&known["responses"], &example["responses"], false) {
                faults
                    .push(format!("{id} answers {}, and its example is {}", example["responses"], known["responses"]));
            }
        }
        assert!(written.keys().eq(found.keys()), "the journey and the examples have the same operations");
        assert!(faults.is_empty(), "make them anew with {WRITE}=1:\n{}", faults.join("\n"));
        for operation in operations(document) {
            let Some(example) = written.get(operation.body["operationId"].as_str().unwrap()) else { continue };
            for (status, body) in example["responses"].as_object().unwrap() {
                let content = &operation.body["responses"][status]["content"];
                let media_type = SHOWN.iter().find(|kind| content[**kind]["example"] == *body);
                assert!(media_type.is_some(), "{} shows its example of {status}", operation.name());
                let mut checker = Checker::new(document);
                if !body.is_string() {
                    checker.check(&content["application/json"]["schema"], body, "");
                }
                assert!(checker.faults.is_empty(), "{}: {:?}", operation.name(), checker.faults);
            }
        }
    }
}

/// The examples in a file; `None` after writing them anew.
pub fn written(file: &str, found: &BTreeMap<String, Value>) -> Option<BTreeMap<String, Value>> {
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(file, serde_json::to_string_pretty(found).unwrap() + "\n").unwrap();
        return None;
    }
    Some(serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap())
}

impl Example {
    fn into_value(self) -> Value {
        let mut value = Map::new();
        if let Some(request) = self.request {
            value.insert("request".to_owned(), request);
        }
        value.insert("responses".to_owned(), json!(self.responses));
        Value::Object(value)
    }
}

/// The number of members with a value, at all levels.
fn members(value: Option<&Value>) -> usize {
    match value {
        Some(Value::Object(members_of)) => {
            1 + members_of.values().map(|value| members(Some(value)).max(1)).sum::<usize>()
        }
        Some(Value::Array(entries)) => entries.iter().map(|entry| members(Some(entry)).max(1)).sum(),
        Some(Value::String(_)) => 1,
        _ => 0,
    }
}

/// The first entries of each list.
fn short(value: &Value) -> Value {
    match value {
        Value::Array(entries) => entries.iter().take(ENTRIES).map(short).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), short(value))).collect(),
        other => other.clone(),
    }
}

fn lines(table: &str) -> String {
    table.split_inclusive('\n').take(LINES).collect()
}

fn is_id(text: &str) -> bool {
    text.parse::<Uuid>().is_ok()
}

fn time(text: &str) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc3339(text).ok()
}

fn is_session_token(text: &str) -> bool {
    text.starts_with("ey") && text.split('.').count() == 3
}

fn is_reference(text: &str) -> bool {
    text.strip_prefix("ACB").is_some_and(|digits| digits.len() >= 5 && digits.chars().all(|it| it.is_ascii_digit()))
}

/// An example as it is written: ids that are easy to tell apart, full seconds, and no token of a session.
pub fn plain(value: &Value) -> Value {
    let mut ids = HashMap::new();
    plain_within(value, &mut ids)
}

fn plain_within(value: &Value, ids: &mut HashMap<String, String>) -> Value {
    match value {
        Value::String(text) if is_session_token(text) => json!("eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl"),
        Value::String(text) if is_id(text) => {
            let next = ids.len() + 1;
            json!(ids.entry(text.clone()).or_insert_with(|| format!("019aa000-0000-7000-8000-{next:012}")))
        }
        Value::String(text) => match time(text) {
            // Its offset stays as it is.
            Some(time) if text.contains('.') => {
                let whole = time.with_nanosecond(0).expect("a full second");
                json!(whole.to_rfc3339_opts(SecondsFormat::Secs, text.ends_with('Z')))
            }
            _ => value.clone(),
        },
        Value::Array(entries) => entries.iter().map(|entry| plain_within(entry, ids)).collect(),
        Value::Object(members) => {
            let named = |text: &str, ids: &mut _| plain_within(&json!(text), ids).as_str().unwrap().to_owned();
            members.iter().map(|(name, value)| (named(name, ids), plain_within(value, ids))).collect()
        }
        other => other.clone(),
    }
}

/// Whether what was found is like the example. A request is the same but for ids, references, times and tokens; a response
/// has the same members, of the same types, `null` aside.
pub fn is_like(example: &Value, found: &Value, exactly: bool) -> bool {
    match (example, found) {
        (Value::Object(example), Value::Object(found)) => {
            example.len() == found.len()
                && example.iter().zip(found).all(|((name, value), (other_name, other))| {
                    // What a message tells depends on what it is about.
                    (name == other_name || is_id(name)) && (name == "data" || is_like(value, other, exactly))
                })
        }
        (Value::Array(example), Value::Array(found)) => {
            (!exactly || example.len() == found.len())
                && example.iter().zip(found).all(|(value, other)| is_like(value, other, exactly))
        }
        (Value::String(example), Value::String(found)) => !exactly || kind(example) == kind(found),
        (Value::Null, _) | (_, Value::Null) => !exactly || example == found,
        _ if exactly => example == found,
        _ => std::mem::discriminant(example) == std::mem::discriminant(found),
    }
}

/// The text, or what it is if it differs each time.
fn kind(text: &str) -> &str {
    match text {
        text if is_id(text) => "an id",
        text if time(text).is_some() => "a time",
        text if is_reference(text) => "a reference",
        text if is_secret(text) => "a token",
        text => text,
    }
}

/// Whether it looks like a token or a code that the server made.
fn is_secret(text: &str) -> bool {
    let is_code = text.len() == 6 && text.chars().all(|digit| digit.is_ascii_digit());
    is_code || (text.len() >= 20 && !text.contains(' ') && text.chars().any(|letter| letter.is_ascii_uppercase()))
}
