use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::Response,
};
use tracing::{Instrument, field};
use uuid::Uuid;

use super::{code::Code, origin::ByHttps};
use crate::{
    clock::SharedClock,
    random::IdSource,
    telemetry::{self, OneMore, TraceSpan, Traced, metric},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: Arc<Current>;
}

/// The request that the current task serves.
#[derive(Debug, Default)]
struct Current {
    /// Its id in its log lines, its problem and its answer.
    id: String,
    /// Its route, once that is found.
    route: OnceLock<MatchedPath>,
}

/// Returns the id of the current request; empty outside one.
pub fn request_id() -> String {
    CURRENT.try_with(|current| current.id.clone()).unwrap_or_default()
}

/// Wraps work so that it keeps its request id in a separate task.
pub fn carrying_request_id<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let current = CURRENT.try_with(Clone::clone).unwrap_or_default();
    CURRENT.scope(current, work)
}

/// Records the route of the current request, as soon as it is found: the template, never the path, so that labels stay
/// few, and no reference enters a metric.
pub fn note_route(request: &Request) {
    let Some(route) = request.extensions().get::<MatchedPath>() else { return };
    _ = CURRENT.try_with(|current| current.route.set(route.clone()));
    telemetry::describe_current(|| {
        let (method, _) = span_method(request.method());
        let path = if holds_token(route) { route.as_str() } else { request.uri().path() };
        let path = beginning(path, MOST_PATH).to_owned();
        (format!("{method} {}", route.as_str()), [("http.route", route.as_str().to_owned()), ("url.path", path)])
    });
}

/// Whether the paths of a route are secret: who reads one can act as the receiver of the letter that links to it.
fn holds_token(route: &MatchedPath) -> bool {
    route.as_str().contains("{token}")
}

impl Current {
    /// Takes the caller's own id, if it is visible ASCII of at most 128 characters.
    fn new(headers: &HeaderMap, clock: &SharedClock, ids: &IdSource) -> Self {
        let of_caller = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
        let is_valid = |id: &&str| (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        let id = match of_caller.filter(is_valid) {
            Some(id) => id.to_owned(),
            None => ids.next::<Uuid>(clock.now()).to_string(),
        };
        Self { id, route: OnceLock::new() }
    }

    fn route(&self) -> &str {
        self.route.get().map_or("unmatched", MatchedPath::as_str)
    }
}

/// Gives a request its id, its span, its metrics and its one log line, while `serve` answers it.
/// `named` names the route of a path for a request that is refused before its route is found; `is_routine` names the paths
/// that monitoring calls every few seconds: a good answer there is not worth a line at the level `info`.
pub async fn track<F: Future<Output = Response>>(
    (clock, ids): (&SharedClock, &IdSource),
    named: impl Fn(&str) -> Option<String>,
    is_routine: fn(&str) -> bool,
    request: Request,
    serve: impl FnOnce(Request) -> F,
) -> Response {
    let current = Arc::new(Current::new(request.headers(), clock, ids));
    let part = telemetry::request(request.headers());
    if part.is_sampled() {
        describe(&part, &current.id, &request);
    }
    let span = log_span(&current.id, &part);
    let mut under_way = UnderWay {
        began: Instant::now(),
        _in_flight: metric::REQUESTS_IN_FLIGHT.one_more(),
        method: request.method().clone(),
        uri: request.uri().clone(),
        current: current.clone(),
        named,
        is_routine: is_routine(request.uri().path()),
        span: span.clone(),
        answered: None,
    };
    let header_value = HeaderValue::from_str(&current.id);
    let serving = async {
        let response = CURRENT.scope(current, serve(request)).await;
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
struct UnderWay<N: Fn(&str) -> Option<String>> {
    began: Instant,
    _in_flight: OneMore,
    method: Method,
    uri: Uri,
    current: Arc<Current>,
    named: N,
    is_routine: bool,
    span: tracing::Span,
    /// `None`: the caller disconnected.
    answered: Option<StatusCode>,
}

/// The status that proxies log for a caller that disconnected.
const ABANDONED: u16 = 499;

impl<N: Fn(&str) -> Option<String>> Drop for UnderWay<N> {
    fn drop(&mut self) {
        let seconds = self.began.elapsed().as_secs_f64();
        let named = if self.current.route.get().is_some() { None } else { (self.named)(self.uri.path()) };
        let route = named.as_deref().unwrap_or_else(|| self.current.route());
        let (method, milliseconds) = (beginning(self.method.as_str(), MOST_METHOD), seconds * 1000.0);
        let status = self.answered.map_or(ABANDONED, |status| status.as_u16());
        let end = if self.answered.is_some() { "answered" } else { "abandoned" };
        self.span.in_scope(|| {
            if self.is_routine && status < 400 {
                tracing::debug!(method, route, status, milliseconds, "{end}");
            } else {
                tracing::info!(method, route, status, milliseconds, "{end}");
            }
        });
        let method = method_label(&self.method);
        let mut digits = [0; 3];
        metric::REQUESTS.with([method, route, three_digits(status, &mut digits)]).increment(1);
        metric::REQUEST_DURATION.with([method, route]).record(seconds);
    }
}

/// Writes a status, which has three digits.
fn three_digits(status: u16, digits: &mut [u8; 3]) -> &str {
    for (digit, scale) in digits.iter_mut().zip([100, 10, 1]) {
        *digit = b'0' + u8::try_from(status / scale % 10).unwrap_or_default();
    }
    std::str::from_utf8(digits).unwrap_or_default()
}

/// Returns the log span that names the request, and its trace if it has one.
fn log_span(id: &str, part: &TraceSpan) -> tracing::Span {
    let Some((trace_id, span_id)) = part.ids() else { return tracing::info_span!("request", request_id = %id) };
    tracing::info_span!("request", request_id = %id, trace_id = %trace_id, span_id = span_id.map(field::display))
}

/// Longest part of a path that is recorded, in characters: the product's own paths are shorter.
const MOST_PATH: usize = 256;
/// Longest part of an unknown method that is recorded.
const MOST_METHOD: usize = 32;

/// Sets the span's attributes by the conventions for HTTP servers. Omits query, address and agent, which can be
/// personal data; only [`note_route`] records a path, of a known route: those hold ids, codes, references and cities. In
/// place of a path with a token it records the template.
fn describe(part: &TraceSpan, id: &str, request: &Request) {
    let (method, is_encrypted) = (request.method(), matches!(request.extensions().get(), Some(ByHttps(true))));
    let (name, label) = span_method(method);
    part.rename(name.to_owned());
    part.note("http.request.method", label);
    if label == "_OTHER" {
        part.note("http.request.method_original", beginning(method.as_str(), MOST_METHOD).to_owned());
    }
    part.note("url.scheme", if is_encrypted { "https" } else { "http" });
    part.note("loadmaster.request_id", id.to_owned());
}

/// Returns the method in a span's name and in its attribute.
fn span_method(method: &Method) -> (&'static str, &'static str) {
    match method_label(method) {
        "other" => ("HTTP", "_OTHER"),
        known => (known, known),
    }
}

/// Returns the first `most` characters: what a caller invents fills no log and no span.
fn beginning(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).map_or(text, |(end, _)| &text[..end])
}

/// Clients can invent extension methods: they must not create new time series.
fn method_label(method: &Method) -> &'static str {
    metric::METHODS.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::beginning;

    #[test]
    fn a_text_is_cut_between_characters_to_its_bound() {
        for (text, expected) in [("", ""), ("GET", "GET"), ("OPTIONS", "OPTI"), ("éééé", "éééé"), ("éééééé", "éééé")]
        {
            assert_eq!(beginning(text, 4), expected);
        }
    }
}
