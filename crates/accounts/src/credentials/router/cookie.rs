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
/// The name under TLS. Browsers let no page set it that did not come by https, those of neighbouring hosts included.
const SECURE_NAME: &str = "__Secure-loadmaster_session";
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
        let (name, secure) = (name(self.is_by_https), if self.is_by_https { "; Secure" } else { "" });
        let mut header = HeaderValue::try_from(format!("{name}={value}; Max-Age={seconds}; {SCOPE}{secure}")).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CookieRequest {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let origin = RequestOrigin::from_request_parts(parts, state).await?;
        let is_by_https = parts.extensions.get::<ByHttps>().is_some_and(|https| https.0) || origin.is_by_https();
        Ok(Self { origin, is_by_https, token: token(&parts.headers, name(is_by_https)) })
    }
}

const fn name(is_by_https: bool) -> &'static str {
    if is_by_https { SECURE_NAME } else { NAME }
}

/// Finds the cookie among all (RFC 6265, section 5.4). Of two with its name, another page may have set one: neither counts.
fn token(headers: &HeaderMap, name: &str) -> Option<SecretString> {
    let values = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut found = pairs.filter(|(key, _)| *key == name);
    let (Some((_, value)), None) = (found.next(), found.next()) else { return None };
    (!value.is_empty()).then(|| value.to_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(cookies: &[&'static str], name: &str) -> Option<String> {
        let header = |text: &'static str| (header::COOKIE, HeaderValue::from_static(text));
        token(&cookies.iter().copied().map(header).collect(), name).map(|token| token.expose_secret().to_owned())
    }

    #[test]
    fn a_cookie_is_found_among_others_under_its_name_alone() {
        assert_eq!(found(&["theme=dark; loadmaster_session=abc"], NAME).as_deref(), Some("abc"));
        assert_eq!(found(&["a=b", "loadmaster_session=abc"], NAME).as_deref(), Some("abc"));
        assert_eq!(found(&["__Secure-loadmaster_session=abc"], SECURE_NAME).as_deref(), Some("abc"));
        assert_eq!(found(&["loadmaster_session=abc"], SECURE_NAME), None);
        assert_eq!(found(&["__Secure-loadmaster_session=abc"], NAME), None);
        assert_eq!(found(&["loadmaster_session="], NAME), None);
    }

    #[test]
    fn two_cookies_of_one_name_are_both_refused() {
        for name in [NAME, SECURE_NAME] {
            assert_eq!(found(&["loadmaster_session=a; loadmaster_session=b"], name), None);
            assert_eq!(found(&["__Secure-loadmaster_session=a", "__Secure-loadmaster_session=b"], name), None);
        }
        assert_eq!(found(&["loadmaster_session=a; loadmaster_session=a"], NAME), None);
        assert_eq!(found(&["loadmaster_session=; loadmaster_session=a"], NAME), None);
        let others = ["loadmaster_session=planted; __Secure-loadmaster_session=own"];
        assert_eq!(found(&others, SECURE_NAME).as_deref(), Some("own"));
    }
}
