//! The guards between the wire and the rooms.
use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    response::{IntoResponse, Response},
};
use futures_util::{FutureExt, future::BoxFuture};
use loadmaster_platform::{
    listing::TOTAL_COUNT,
    rate_limit::Verdict,
    settings,
    telemetry::{self, Traced},
    web::{BodyLimit, POSITION, PREFER, PREFERENCE_APPLIED, Problem, code, note_route},
};
use tower::{Layer, Service};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::in_flight::Refused;

/// Paths that answer under any load, because their callers check exactly that.
pub(super) const ALWAYS_ANSWERED: [&str; 6] = ["/livez", "/readyz", "/health", DETAILED, "/metrics", "/api/v1/health"];
/// The only one of them that is restricted.
pub(super) const DETAILED: &str = "/health/detailed";

/// Maximum size of a table to import, in bytes.
pub(super) const MAX_IMPORT_BYTES: usize = 32 * 1024 * 1024;
/// Maximum size of one header, and of all headers together, in bytes, names included.
const LARGEST_HEADER: usize = 32 * 1024;
const LARGEST_HEADERS: usize = 64 * 1024;

/// Returns whether the path answers under any load.
pub(super) fn is_always_answered(path: &str) -> bool {
    ALWAYS_ANSWERED.contains(&path)
}

/// Refuses a request beyond the bounds on concurrent requests: an early refusal is better than a late answer.
pub(super) fn has_no_place(refused: &Refused) -> Response {
    match *refused {
        Refused::Full => {
            Problem::unavailable("The server has reached its limit of concurrent requests; try again shortly.")
                .into_response()
        }
        Refused::Share(limit) => {
            let detail = format!("Your address has {limit} requests in progress, which is the limit.");
            Problem::limited(Verdict { limit, remaining: 0, reset: 1, is_admitted: false }, detail).into_response()
        }
    }
}

pub(super) fn headers_too_large() -> Response {
    let detail = "A header exceeds 32 KiB, or all headers together exceed 64 KiB.";
    Problem::new(code::HEADERS_TOO_LARGE, detail).into_response()
}

pub(super) fn are_too_large(headers: &HeaderMap) -> bool {
    let lengths = || headers.iter().map(|(name, value)| name.as_str().len() + value.len());
    lengths().any(|length| length > LARGEST_HEADER) || lengths().sum::<usize>() > LARGEST_HEADERS
}

/// Bounds of a route: the size of its bodies and the time of its answers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub bytes: usize,
    pub time: Duration,
}

/// The one layer that every route has: names the route, and bounds it. Answers 504 when a request takes too long;
/// changes it has begun are completed all the same.
#[derive(Debug, Clone)]
pub(super) struct Bounded {
    pub ordinary: Bounds,
    /// Bounds of the operations to which whole tables are sent, which are these.
    pub tables: Bounds,
    pub of_tables: Operations,
    /// Bounds of the operations that act on many resources, which are these.
    pub bulk: Bounds,
    pub of_bulk: Operations,
}

/// Operations by method and path.
pub(super) type Operations = Arc<[(Method, String)]>;

impl Bounded {
    fn of(&self, request: &Request) -> Bounds {
        let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        let method = if *request.method() == Method::HEAD { &Method::GET } else { request.method() };
        let is_among = |operations: &[(Method, String)]| {
            operations.iter().any(|(its_method, path)| its_method == method && Some(path.as_str()) == route)
        };
        if is_among(&self.of_tables) {
            self.tables
        } else if is_among(&self.of_bulk) {
            self.bulk
        } else {
            self.ordinary
        }
    }
}

impl<S> Layer<S> for Bounded {
    type Service = BoundedRoute<S>;

    fn layer(&self, route: S) -> BoundedRoute<S> {
        BoundedRoute { bounded: self.clone(), route }
    }
}

#[derive(Debug, Clone)]
pub(super) struct BoundedRoute<S> {
    bounded: Bounded,
    route: S,
}

impl<S: Service<Request, Response = Response, Error = Infallible>> Service<Request> for BoundedRoute<S>
where
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.route.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let Bounds { bytes, time } = self.bounded.of(&request);
        note_route(&request);
        request.extensions_mut().insert(BodyLimit(bytes));
        let is_reading = matches!(*request.method(), Method::GET | Method::HEAD);
        let answering = tokio::time::timeout(time, self.route.call(request)).in_span(telemetry::span("handler"));
        Box::pin(async move { answering.await.unwrap_or_else(|_| Ok(timed_out(is_reading))) })
    }
}

fn timed_out(is_reading: bool) -> Response {
    let problem = if is_reading {
        Problem::new(code::TIMEOUT, "The request timed out; nothing was changed.")
    } else {
        let detail = "The request timed out, and a change may have been made; repeat the request with the same Idempotency-Key \
                      or, if it had none, read the current state first.";
        Problem::new(code::TIMEOUT, detail).with_unknown_outcome()
    };
    problem.into_response()
}

/// Turns a panic into a response, with its location in the log.
pub(super) async fn catching_panics(work: impl Future<Output = Response>) -> Response {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|cause| {
        let text = cause.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| cause.downcast_ref::<String>().cloned()).unwrap_or_default();
        Problem::internal(&text).into_response()
    })
}

/// Allows cross-origin calls from the configured origins only. Without any there is no layer: it would answer every
/// `OPTIONS`.
pub(super) fn cors(server: &settings::Server) -> Option<CorsLayer> {
    if server.cors_origins.is_empty() {
        return None;
    }
    let origins = server.cors_origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    let named = HeaderName::from_static;
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_ENCODING,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            named("idempotency-key"),
            named("last-event-id"),
            PREFER,
            named("x-request-id"),
            POSITION,
            named("traceparent"),
            named("tracestate"),
        ])
        .expose_headers([
            header::ACCEPT_ENCODING,
            header::ETAG,
            header::LINK,
            header::LOCATION,
            header::RETRY_AFTER,
            named("ratelimit-limit"),
            named("ratelimit-remaining"),
            named("ratelimit-reset"),
            named("x-request-id"),
            named("idempotency-replayed"),
            named("cache-status"),
            POSITION,
            PREFERENCE_APPLIED,
            TOTAL_COUNT,
            header::ALLOW,
            header::CONTENT_DISPOSITION,
            header::WWW_AUTHENTICATE,
        ])
        .max_age(Duration::from_mins(10));
    Some(layer)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_answers_as_a_problem_and_keeps_its_words_for_the_log() {
        let literal = async { if true { panic!("secret") } else { ().into_response() } };
        let formatted = async { if true { panic!("secret {}", 7) } else { ().into_response() } };
        let other = async { if true { std::panic::panic_any(7_u8) } else { ().into_response() } };
        for work in [literal.boxed(), formatted.boxed(), other.boxed()] {
            let response = catching_panics(work).await;
            assert_eq!(response.status(), 500);
            assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
            let body = response.into_body().collect().await.unwrap().to_bytes();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["code"], "internal");
            assert!(!body.to_string().contains("secret"), "{body}");
        }
    }
}
