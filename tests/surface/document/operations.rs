use std::collections::BTreeSet;

use serde_json::Value;

use super::{document, operations};
use crate::problems::Provoked;

#[test]
fn the_repositorys_openapi_json_is_what_the_code_says() {
    let file = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json")).unwrap();
    let code = loadmaster::app::openapi().to_pretty_json().unwrap();
    assert!(file.trim_end() == code, "openapi.json is stale; make it anew by `cargo run -- openapi > openapi.json`");
}

/// Every `$ref` below this value.
fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn booking_an_offer_lists_the_conflicts_of_committing_a_hold() {
    let document = document();
    let conflicts =
        |path: &str| document["paths"][path]["post"]["responses"]["409"]["description"].as_str().unwrap().to_owned();
    assert_eq!(conflicts("/api/v1/waitlist/{id}/book"), conflicts("/api/v1/holds/{id}/commit"));
}

#[test]
fn it_is_openapi_3_1_and_complete_in_itself() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for reference in &found {
        let pointer = reference.strip_prefix('#').expect("nothing lies elsewhere");
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        let reference = format!("#/components/schemas/{name}");
        assert!(found.contains(reference.as_str()), "nobody uses {name}");
    }
}

#[test]
fn every_operation_has_a_name_of_its_own_a_summary_and_a_described_tag() {
    let document = document();
    let tags: BTreeSet<_> =
        document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).map(Value::as_str).collect();
    let mut names = BTreeSet::new();
    for operation in operations(&document) {
        let told = operation.name();
        let id = operation.body["operationId"].as_str().expect("an operationId");
        assert!(names.insert(id), "{told}: {id} is there twice");
        assert!(operation.body["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{told}: summary");
        let given = operation.body["tags"].as_array().expect("tags");
        assert!(given.len() == 1 && tags.contains(&given[0].as_str()), "{told}: {given:?}");
        let in_path: BTreeSet<_> =
            operation.path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
        assert_eq!(
            operation.parameters("path").into_iter().collect::<BTreeSet<_>>(),
            in_path,
            "{told}: path parameters"
        );
    }
}

/// The credentials are the request: a bad `Authorization` is not looked at.
const CREDENTIALS: [&str; 9] = [
    "/api/v1/auth/register",
    "/api/v1/auth/login",
    "/api/v1/auth/token",
    "/api/v1/auth/refresh",
    "/api/v1/auth/logout",
    "/api/v1/auth/guest",
    "/api/v1/auth/email/verify",
    "/api/v1/auth/password/forgot",
    "/api/v1/auth/password/reset",
];
/// These answer for themselves, whatever is behind.
const SELF_SUFFICIENT: [&str; 4] =
    ["/api/v1/info", "/api/v1/health", "/api/v1/event-types", "/api/v1/event-types/{type}"];

/// Each role may call these; `roles.rs` asks them all.
const OF_EACH_ROLE: [&str; 25] = [
    "GET /api/v1/bookings",
    "GET /api/v1/bookings/export",
    "GET /api/v1/bookings/{ref_id}",
    "GET /api/v1/bookings/{ref_id}/cancellation",
    "GET /api/v1/bookings/{ref_id}/history",
    "GET /api/v1/bookings/{ref_id}/payments",
    "GET /api/v1/bookings/{ref_id}/status",
    "GET /api/v1/bookings/{ref_id}/stream",
    "GET /api/v1/holds",
    "GET /api/v1/holds/{id}",
    "DELETE /api/v1/holds/{id}",
    "PATCH /api/v1/holds/{id}",
    "GET /api/v1/payments",
    "GET /api/v1/payments/{id}",
    "GET /api/v1/quotes",
    "GET /api/v1/quotes/{id}",
    "POST /api/v1/bookings/{ref_id}/payments",
    "POST /api/v1/holds",
    "POST /api/v1/holds/{id}/commit",
    "POST /api/v1/holds/{id}/extend",
    "POST /api/v1/holds/{id}/release",
    "POST /api/v1/quotes",
    "POST /api/v1/stream-tickets",
    "POST /api/v1/test-payments/{reference}/confirm",
    "POST /api/v1/test-payments/{reference}/fail",
];

#[test]
fn every_operation_lists_the_statuses_that_its_shape_can_meet() {
    let document = document();
    for operation in operations(&document) {
        let told = operation.name();
        let responses = operation.body["responses"].as_object().unwrap();
        let is_api = operation.path.starts_with("/api/v1/") && !SELF_SUFFICIENT.contains(&operation.path);
        let is_token = operation.path == "/api/v1/auth/token";
        let takes_body = operation.body["requestBody"].is_object();
        let is_restricted = !operation.body["security"].as_array().expect("each says what it asks for").is_empty();
        let needs = [
            (is_api && !CREDENTIALS.contains(&operation.path), "401"),
            (is_restricted && !OF_EACH_ROLE.contains(&told.as_str()), "403"),
            (!operation.parameters("path").is_empty(), "404"),
            (takes_body || !operation.parameters("query").is_empty(), "400"),
            (takes_body, "413"),
            (takes_body && !is_token, "415"),
            (operation.parameters("header").contains(&"If-Match"), "412"),
            (operation.parameters("header").contains(&"If-None-Match"), "304"),
            (is_api, "500"),
            (is_api, "503"),
            (is_api, "504"),
        ];
        for (needed, status) in needs {
            assert!(!needed || responses.contains_key(status), "{told} does not tell of {status}");
        }
        assert!(operation.body["description"].as_str().is_some_and(|text| !text.is_empty()), "{told}: description");
        for (status, response) in responses {
            assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{told}: {status}");
        }
        for (status, response) in responses.iter().filter(|(status, _)| status.starts_with(['4', '5'])) {
            let is_page = response["content"]["text/html"].is_object();
            let is_own = (is_token && status == "400") || operation.path.ends_with("/health") || is_page;
            let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
            assert!(is_own || schema == "#/components/schemas/ProblemBody", "{told}: {status} is no problem");
        }
    }
}

/// Every problem that an operation was seen to answer is listed there.
pub fn assert_listed(problems: &[Provoked]) {
    let document = document();
    for met in problems {
        // No operation has the method that an address does not take.
        let Some(operation) = document["paths"][met.template].get(met.method.to_lowercase()) else {
            assert_eq!(met.code, "method_not_allowed");
            continue;
        };
        let responses = operation["responses"].as_object().unwrap().values();
        let word = format!("`{}`", met.code);
        let listed = responses.filter_map(|response| response["description"].as_str()).any(|text| text.contains(&word));
        assert!(listed, "{} {} does not list {word}", met.method, met.template);
    }
}
