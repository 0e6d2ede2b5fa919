//! Bodies: any JSON text, read with a reader of each kind, and compared with what `serde_json` reads.
use std::collections::HashSet;

use axum::{
    extract::{FromRequest, Request},
    http::{Method, header},
};
use futures_util::FutureExt;
use loadmaster_kernel::{AirportCode, AwbNumber, BookingRef, Fault, FlightId, FlightNumber, HandlingCode};
use loadmaster_platform::{
    json::{self, JsonError},
    web::{Body, Fields, Form, Raw, list, object, objects, read, set},
};
use serde_json::Value;

pub fn check(data: &[u8]) {
    match super::same(|| json::parse(data)) {
        Ok(value) => {
            let depth = depth(&value);
            assert!(depth <= json::DEEPEST, "{depth} levels were read");
            read_by_serde_json(data, &value, depth);
            let again = serde_json::to_vec(&value).expect("a tree can be written");
            assert_eq!(json::parse(&again), Ok(value), "what was read and written is read again");
        }
        Err(JsonError::Malformed { .. }) => refused_by_serde_json(data),
        Err(JsonError::TooDeep) => {}
    }
    for content_type in ["application/json", "application/merge-patch+json", "text/csv; header=present"] {
        as_body(data, content_type);
    }
    as_form(data);
}

/// The name that both names with a meaning for `serde_json` begin with.
const PRIVATE: &str = "$serde_json::private::";

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// `serde_json` reads the same tree, up to its own limit of 127 levels, if no name has a meaning for it.
fn read_by_serde_json(data: &[u8], value: &Value, depth: usize) {
    let mut found = HashSet::new();
    super::names(value, &mut found);
    if depth < 128 && !found.iter().any(|name| name.starts_with(PRIVATE)) {
        assert_eq!(serde_json::from_slice::<Value>(data).ok().as_ref(), Some(value));
    }
}

/// Compared only where the text cannot spell such a name: it would make `serde_json` overflow the stack.
fn refused_by_serde_json(data: &[u8]) {
    let spells = |text: &[u8]| data.windows(text.len()).any(|window| window == text);
    if !spells(b"\\u") && !spells(PRIVATE.as_bytes()) {
        assert!(serde_json::from_slice::<Value>(data).is_err(), "serde_json reads it");
    }
}

fn request(data: &[u8], content_type: &str) -> Request {
    let request = Request::builder().method(Method::POST).header(header::CONTENT_TYPE, content_type);
    request.body(data.to_vec().into()).expect("a request")
}

fn as_body(data: &[u8], content_type: &str) {
    let body = Body::from_request(request(data, content_type), &()).now_or_never().expect("the body is there");
    let Ok(body) = body;
    super::same(|| body.fingerprint("a=b"));
    for outcome in [body.read(members), body.read_patch(members), body.read_optional(members)] {
        if let Err(problem) = outcome {
            super::expect_client_error(problem);
        }
    }
}

fn as_form(data: &[u8]) {
    let form = Form::from_request(request(data, "application/x-www-form-urlencoded"), &());
    match form.now_or_never().expect("the form is there") {
        Ok(form) => drop(super::same(|| [form.get("grant_type").map(str::to_owned), form.get("").map(str::to_owned)])),
        Err(problem) => drop(super::expect_client_error(problem)),
    }
}

/// Reads members of all kinds; also used for the parameters of queries.
#[allow(clippy::unnecessary_wraps, reason = "the shape of a reader of fields")]
pub(super) fn members(fields: &mut Fields<'_>) -> Option<()> {
    fields.optional("origin", read::code::<AirportCode>);
    fields.required("weight_kg", read::weight);
    fields.optional("volume_m3", read::volume);
    fields.optional("positions", read::positions);
    fields.not_null("pieces", read::pieces);
    fields.optional("limit", read::integer(1, 100_u32));
    fields.optional("accept", read::boolean);
    fields.optional("kind", read::word(&[("direct", 1), ("transit", 2)]));
    fields.optional("description", read::prose(read::PROSE));
    fields.optional("email", read::email);
    fields.optional("occurred_at", read::instant);
    fields.optional("departure_date", read::date);
    fields.optional("awb_number", read::code::<AwbNumber>);
    fields.optional("ref_id", read::code::<BookingRef>);
    fields.optional("flight_number", read::code::<FlightNumber>);
    fields.optional("flight_ids", list(10, read::code::<FlightId>));
    fields.optional("special_handling_codes", set(9, read::code::<HandlingCode>));
    fields.patch("notes", read::line(read::LINE));
    fields.patch("shipper", object(party));
    fields.optional("legs", objects(20, party));
    fields.optional("password", |raw: Raw<'_>| -> Result<String, Fault> { read::any(raw) });
    Some(())
}

#[allow(clippy::unnecessary_wraps, reason = "the shape of a reader of fields")]
fn party(fields: &mut Fields<'_>) -> Option<()> {
    fields.required("name", read::line(read::LINE));
    fields.optional("country_code", read::country);
    Some(())
}
