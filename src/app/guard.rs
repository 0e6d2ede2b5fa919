//! The layers between the wire and the rooms.
use std::{any::Any, sync::Arc, time::Duration};

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::in_flight::{InFlight, Refused};
use crate::platform::{
    rate_limit::Verdict,
    settings,
    web::{ClientAddress, Problem, code},
};

/// Paths that answer under any load, because their callers check exactly that.
pub(super) const ALWAYS_ANSWERED: [&str; 6] = ["/livez", "/readyz", "/health", DETAILED, "/metrics", "/api/v1/health"];
/// The only one of them that is restricted.
pub(super) const DETAILED: &str = "/health/detailed";

/// Maximum size of one header, and of all headers together, in bytes, names included.
const LARGEST_HEADER: usize = 32 * 1024;
const LARGEST_HEADERS: usize = 64 * 1024;

/// Bounds the concurrent requests, in total and per address; beyond that an early refusal is better than a late one.
pub(super) async fn bound_in_flight(in_flight: Arc<InFlight>, request: Request, next: Next) -> Response {
    if ALWAYS_ANSWERED.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let address = request.extensions().get::<ClientAddress>().map(|address| address.subscriber());
    match in_flight.enter(address) {
        Ok(_place) => next.run(request).await,
        Err(Refused::Full) => {
            Problem::unavailable("The server has reached its limit of concurrent requests; try again shortly.")
                .into_response()
        }
        Err(Refused::Share(limit)) => {
            let detail = format!("Your address has {limit} requests in progress, which is the limit.");
            Problem::limited(Verdict { limit, remaining: 0, reset: 1, is_admitted: false }, detail).into_response()
        }
    }
}

/// Refuses headers that are too large.
pub(super) async fn bound_headers(request: Request, next: Next) -> Response {
    if are_too_large(request.headers()) {
        let detail = "A header exceeds 32 KiB, or all headers together exceed 64 KiB.";
        return Problem::new(code::HEADERS_TOO_LARGE, detail).into_response();
    }
    next.run(request).await
}

fn are_too_large(headers: &HeaderMap) -> bool {
    let lengths = || headers.iter().map(|(name, value)| name.as_str().len() + value.len());
    lengths().any(|length| length > LARGEST_HEADER) || lengths().sum::<usize>() > LARGEST_HEADERS
}

/// Answers 504 when a request takes too long. Changes it has begun are completed all the same.
pub(super) async fn bound_time(limit: Duration, request: Request, next: Next) -> Response {
    let detail = match *request.method() {
        Method::GET | Method::HEAD => "The request timed out; nothing was changed.",
        _ => {
            "The request timed out; a change may have been made, so read the current state before you repeat the request."
        }
    };
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(code::TIMEOUT, detail).into_response(),
    }
}

/// Returns the response to a panic, whose location is in the log.
#[allow(clippy::needless_pass_by_value, reason = "the layer hands it over so")]
pub(super) fn panicked(cause: Box<dyn Any + Send + 'static>) -> Response {
    let text = cause.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| cause.downcast_ref::<String>().cloned()).unwrap_or_default();
    Problem::internal(&text).into_response()
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
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            named("idempotency-key"),
            named("x-request-id"),
            named("traceparent"),
            named("tracestate"),
        ])
        .expose_headers([
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
        ])
        .max_age(Duration::from_mins(10));
    Some(layer)
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, routing::get};
    use http_body_util::BodyExt;
    use tower::ServiceExt;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    #[tokio::test]
    async fn a_panic_answers_as_a_problem_and_keeps_its_words_for_the_log() {
        let router: Router = Router::new()
            .route("/literal", get(async || if true { panic!("secret") } else { "fine" }))
            .route("/formatted", get(async || if true { panic!("secret {}", 7) } else { "fine" }))
            .route("/other", get(async || if true { std::panic::panic_any(7_u8) } else { "fine" }))
            .layer(CatchPanicLayer::custom(panicked));
        for path in ["/literal", "/formatted", "/other"] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), 500);
            assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
            let body = response.into_body().collect().await.unwrap().to_bytes();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["code"], "internal");
            assert!(!body.to_string().contains("secret"), "{body}");
        }
    }
}
