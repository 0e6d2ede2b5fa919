use axum::{
    extract::{FromRef, FromRequestParts},
    http::{HeaderMap, HeaderName, Method, request::Parts},
};
use loadmaster_kernel::FaultCode;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{Idempotency, Key, Scope, path};

use crate::web::{Body, InputFault, Problem, code, digest_of};

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// The longest key.
const LONGEST: usize = 255;

/// The header, for the description of an operation.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct KeyHeader {
    /// Makes a repeated request safe. 1 to 255 visible ASCII characters of your choice, quoted or bare, new for each
    /// new request. For 24 hours (unless configured otherwise), the same key with the same body returns the first
    /// successful response again, with `Idempotency-Replayed: true`.
    #[param(rename = "Idempotency-Key", required = false)]
    #[allow(dead_code, reason = "it is only described")]
    idempotency_key: Option<String>,
}

/// A changing request, with its `Idempotency-Key` if it has one.
pub struct Idempotent {
    idempotency: Idempotency,
    method: Method,
    /// In its canonical form.
    path: String,
    query: String,
    key: Result<Option<String>, Problem>,
}

impl<S> FromRequestParts<S> for Idempotent
where
    S: Send + Sync,
    Idempotency: FromRef<S>,
{
    type Rejection = std::convert::Infallible;

    /// Validated later, with the other parts of the request.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let uri = parts.extensions.get::<axum::extract::OriginalUri>().map_or(&parts.uri, |original| &original.0);
        Ok(Self {
            idempotency: Idempotency::from_ref(state),
            method: parts.method.clone(),
            path: path::canonical(uri.path()),
            query: uri.query().unwrap_or_default().to_owned(),
            key: KeyHeader::read(&parts.headers),
        })
    }
}

impl Idempotent {
    /// Returns the keys of the rows of this request.
    pub fn rows(self, principal: Uuid) -> Result<RowKeys, Problem> {
        let Self { idempotency, key, .. } = self;
        Ok(RowKeys { idempotency, principal, key: key? })
    }

    /// Returns the key of this request with this body.
    pub fn key(self, principal: Uuid, body: &Body) -> Result<Key, Problem> {
        let Self { idempotency, method, path, query, key } = self;
        let Some(key) = key? else { return Ok(Key::none()) };
        if path.len() > path::LONGEST {
            let text = format!("With an Idempotency-Key the path must have at most {} bytes.", path::LONGEST);
            return Err(Problem::new(code::MALFORMED_REQUEST, text));
        }
        let scope = Scope { principal, method: method.to_string(), path, key };
        Ok(Key::new(idempotency, scope, body.fingerprint(&query)))
    }
}

/// The keys of the rows of a request that acts on many resources: each is judged as the call that acts on it alone.
pub struct RowKeys {
    idempotency: Idempotency,
    principal: Uuid,
    key: Option<String>,
}

impl RowKeys {
    /// Returns the key of the row `id`, which asks for `asked`, and whose single call is `POST` to this path.
    pub fn of(&self, asked: &str, id: &str, path: &str) -> Key {
        let Some(key) = &self.key else { return Key::none() };
        let path = path::canonical(path);
        let scope =
            Scope { principal: self.principal, method: Method::POST.to_string(), path, key: format!("{key}/{id}") };
        Key::new(self.idempotency.clone(), scope, digest_of(&["row", asked]))
    }
}

impl KeyHeader {
    /// Reads the request's key, if present, without its quotes.
    pub fn read(headers: &HeaderMap) -> Result<Option<String>, Problem> {
        let mut values = headers.get_all(&HEADER).iter();
        let Some(value) = values.next() else { return Ok(None) };
        let text = value.to_str().unwrap_or_default().trim();
        let bare = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
        let is_valid = (1..=LONGEST).contains(&bare.len()) && bare.bytes().all(|byte| byte.is_ascii_graphic());
        if is_valid && values.next().is_none() {
            return Ok(Some(bare.to_owned()));
        }
        let message = format!("`Idempotency-Key` must be given once, with 1 to {LONGEST} visible ASCII characters.");
        Err(Problem::validation(&[InputFault::header("Idempotency-Key", FaultCode::InvalidFormat, message)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(values: &[&str]) -> Result<Option<String>, Problem> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(&HEADER, value.parse().unwrap());
        }
        KeyHeader::read(&headers)
    }

    #[test]
    fn keys_are_quoted_or_bare_visible_ascii_of_up_to_255_characters() {
        assert_eq!(key(&[]).unwrap(), None);
        assert_eq!(key(&["abc-1"]).unwrap().as_deref(), Some("abc-1"));
        assert_eq!(key(&["\"abc-1\""]).unwrap().as_deref(), Some("abc-1"));
        assert!(key(&[&"k".repeat(255)]).is_ok());
        for bad in ["", "\"\"", "a b", "caf\u{e9}"] {
            assert!(key(&[bad]).is_err(), "{bad:?}");
        }
        assert!(key(&[&"k".repeat(256)]).is_err());
        assert!(key(&["one", "two"]).is_err());
    }
}
