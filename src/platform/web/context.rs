use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use tracing::Instrument;
use uuid::Uuid;

use crate::platform::{clock::SharedClock, random::IdSource};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: RequestId;
}

/// Names one request in its log lines, its problem and its answer.
#[derive(Debug, Clone)]
struct RequestId(String);

/// The id of the request that is being served; empty outside one.
pub fn request_id() -> String {
    CURRENT.try_with(|id| id.0.clone()).unwrap_or_default()
}

impl RequestId {
    /// The caller's own id, if it is visible ASCII of at most 128 characters.
    fn from_caller(request: &Request) -> Option<Self> {
        let id = request.headers().get(REQUEST_ID)?.to_str().ok()?;
        let valid = (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        valid.then(|| Self(id.to_owned()))
    }
}

/// The outermost layer: gives the request its id, its span, its metrics and its one log line.
pub async fn track(clock: SharedClock, ids: IdSource, request: Request, next: Next) -> Response {
    let id = RequestId::from_caller(&request).unwrap_or_else(|| RequestId(ids.next::<Uuid>(clock.now()).to_string()));
    let began = Instant::now();
    let method = request.method().clone();
    // The template, never the path: labels stay few, and no reference lands in a metric.
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", request_id = %id.0);
    let header_value = HeaderValue::from_str(&id.0);
    let mut response = CURRENT.scope(id, next.run(request)).instrument(span.clone()).await;
    if let Ok(value) = header_value {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let status = response.status().as_u16();
    let seconds = began.elapsed().as_secs_f64();
    span.in_scope(|| tracing::info!(%method, route, status, milliseconds = seconds * 1000.0, "answered"));
    let labels = [("method", method_label(&method)), ("route", route), ("status", status.to_string())];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_duration_seconds", &labels[..2]).record(seconds);
    response
}

/// Extension methods are the client's invention: they must not make new time series.
fn method_label(method: &axum::http::Method) -> String {
    match method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known.to_owned(),
        _ => "other".to_owned(),
    }
}
