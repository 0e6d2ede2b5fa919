//! The layers between the wire and the rooms.
use std::{any::Any, sync::Arc, time::Duration};

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::sync::Semaphore;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::platform::{
    settings,
    web::{Code, Problem},
};

/// Paths that answer however busy the server is: whoever asks them wants to know just that.
pub(super) const ALWAYS_ANSWERED: [&str; 6] = ["/livez", "/readyz", "/health", DETAILED, "/metrics", "/api/v1/health"];
/// The one of them that is not for everybody.
pub(super) const DETAILED: &str = "/health/detailed";

/// Serves at most so many requests at once; beyond that an early 503 is kinder than a late one.
pub(super) async fn bound_in_flight(limit: Arc<Semaphore>, request: Request, next: Next) -> Response {
    if ALWAYS_ANSWERED.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    match limit.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) => Problem::unavailable("The server is at its limit of requests; try again shortly.").into_response(),
    }
}

/// Answers 504 when a request takes too long. What it has begun to change is finished all the same.
pub(super) async fn bound_time(limit: Duration, request: Request, next: Next) -> Response {
    let detail = match *request.method() {
        Method::GET | Method::HEAD => "The answer took too long; nothing was changed.",
        _ => "The request took too long; a change may have been made, so read the current state before you repeat it.",
    };
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(Code::Timeout, detail).into_response(),
    }
}

/// What a panic answers; where it happened is in the log.
#[allow(clippy::needless_pass_by_value, reason = "the layer hands it over so")]
pub(super) fn panicked(cause: Box<dyn Any + Send + 'static>) -> Response {
    let text = cause.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| cause.downcast_ref::<String>().cloned()).unwrap_or_default();
    Problem::internal(&text).into_response()
}

/// Cross-origin calls, for the configured origins only. Without any there is no layer: it would answer every `OPTIONS`.
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
