//! The session of a browser: its refresh token travels in a cookie, which no script can read, and in no body.
use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, header, request::Parts},
};
use loadmaster_platform::web::{ByHttps, RequestOrigin};
use secrecy::{ExposeSecret, SecretString};

use crate::error::AccountError;

const NAME: &str = "loadmaster_session";
/// Only what opens, continues and ends sessions receives the cookie.
const SCOPE: &str = "HttpOnly; SameSite=Strict; Path=/api/v1/auth";

/// A request's part in a session by cookie.
pub(super) struct CookieRequest {
    origin: RequestOrigin,
    is_by_https: bool,
    token: Option<SecretString>,
}

impl CookieRequest {
    /// Refuses the pages of others, to which a browser may have been led.
    pub fn require_own_origin(&self, public_url: Option<&str>) -> Result<(), AccountError> {
        if self.origin.is_own(public_url) { Ok(()) } else { Err(AccountError::ForeignOrigin) }
    }

    /// Returns the refresh token of the cookie.
    pub fn token(&self) -> Result<SecretString, AccountError> {
        self.token.clone().ok_or(AccountError::RefreshInvalid)
    }

    /// The header that keeps a refresh token in the browser for `seconds`.
    pub fn keep(&self, token: &SecretString, seconds: i64) -> Option<HeaderValue> {
        self.header(token.expose_secret(), seconds)
    }

    /// The header that makes the browser forget the token.
    pub fn forget(&self) -> Option<HeaderValue> {
        self.header("", 0)
    }

    fn header(&self, value: &str, seconds: i64) -> Option<HeaderValue> {
        let secure = if self.is_by_https { "; Secure" } else { "" };
        let mut header = HeaderValue::try_from(format!("{NAME}={value}; Max-Age={seconds}; {SCOPE}{secure}")).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CookieRequest {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let origin = RequestOrigin::from_request_parts(parts, state).await?;
        let is_by_https = parts.extensions.get::<ByHttps>().is_some_and(|https| https.0);
        Ok(Self { origin, is_by_https, token: token(&parts.headers) })
    }
}

/// Finds the cookie among all (RFC 6265, section 5.4).
fn token(headers: &HeaderMap) -> Option<SecretString> {
    let values = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, value)| *name == NAME && !value.is_empty())?;
    Some(value.to_owned().into())
}
