//! Nothing documented is untried: after all other tests `./test` compares what they sent and received with `openapi.json`.
//! Every member of every request was in a call that succeeded, every problem code of every operation was met, and every
//! member of every answer was seen with a value and, where it may be null, null. Exceptions are in `untried.txt`, each with
//! its reason; that list only shrinks. And every message that any of them made is as its schema says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]
#[path = "untried/description.rs"]
mod description;
#[path = "untried/record.rs"]
mod record;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use description::Description;
use loadmaster_testkit::told::kept_faults;
use record::{Calls, add, read, seen};
use serde_json::{Value, json};

fn text(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("a file")
}

#[test]
#[ignore = "./test runs it after all other tests"]
fn nothing_documented_is_untried() {
    let directory = std::env::var_os("LOADMASTER_TEST_RECORD").expect("the directory of a record; run ./test");
    let document = serde_json::from_str(&text("openapi.json")).unwrap();
    let description = Description::of(&document);
    let calls = read(&PathBuf::from(directory));
    let faults = faults(&description, &calls, &text("tests/untried.txt"));
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
#[ignore = "./test runs it after all other tests"]
fn every_message_is_as_its_schema_says() {
    let directory = std::env::var_os("LOADMASTER_TEST_MESSAGES").expect("the directory of messages; run ./test");
    let (count, faults) = kept_faults(Path::new(&directory));
    assert!(count > 1000, "only {count} messages were kept");
    assert!(faults.is_empty(), "of {count} messages:\n{}", faults.join("\n"));
}

/// What was not tried and is no exception, and what is wrong with the exceptions.
fn faults(description: &Description<'_>, calls: &Calls, exceptions: &str) -> Vec<String> {
    let documented = &description.facts;
    let seen = seen(calls, description);
    let lines: Vec<_> = exceptions.lines().collect();
    let reasons: BTreeMap<_, _> = lines.iter().map(|line| line.split_once("  # ").unwrap_or((line, ""))).collect();
    let mut faults = Vec::new();
    if !lines.is_sorted() || reasons.len() < lines.len() {
        faults.push("the exceptions are not sorted, or one is there twice".to_owned());
    }
    for (fact, reason) in &reasons {
        if !documented.contains(*fact) {
            faults.push(format!("the exception is not documented: {fact}"));
        } else if seen.contains(*fact) {
            faults.push(format!("the exception was tried, remove it: {fact}"));
        } else if reason.len() < 10 {
            faults.push(format!("the exception has no reason: {fact}"));
        }
    }
    let is_untried = |fact: &str| documented.contains(fact) && !seen.contains(fact);
    // What lies within a member that never had a value goes without saying.
    let is_first = |fact: &str| !within(fact).is_some_and(is_untried);
    let untried =
        documented.iter().filter(|fact| is_untried(fact) && is_first(fact) && !reasons.contains_key(fact.as_str()));
    faults.extend(untried.map(|fact| format!("untried: {fact}")));
    faults
}

/// The member within which this one lies.
fn within(fact: &str) -> Option<&str> {
    let (holder, _) = fact.strip_suffix(" null").unwrap_or(fact).rsplit_once('/')?;
    (holder.contains(" sent /") || holder.contains(" got /")).then_some(holder)
}

/// A description of holds and receipts: with a map, members that may be null, and problems.
fn small() -> Value {
    let content =
        |name: &str| json!({"application/json": {"schema": {"$ref": format!("#/components/schemas/{name}")}}});
    json!({
        "paths": {
            "/holds": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {
                "type": "array", "items": {"$ref": "#/components/schemas/Hold"},
            }}}}}}, "post": {
                "parameters": [{"in": "header", "name": "If-Match"}, {"in": "query", "name": "dry_run"}],
                "requestBody": {"content": content("Wish")},
                "responses": {
                    "201": {"description": "The hold.", "content": content("Hold")},
                    "409": {"description": "`hold_expired`: It has ended. `in_use`: It is in use."},
                },
            }},
            "/holds/{id}": {"patch": {
                "requestBody": {"content": content("Wish")},
                "responses": {"200": {"content": content("Receipt")}},
            }},
            "/holds/all": {"delete": {"responses": {"204": {}}}},
        },
        "components": {"schemas": {
            "ProblemBody": {"properties": {"code": {"type": "string"}}},
            "Receipt": {"properties": {"paid": {"type": ["string", "null"]}}},
            "Names": {"additionalProperties": {"type": "array", "items": {"type": "string"}}},
            "Wish": {"properties": {"names": {"$ref": "#/components/schemas/Names"}, "note": {"type": ["string", "null"]}}},
            "Hold": {"allOf": [{"properties": {"id": {"type": "string"}}}, {"properties": {
                "price": {"oneOf": [{"properties": {"amount": {"type": "string"}}}, {"type": "null"}]},
                "within": {"type": "array", "items": {"$ref": "#/components/schemas/Hold"}},
            }}]},
        }},
    })
}

/// All that there is to try.
const WHOLE: &str = "\
GET /holds 200 -\tgot application/json\tgot /-\tgot /-/id\tgot /-/price\tgot /-/price null\tgot /-/within\tgot /-/within/-
GET /holds 200 -\tgot /-/price/amount
POST /holds 201 -\tsent application/json\tsent @if-match\tsent ?dry_run\tsent /names\tsent /names/a~1b/-\tsent /names/a~1b
POST /holds 201 -\tsent /note\tgot application/json\tgot /id
POST /holds 409 in_use\tgot /code
POST /holds 409 hold_expired\tgot /code
PATCH /holds/{} 200 -\tsent application/json\tsent /names\tsent /names/c\tsent /names/c/-\tsent /note\tsent /note null
PATCH /holds/{} 200 -\tgot application/json\tgot /paid\tgot /paid null
DELETE /holds/all 204 -\t
";

fn faults_of(record: &str, exceptions: &str) -> Vec<String> {
    let mut calls = Calls::new();
    add(&mut calls, record);
    faults(&Description::of(&small()), &calls, exceptions)
}

#[test]
fn a_record_of_everything_has_no_fault() {
    assert_eq!(faults_of(WHOLE, ""), Vec::<String>::new());
}

#[test]
fn each_omission_is_found() {
    for (kept_out, fact) in [
        ("\tsent /note null", "PATCH /holds/{id} sent /note null"),
        ("\tsent /names/c/-", "PATCH /holds/{id} sent /names/*/-"),
        ("\tsent @if-match", "POST /holds sent @if-match"),
        ("\tsent ?dry_run", "POST /holds sent ?dry_run"),
        ("\tgot /paid null", "Receipt got /paid null"),
        ("POST /holds 409 in_use\tgot /code\n", "POST /holds 409 in_use"),
        ("DELETE /holds/all 204 -\t\n", "DELETE /holds/all 204"),
        // Of what is untried together with all that lies within it, the outermost is told.
        ("\tsent /names\tsent /names/a~1b/-\tsent /names/a~1b", "POST /holds sent /names"),
    ] {
        assert!(WHOLE.contains(kept_out), "{kept_out}");
        let record = WHOLE.replacen(kept_out, "", 1);
        assert_eq!(faults_of(&record, ""), [format!("untried: {fact}")]);
        assert_eq!(faults_of(&record, &format!("{fact}  # cannot be provoked")), Vec::<String>::new());
    }
}

/// A list that lacks what the thing itself shows has a statement of its own: each read counts by itself.
#[test]
fn a_member_that_one_read_does_not_show_is_found() {
    let record = WHOLE.replacen("\tgot /-/price null", "", 1);
    let record = format!("{record}POST /holds 201 -\tgot /price\tgot /price null\tgot /price/amount\n");
    assert_eq!(faults_of(&record, ""), ["untried: GET /holds 200 got /-/price null"]);
}

/// A member of a request that only refused calls had is untried: `Sent::answered` keeps none of them. Here the same name
/// stands in the answer.
#[test]
fn what_was_answered_was_not_sent() {
    let record = WHOLE.replacen("POST /holds 201 -\tsent /note", "POST /holds 201 -\tgot /note", 1);
    assert_eq!(faults_of(&record, ""), ["untried: POST /holds sent /note"]);
}

#[test]
fn the_list_of_exceptions_only_shrinks() {
    let fact = "POST /holds 409 in_use";
    assert_eq!(
        faults_of(WHOLE, &format!("{fact}  # cannot be provoked")),
        [format!("the exception was tried, remove it: {fact}")]
    );
    let record = WHOLE.replacen("POST /holds 409 in_use\tgot /code\n", "", 1);
    assert_eq!(faults_of(&record, fact), [format!("the exception has no reason: {fact}")]);
    let unknown = "POST /holds 409 gone";
    let faults = faults_of(WHOLE, &format!("{unknown}  # cannot be provoked"));
    assert_eq!(faults, [format!("the exception is not documented: {unknown}")]);
    let reason = "  # cannot be provoked";
    let record = record.replacen("DELETE /holds/all 204 -\t\n", "", 1);
    let faults = faults_of(&record, &format!("{fact}{reason}\nDELETE /holds/all 204{reason}"));
    assert_eq!(faults, ["the exceptions are not sorted, or one is there twice"]);
}

#[test]
fn the_description_is_read_to_its_depth() {
    let document: Value = serde_json::from_str(&text("openapi.json")).unwrap();
    let facts = Description::of(&document).facts;
    for fact in [
        "POST /api/v1/bookings sent /position_names/*/-",
        "POST /api/v1/bookings sent /shipper/name",
        "POST /api/v1/bookings sent @idempotency-key",
        "POST /api/v1/bookings 409 capacity_exceeded",
        "GET /api/v1/bookings 200 got /-/awb_number null",
        "Leg got /offload_reason null",
        "InputFault got /pointer null",
    ] {
        assert!(facts.contains(fact), "{fact}");
    }
    assert!(facts.len() > 5_000, "{}", facts.len());
}
