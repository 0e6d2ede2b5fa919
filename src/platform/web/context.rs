use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};
use tracing::{Instrument, field};
use uuid::Uuid;

use super::code::Code;
use crate::platform::{
    clock::SharedClock,
    random::IdSource,
    telemetry::{self, LabelValue, OneMore, TraceSpan, Traced, metric},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: RequestId;
}

/// The id of one request in its log lines, its problem and its answer.
#[derive(Debug, Clone)]
struct RequestId(String);

/// Returns the id of the current request; empty outside one.
pub fn request_id() -> String {
    CURRENT.try_with(|id| id.0.clone()).unwrap_or_default()
}

/// Wraps work so that it keeps its request id in a separate task.
pub fn carrying_request_id<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let id = CURRENT.try_with(Clone::clone).unwrap_or_else(|_| RequestId(String::new()));
    CURRENT.scope(id, work)
}

impl RequestId {
    /// Returns the caller's own id, if it is visible ASCII of at most 128 characters.
    fn from_caller(request: &Request) -> Option<Self> {
        let id = request.headers().get(REQUEST_ID)?.to_str().ok()?;
        let valid = (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        valid.then(|| Self(id.to_owned()))
    }
}

/// The outermost layer: gives the request its id, its span, its metrics and its one log line.
pub async fn track(clock: SharedClock, ids: IdSource, request: Request, next: Next) -> Response {
    let id = RequestId::from_caller(&request).unwrap_or_else(|| RequestId(ids.next::<Uuid>(clock.now()).to_string()));
    // The template, never the path: labels stay few, and no reference enters a metric.
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let part = telemetry::request(request.headers());
    if part.is_sampled() {
        describe(&part, &id, &route, &request);
    }
    let span = log_span(&id, &part);
    let mut under_way = UnderWay {
        began: Instant::now(),
        _in_flight: metric::REQUESTS_IN_FLIGHT.one_more(),
        method: request.method().clone(),
        route,
        span: span.clone(),
        answered: None,
    };
    let header_value = HeaderValue::from_str(&id.0);
    let serving = async {
        let response = CURRENT.scope(id, next.run(request)).await;
        telemetry::note_answer(response.status().as_u16(), !response.status().is_server_error());
        response
    };
    let mut response = serving.in_span(part).instrument(span).await;
    if let Ok(value) = header_value {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if let Some(code) = response.extensions().get::<Code>() {
        metric::PROBLEMS_ANSWERED.with([code.as_str()]).increment(1);
    }
    under_way.answered = Some(response.status());
    response
}

/// A request in progress. It is counted, timed and logged however it ends: when answers take longer than callers wait,
/// abandoned requests are the only visible sign.
struct UnderWay {
    began: Instant,
    _in_flight: OneMore,
    method: Method,
    route: String,
    span: tracing::Span,
    /// `None`: the caller disconnected.
    answered: Option<StatusCode>,
}

/// The status that proxies log for a caller that disconnected.
const ABANDONED: u16 = 499;

impl Drop for UnderWay {
    fn drop(&mut self) {
        let seconds = self.began.elapsed().as_secs_f64();
        let (method, route, milliseconds) = (&self.method, &*self.route, seconds * 1000.0);
        let status = self.answered.map_or(ABANDONED, |status| status.as_u16());
        let end = if self.answered.is_some() { "answered" } else { "abandoned" };
        self.span.in_scope(|| tracing::info!(%method, route, status, milliseconds, "{end}"));
        let route = LabelValue::from_owned(std::mem::take(&mut self.route));
        let method = LabelValue::const_str(method_label(&self.method));
        let status = LabelValue::from_owned(status.to_string());
        metric::REQUESTS.with([method.clone(), route.clone(), status]).increment(1);
        metric::REQUEST_DURATION.with([method, route]).record(seconds);
    }
}

/// Returns the log span that names the request, and its trace if it has one.
fn log_span(id: &RequestId, part: &TraceSpan) -> tracing::Span {
    let Some((trace_id, span_id)) = part.ids() else { return tracing::info_span!("request", request_id = %id.0) };
    tracing::info_span!("request", request_id = %id.0, trace_id = %trace_id, span_id = span_id.map(field::display))
}

/// Longest part of a path that is recorded, in characters: the product's own paths are shorter.
const MOST_PATH: usize = 256;
/// Longest part of an unknown method that is recorded.
const MOST_METHOD: usize = 32;

/// Sets the span's attributes by the conventions for HTTP servers. Omits query, address and agent, which can be
/// personal data, and records only paths of known routes, which hold ids, codes, references and cities.
fn describe(part: &TraceSpan, id: &RequestId, route: &str, request: &Request) {
    let (name, method) = match method_label(request.method()) {
        "other" => ("HTTP", "_OTHER"),
        known => (known, known),
    };
    let is_matched = request.extensions().get::<MatchedPath>().is_some();
    part.rename(if is_matched { format!("{name} {route}") } else { name.to_owned() });
    part.note("http.request.method", method);
    if method == "_OTHER" {
        part.note("http.request.method_original", beginning(request.method().as_str(), MOST_METHOD));
    }
    if is_matched {
        part.note("http.route", route.to_owned());
        part.note("url.path", beginning(request.uri().path(), MOST_PATH));
    }
    part.note("url.scheme", "http");
    part.note("loadmaster.request_id", id.0.clone());
}

fn beginning(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// Clients can invent extension methods: they must not create new time series.
fn method_label(method: &Method) -> &'static str {
    metric::METHODS.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}
