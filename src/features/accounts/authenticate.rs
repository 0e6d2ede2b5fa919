use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};

use super::error::code;
use super::{error::AccountError, model::Principal, service::AccountService};
use crate::platform::{
    telemetry::{Traced, span},
    web::Problem,
};

/// Where credentials are exchanged the header says nothing: OAuth clients send the client's own as Basic there.
/// Who refreshes a token has one that expired; who wants to be a guest may have one that is worth nothing any more.
const CREDENTIALS_IN_BODY: [&str; 6] = [
    "/api/v1/auth/register",
    "/api/v1/auth/login",
    "/api/v1/auth/token",
    "/api/v1/auth/refresh",
    "/api/v1/auth/logout",
    "/api/v1/auth/guest",
];

/// Whether the operation at this path takes its credentials elsewhere: whoever asks it is unknown.
pub fn ignores_tokens(path: &str) -> bool {
    CREDENTIALS_IN_BODY.contains(&path)
}

impl AccountService {
    /// Who the Bearer token or API key of a request speaks for. A request without `Authorization` is nobody's; one with a
    /// bad one is refused, also on public routes, so that a client learns that its token is no good.
    pub async fn caller(&self, path: &str, headers: &HeaderMap) -> Result<Option<Principal>, Response> {
        if ignores_tokens(path) {
            return Ok(None);
        }
        let Some(token) = bearer_token(headers).map_err(refused)? else { return Ok(None) };
        self.bearer(token).in_span(span("accounts.authenticate")).await.map(Some).map_err(refused)
    }
}

/// RFC 6750, section 3.1: who showed a token learns that it is the token that is no good.
fn refused(error: AccountError) -> Response {
    let problem = Problem::from(error);
    let is_invalid = problem.code() == code::UNAUTHENTICATED;
    let mut response = problem.into_response();
    if is_invalid {
        let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// The token or API key of the only `Authorization` header; the scheme's name is taken in any case (RFC 9110, section 11.1).
pub fn bearer_token(headers: &HeaderMap) -> Result<Option<&str>, AccountError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (values.next(), values.next()) else {
        return Err(AccountError::TokenInvalid);
    };
    let Some(value) = value else {
        return Ok(None);
    };
    let text = value.to_str().map_err(|_| AccountError::TokenInvalid)?;
    let (scheme, token) = text.trim().split_once(' ').ok_or(AccountError::TokenInvalid)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(AccountError::TokenInvalid);
    }
    Ok(Some(token.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let pair = |value: &&str| (header::AUTHORIZATION, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        values.iter().map(pair).collect()
    }

    #[test]
    fn the_token_stands_after_the_scheme() {
        for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER   a.b.c", " Bearer a.b.c "] {
            assert_eq!(bearer_token(&headers(&[value])).unwrap(), Some("a.b.c"), "{value}");
        }
        assert_eq!(bearer_token(&headers(&[])).unwrap(), None);
    }

    #[test]
    fn everything_else_is_no_credential() {
        for values in [
            &[""] as &[&str],
            &["Bearer"],
            &["Bearer "],
            &["a.b.c"],
            &["Basic YTpi"],
            &["Token a.b.c"],
            &["Béarer a.b.c"],
            &["Bearer a.b.c", "Bearer a.b.c"],
        ] {
            assert!(bearer_token(&headers(values)).is_err(), "{values:?}");
        }
    }
}
