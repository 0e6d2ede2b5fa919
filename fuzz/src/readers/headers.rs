//! Headers and the path: a first line with a path, then lines `name: value`.
use std::{convert::Infallible, net::IpAddr, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{StatusCode, Uri},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::get,
};
use chrono::DateTime;
use futures_util::FutureExt;
use ipnet::IpNet;
use loadmaster_accounts::{bearer_token, ignores_tokens};
use loadmaster_kernel::{AirlineCode, AirportCode, BookingRef, FlightId};
use loadmaster_platform::{
    clock::{ManualClock, SharedClock},
    idempotency::KeyHeader,
    random::IdSource,
    web::{ClientAddress, IfMatch, IfNoneMatch, PRIVATE, PathText, Query, conditional, track},
};
use tower::ServiceExt;

pub fn check(data: &[u8]) {
    let at = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let uri = Uri::try_from(&data[..at]).ok().filter(|uri| uri.path().starts_with('/'));
    let headers = super::header_map(data.get(at + 1..).unwrap_or_default());
    _ = super::same(|| KeyHeader::read(&headers).map_err(|problem| drop(super::expect_client_error(problem))));
    _ = super::same(|| bearer_token(&headers).map(|token| token.map(str::to_owned)));
    let trusted: [IpNet; 2] = ["10.0.0.0/8".parse().expect("a network"), "fd00::/8".parse().expect("a network")];
    for peer in ["10.0.0.1", "192.0.2.7", "::ffff:10.0.0.1"].map(|peer| peer.parse::<IpAddr>().expect("an address")) {
        let address = super::same(|| ClientAddress::of(peer, &headers, &trusted));
        _ = (address.subject(), address.is_in(&trusted));
    }
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = uri.unwrap_or_default();
    *request.headers_mut() = headers;
    _ = ignores_tokens(request.uri().path());
    let Ok(response) = router().oneshot(request).now_or_never().expect("nothing waits");
    assert!(!response.status().is_server_error(), "answered {}", response.status());
    let id = response.headers().get("x-request-id").expect("each answer names its request");
    assert!(id.len() <= 128 && id.as_bytes().iter().all(u8::is_ascii_graphic));
}

fn router() -> Router {
    let clock: SharedClock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
    let ids = IdSource::default();
    Router::new()
        .route("/bookings/{id}", get(async |id: PathText<BookingRef>, query: Query| answer(&id.0, &query)))
        .route("/flights/{id}", get(async |id: PathText<FlightId>, query: Query| answer(&id.0, &query)))
        .route("/airports/{id}", get(async |id: PathText<AirportCode>, query: Query| answer(&id.0, &query)))
        .route("/airlines/{id}", get(async |id: PathText<AirlineCode>, query: Query| answer(&id.0, &query)))
        .fallback(async |if_match: IfMatch, if_none_match: IfNoneMatch| match if_match.read() {
            Ok(precondition) => {
                _ = precondition.check(3);
                conditional("3", &if_none_match, PRIVATE, StatusCode::OK)
            }
            Err(problem) => super::expect_client_error(problem),
        })
        .layer(from_fn(move |request: Request, next: Next| {
            let (clock, ids) = (clock.clone(), ids.clone());
            async move {
                Ok::<_, Infallible>(
                    track((&clock, &ids), |_| None, |_| false, request, |request| next.run(request)).await,
                )
            }
        }))
}

fn answer(id: &impl std::fmt::Debug, query: &Query) -> Response {
    _ = format!("{id:?}");
    query.refuse_all().map_or_else(IntoResponse::into_response, |()| StatusCode::OK.into_response())
}
