use axum::{
    extract::{OriginalUri, Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{error::AccountError, service::AccountService};
use crate::platform::{
    telemetry::{Traced, part},
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

/// Whether the operation at this path looks at no token: whoever asks it is unknown.
pub fn ignores_tokens(path: &str) -> bool {
    CREDENTIALS_IN_BODY.contains(&path)
}

/// The layer that puts the [`Principal`](super::Principal) of a good Bearer token or API key into the request. A request without
/// `Authorization` passes as anonymous; one with a bad one is refused, also on public routes, so that a client learns
/// that its token is no good.
pub async fn authenticate(State(accounts): State<AccountService>, mut request: Request, next: Next) -> Response {
    // Nested routers shorten the path.
    let uri = request.extensions().get::<OriginalUri>().map_or_else(|| request.uri(), |original| &original.0);
    if ignores_tokens(uri.path()) {
        return next.run(request).await;
    }
    let token = match bearer_token(request.headers()) {
        Ok(None) => return next.run(request).await,
        Ok(Some(token)) => token.to_owned(),
        Err(error) => return Problem::from(error).into_response(),
    };
    match accounts.bearer(&token).within(part("accounts.authenticate")).await {
        Ok(principal) => {
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Err(error) => Problem::from(error).into_response(),
    }
}

/// The token of the only `Authorization` header; the scheme's name is taken in any case (RFC 9110, section 11.1).
fn bearer_token(headers: &HeaderMap) -> Result<Option<&str>, AccountError> {
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
    use axum::http::HeaderValue;

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
