//! One module for each reader. Its `check` gives the reader some bytes and panics if a property does not hold. No input
//! may overflow the stack of a worker thread or take long, which is for the caller to see to. `tests/fuzz.rs` includes
//! these modules too.
pub mod body;
pub mod csv;
pub mod cursor;
pub mod headers;
pub mod ssim;
pub mod token;
pub mod workbook;

use std::{collections::HashSet, fmt::Debug};

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue},
    response::{IntoResponse, Response},
};
use loadmaster_platform::web::Problem;

/// A refusal must be the caller's fault, never ours.
#[track_caller]
fn expect_client_error(problem: Problem) -> Response {
    let response = problem.into_response();
    assert!(response.status().is_client_error(), "answered {}", response.status());
    response
}

/// A reader says the same of the same bytes.
#[track_caller]
fn same<T: Debug>(read: impl Fn() -> T) -> T {
    let first = read();
    assert_eq!(format!("{first:?}"), format!("{:?}", read()), "the second reading differs");
    first
}

/// Lines `name: value`; those that are no header are left out.
fn header_map(lines: &[u8]) -> HeaderMap {
    let pairs = lines.split(|byte| *byte == b'\n').filter_map(|line| {
        let at = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = (&line[..at], line[at + 1..].trim_ascii());
        Some((HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?))
    });
    let mut map = HeaderMap::new();
    for (name, value) in pairs.take(100) {
        map.append(name, value);
    }
    map
}

/// The member names in a tree.
fn names<'a>(value: &'a serde_json::Value, found: &mut HashSet<&'a str>) {
    match value {
        serde_json::Value::Array(items) => items.iter().for_each(|item| names(item, found)),
        serde_json::Value::Object(members) => members.iter().for_each(|(name, member)| {
            found.insert(name);
            names(member, found);
        }),
        _ => {}
    }
}
