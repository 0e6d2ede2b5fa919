//! `Prefer: return=minimal` (RFC 7240): a change of something with a version is answered without its new state.
use axum::{
    body::Body,
    extract::Request,
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    response::Response,
};

use super::NO_STORE;

pub const PREFER: HeaderName = HeaderName::from_static("prefer");
pub const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

const MINIMAL: &str = "return=minimal";

/// Returns whether a request for a change asks for a short answer. Of several preferences for `return` the first counts.
/// What a dry run finds is all that it is for.
pub fn prefers_minimal(request: &Request) -> bool {
    let is_change = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH | Method::DELETE);
    let is_dry_run = || request.uri().query().is_some_and(|query| query.contains("dry_run"));
    let values = request.headers().get_all(PREFER).into_iter().filter_map(|value| value.to_str().ok());
    let mut wishes = values.flat_map(|value| value.split(',')).map(|wish| {
        let wish = wish.split(';').next().unwrap_or_default();
        wish.chars().filter(|letter| !letter.is_whitespace() && *letter != '"').collect::<String>().to_ascii_lowercase()
    });
    let mut is_wished = || wishes.find(|wish| wish.starts_with("return=")).is_some_and(|wish| wish == MINIMAL);
    is_change && is_wished() && !is_dry_run()
}

/// Leaves the body of a successful change out, if the change can be read again: it has a version, and is no secret that is
/// shown once.
pub fn minimal(mut response: Response) -> Response {
    let headers = response.headers();
    let is_secret = headers.get(header::CACHE_CONTROL).is_some_and(|value| value == NO_STORE);
    let is_change = matches!(response.status(), StatusCode::OK | StatusCode::CREATED);
    if !is_change || is_secret || !headers.contains_key(header::ETAG) {
        return response;
    }
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    *response.body_mut() = Body::empty();
    let headers = response.headers_mut();
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING] {
        headers.remove(name);
    }
    headers.insert(PREFERENCE_APPLIED, HeaderValue::from_static(MINIMAL));
    response
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    fn prefers(method: &Method, uri: &str, values: &[&'static str]) -> bool {
        let mut request = Request::builder().method(method).uri(uri);
        for value in values {
            request = request.header(PREFER, *value);
        }
        prefers_minimal(&request.body(Body::empty()).unwrap())
    }

    #[test]
    fn the_first_wish_about_the_answer_of_a_change_counts() {
        for values in [
            &["return=minimal"][..],
            &["respond-async, Return = \"minimal\"; foo=bar"],
            &["wait=10", "return=minimal, return=representation"],
        ] {
            assert!(prefers(&Method::PATCH, "/", values), "{values:?}");
            assert!(!prefers(&Method::GET, "/", values), "{values:?}");
            assert!(!prefers(&Method::PATCH, "/?dry_run=true", values), "{values:?}");
        }
        for values in
            [&[][..], &["return=representation, return=minimal"], &["return"], &["minimal"], &["xreturn=minimal"]]
        {
            assert!(!prefers(&Method::PATCH, "/", values), "{values:?}");
        }
    }

    #[test]
    fn only_what_can_be_read_again_is_left_out() {
        let answer = |status: StatusCode, name: HeaderName, value: &'static str| {
            minimal((status, [(name, value)], "body").into_response())
        };
        let short = answer(StatusCode::OK, header::ETAG, "\"1\"");
        assert_eq!(short.status(), StatusCode::NO_CONTENT);
        assert_eq!(short.headers()[PREFERENCE_APPLIED], MINIMAL);
        assert!(!short.headers().contains_key(header::CONTENT_TYPE));
        let made = answer(StatusCode::CREATED, header::ETAG, "\"1\"");
        assert_eq!((made.status(), made.headers().contains_key(header::CONTENT_TYPE)), (StatusCode::CREATED, false));
        for (status, name) in [
            (StatusCode::OK, header::LINK),
            (StatusCode::ACCEPTED, header::ETAG),
            (StatusCode::CONFLICT, header::ETAG),
            (StatusCode::MULTI_STATUS, header::ETAG),
        ] {
            let whole = answer(status, name, "x");
            assert_eq!((whole.status(), whole.headers().contains_key(PREFERENCE_APPLIED)), (status, false));
        }
        let secret = [(header::ETAG, "\"1\""), (header::CACHE_CONTROL, NO_STORE)];
        assert_eq!(minimal((StatusCode::OK, secret, "secret").into_response()).status(), StatusCode::OK);
    }
}
