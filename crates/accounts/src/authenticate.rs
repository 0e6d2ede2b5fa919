use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use loadmaster_platform::{
    telemetry::{Traced, span},
    web::Problem,
};

use super::{
    api_keys::{ApiKeyService, is_api_key},
    credentials::SessionService,
    error::{AccountError, code},
    people::{Credential, Principal},
};

/// Operations that read their credentials from the body and ignore the header: OAuth clients send the client's own
/// credentials there, and a caller that refreshes a token or asks for a guest's may still send an expired one.
const CREDENTIALS_IN_BODY: [&str; 9] = [
    "/api/v1/auth/register",
    "/api/v1/auth/login",
    "/api/v1/auth/token",
    "/api/v1/auth/refresh",
    "/api/v1/auth/logout",
    "/api/v1/auth/guest",
    "/api/v1/auth/email/verify",
    "/api/v1/auth/password/forgot",
    "/api/v1/auth/password/reset",
];

/// Whether the operation at this path ignores `Authorization`, so that its caller is unknown.
pub fn ignores_tokens(path: &str) -> bool {
    CREDENTIALS_IN_BODY.contains(&path)
}

/// Identifies the caller of a request by its access token or API key. Cheap to clone.
#[derive(Clone)]
pub struct Authenticator {
    sessions: SessionService,
    api_keys: ApiKeyService,
}

impl Authenticator {
    pub(super) fn new(sessions: SessionService, api_keys: ApiKeyService) -> Self {
        Self { sessions, api_keys }
    }

    /// The caller of a request; `None` for a request without `Authorization`. A bad credential is refused, also on public
    /// routes, so that the client learns that its token is not valid.
    pub async fn caller(&self, path: &str, headers: &HeaderMap) -> Result<Option<Principal>, Response> {
        if ignores_tokens(path) {
            return Ok(None);
        }
        let Some(credential) = bearer_token(headers).map_err(refused)? else { return Ok(None) };
        self.bearer(credential).in_span(span("accounts.authenticate")).await.map(Some).map_err(refused)
    }

    /// Whether a caller that was identified before may still do what it might then. An access token that has expired since
    /// does not end what it began.
    pub async fn is_still_admitted(&self, caller: &Principal) -> Result<bool, AccountError> {
        let judged = match caller.credential {
            Credential::ApiKey { id, .. } => return self.api_keys.still_identifies(id, caller).await,
            Credential::Session(_) | Credential::Guest => self.sessions.judge(caller).await,
        };
        match judged {
            Ok(()) => Ok(true),
            Err(AccountError::SessionEnded | AccountError::TokenOutdated | AccountError::NoAccount) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn bearer(&self, credential: &str) -> Result<Principal, AccountError> {
        if is_api_key(credential) {
            self.api_keys.authenticate(credential).await
        } else {
            self.sessions.authenticate(credential).await
        }
    }
}

/// RFC 6750, section 3.1: the challenge informs the client that its token is not valid.
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

/// The token or API key of the only `Authorization` header. The scheme is case-insensitive (RFC 9110, section 11.1).
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
