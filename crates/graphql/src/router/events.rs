//! Results as server-sent events.
use axum::{
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use loadmaster_platform::web::{Coding, encoded};

use super::request::EVENTS;

/// The last event of an operation that has ended for good.
pub(super) const COMPLETE: &str = "event: complete\ndata:\n\n";

/// Returns a result, which is JSON on one line, as an event.
pub(super) fn next(id: Option<&str>, result: &[u8]) -> String {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("{id}event: next\ndata: {}\n\n", String::from_utf8_lossy(result))
}

/// Returns events that end by themselves.
pub(super) fn events(text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(EVENTS)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    encoded((headers, text).into_response(), Coding::Identity)
}
