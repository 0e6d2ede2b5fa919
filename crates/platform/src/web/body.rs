use std::convert::Infallible;

use axum::{
    body::HttpBody as _,
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use loadmaster_kernel::{Fault, FaultCode};
use serde_json::{Map, Value};

use super::{
    code,
    decoding::{coding_of, decode, too_large},
    fields::{Fields, MOST_FAULTS},
    fingerprint::{Content, fingerprint},
    problem::{InputFault, Problem},
};

use crate::json::{self, JsonError};

/// Number of bytes of a body that are read before it is refused.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimit(pub usize);

impl Default for BodyLimit {
    fn default() -> Self {
        Self(1024 * 1024)
    }
}

/// A received body that is not yet validated: a missing resource is reported before a faulty body.
#[derive(Debug)]
pub struct Body {
    media_type: String,
    /// The parameter of the media type, in lower case.
    charset: Option<String>,
    bytes: Result<Bytes, Problem>,
}

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Infallible> {
        let limit = request.extensions().get::<BodyLimit>().copied().unwrap_or_default();
        Ok(Self::receive(request, limit).await)
    }
}

const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";

impl Body {
    /// Reads a body of at most `limit`, as it was sent and without its content coding.
    async fn receive(request: Request, BodyLimit(limit): BodyLimit) -> Self {
        let (media_type, charset) = media_type(request.headers());
        let of = |bytes| Self { media_type, charset, bytes };
        let coding = match coding_of(request.headers()) {
            Ok(coding) => coding,
            Err(problem) => return of(Err(problem)),
        };
        let body = request.into_body();
        // The length is known beforehand: the body is refused without waiting for it.
        if body.size_hint().lower() > limit as u64 {
            return of(Err(too_large(limit)));
        }
        let bytes = match collect(body, limit).await {
            Ok(Some(bytes)) => decode(bytes, coding, limit).await,
            Ok(None) => Err(too_large(limit)),
            Err(_) => Err(Problem::new(code::MALFORMED_REQUEST, "The body ended before it was complete.")),
        };
        of(bytes)
    }

    /// Reads a JSON object that must be present.
    pub fn read<T>(&self, read: impl FnOnce(&mut Fields<'_>) -> Option<T>) -> Result<T, Problem> {
        self.object(&[JSON], read)
    }

    /// Reads a JSON array of at most `most` objects that must be present. Pointers of faults start at the array.
    pub fn read_list<T>(&self, most: usize, read: impl Fn(&mut Fields<'_>) -> Option<T>) -> Result<Vec<T>, Problem> {
        let bytes = self.bytes.as_ref().map_err(Clone::clone)?;
        if bytes.is_empty() {
            return Err(Problem::new(code::MALFORMED_REQUEST, "This operation requires a JSON array as its body."));
        }
        let refused =
            |code, message: String| Problem::validation(&[InputFault::body(String::new(), &Fault::new(code, message))]);
        let Value::Array(items) = self.parse_value(bytes, &[JSON])? else {
            return Err(refused(FaultCode::WrongType, "The body must be a JSON array.".to_owned()));
        };
        if items.len() > most {
            return Err(refused(FaultCode::TooLong, format!("The body must have at most {most} entries.")));
        }
        read_entries(&items, read)
    }

    /// Returns whether there is no body.
    pub fn is_empty(&self) -> bool {
        self.media_type.is_empty() && self.bytes.as_ref().is_ok_and(Bytes::is_empty)
    }

    /// Returns whether it has this media type.
    pub fn is_of_type(&self, media_type: &str) -> bool {
        self.media_type == media_type
    }

    /// Returns the encoding of its text that its media type names, in lower case.
    pub fn charset(&self) -> Option<&str> {
        self.charset.as_deref()
    }

    fn object<T>(&self, types: &[&str], read: impl FnOnce(&mut Fields<'_>) -> Option<T>) -> Result<T, Problem> {
        let bytes = self.bytes.as_ref().map_err(Clone::clone)?;
        if bytes.is_empty() {
            return Err(Problem::new(code::MALFORMED_REQUEST, "This operation requires a JSON object as its body."));
        }
        self.parse(bytes, types, read)
    }

    /// Reads a JSON merge patch (RFC 7396) that must be present, also under its own media type.
    pub fn read_patch<T>(&self, read: impl FnOnce(&mut Fields<'_>) -> Option<T>) -> Result<T, Problem> {
        self.object(&[JSON, MERGE_PATCH], read)
    }

    /// Reads a JSON object; an absent body counts as an empty object.
    pub fn read_optional<T>(&self, read: impl FnOnce(&mut Fields<'_>) -> Option<T>) -> Result<T, Problem> {
        let bytes = self.bytes.as_ref().map_err(Clone::clone)?;
        if !bytes.is_empty() {
            return self.parse(bytes, &[JSON], read);
        }
        let empty = Map::new();
        let mut fields = Fields::of_body(&empty);
        let value = read(&mut fields);
        fields.conclude(value)
    }

    /// Returns a 32-byte digest of this body and the query; JSON counts by its parsed value, and an absent body as
    /// `{}`.
    pub fn fingerprint(&self, query: &str) -> [u8; 32] {
        let bytes = self.bytes.as_ref().map(Bytes::as_ref).unwrap_or_default();
        let is_json = self.media_type == JSON || self.media_type == MERGE_PATCH;
        let content = match bytes {
            [] => Content::Json(Value::Object(Map::new())),
            bytes if is_json => parse_json(bytes).map_or(Content::Bytes(bytes), Content::Json),
            bytes => Content::Bytes(bytes),
        };
        fingerprint(query, &content)
    }

    /// Returns the bytes of a body that must have one media type.
    pub fn of_type(self, expected: &str) -> Result<Bytes, Problem> {
        self.of_one_of(&[expected])
    }

    /// Returns the bytes of a body that must have one of these media types.
    pub fn of_one_of(self, expected: &[&str]) -> Result<Bytes, Problem> {
        self.bytes_of(expected)
    }

    /// Returns the same of a body that is still needed, as for the fingerprint of its request.
    pub fn bytes_of(&self, expected: &[&str]) -> Result<Bytes, Problem> {
        if expected.contains(&self.media_type.as_str()) {
            return self.bytes.clone();
        }
        let expected = expected.join(" or ");
        if self.media_type.is_empty() && self.bytes.as_ref().is_ok_and(Bytes::is_empty) {
            return Err(Problem::new(
                code::MALFORMED_REQUEST,
                format!("This operation requires a body of type {expected}."),
            ));
        }
        Err(Problem::new(code::UNSUPPORTED_MEDIA_TYPE, format!("The body must be of type {expected}.")))
    }

    fn parse<T>(
        &self,
        bytes: &[u8],
        types: &[&str],
        read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
    ) -> Result<T, Problem> {
        let Value::Object(object) = self.parse_value(bytes, types)? else {
            return Err(Problem::not_an_object());
        };
        let mut fields = Fields::of_body(&object);
        let value = read(&mut fields);
        fields.conclude(value)
    }

    fn parse_value(&self, bytes: &[u8], types: &[&str]) -> Result<Value, Problem> {
        if !types.contains(&self.media_type.as_str()) {
            return Err(Problem::new(code::UNSUPPORTED_MEDIA_TYPE, "The body must be of type application/json."));
        }
        parse_json(bytes)
    }
}

/// Reads each entry of an array that is the body, and collects the faults of all.
fn read_entries<T>(items: &[Value], read: impl Fn(&mut Fields<'_>) -> Option<T>) -> Result<Vec<T>, Problem> {
    let (mut values, mut faults) = (Vec::with_capacity(items.len()), Vec::new());
    for (index, item) in items.iter().enumerate() {
        let Value::Object(object) = item else {
            let message = format!("`[{index}]` must be an object.");
            faults.push(InputFault::body(format!("/{index}"), &Fault::new(FaultCode::WrongType, message)));
            continue;
        };
        let mut fields = Fields::of_entry(object, index);
        values.extend(read(&mut fields));
        faults.append(&mut fields.finish());
    }
    faults.truncate(MOST_FAULTS);
    match faults.as_slice() {
        [] if values.len() == items.len() => Ok(values),
        [] => Err(Problem::internal(&"a reader gave neither a value nor a fault")),
        faults => Err(Problem::validation(faults)),
    }
}

fn parse_json(bytes: &[u8]) -> Result<Value, Problem> {
    json::parse(bytes).map_err(|error| {
        let text = match error {
            JsonError::TooDeep => format!("The body is nested more than {} levels deep.", json::DEEPEST),
            JsonError::Malformed { .. } => format!("The body is not well-formed JSON: {error}."),
        };
        Problem::new(code::MALFORMED_REQUEST, text)
    })
}

/// An `application/x-www-form-urlencoded` body (RFC 6749 asks for one).
#[derive(Debug)]
pub struct Form(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Ok(body) = Body::from_request(request, state).await;
        Self::of(body)
    }
}

impl Form {
    pub const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

    /// Reads a body that was received.
    pub fn of(body: Body) -> Result<Self, Problem> {
        let bytes = body.of_type(Self::MEDIA_TYPE)?;
        Ok(Self(super::query::decode(&bytes)?))
    }

    /// Returns whether a parameter occurs.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// Returns the value of a parameter that occurs once and is not empty (RFC 6749, section 3.2).
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let value = values.next().filter(|value| !value.is_empty());
        value.filter(|_| values.next().is_none())
    }
}

/// Returns the media type, empty when there is none, and its parameter `charset`; both in lower case.
fn media_type(headers: &HeaderMap) -> (String, Option<String>) {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = value.split(';').map(|part| part.trim().to_ascii_lowercase());
    let media_type = parts.next().unwrap_or_default();
    let charset = parts.find_map(|part| Some(part.strip_prefix("charset=")?.trim_matches('"').to_owned()));
    (media_type, charset)
}

/// Reads the whole body; `None` if it is longer than `limit`. Copies each piece: a small one would keep its whole
/// network buffer in memory.
async fn collect(mut body: axum::body::Body, limit: usize) -> Result<Option<Bytes>, axum::Error> {
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(piece) = frame?.into_data() {
            if all.len() + piece.len() > limit {
                return Ok(None);
            }
            all.extend_from_slice(&piece);
        }
    }
    Ok(Some(all.freeze()))
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, sync::Arc};

    use super::*;

    /// A network buffer: every piece of it keeps all of it in memory.
    struct Wire(#[allow(dead_code, reason = "it is counted")] Arc<()>);

    impl AsRef<[u8]> for Wire {
        fn as_ref(&self) -> &[u8] {
            &[b'x'; 4096]
        }
    }

    #[tokio::test]
    async fn a_body_of_small_pieces_keeps_no_more_than_its_bytes() {
        let in_use = Arc::new(());
        let mut wire = Bytes::from_owner(Wire(in_use.clone()));
        let pieces = (0..10).map(|_| Ok::<_, Infallible>(wire.split_to(1))).collect::<Vec<_>>();
        drop(wire);
        let body = axum::body::Body::from_stream(futures_util::stream::iter(pieces));
        let collected = collect(body, 10).await.unwrap();
        assert_eq!(collected.as_deref(), Some(b"xxxxxxxxxx".as_slice()));
        assert_eq!(Arc::strong_count(&in_use), 1);
    }

    #[test]
    fn a_media_type_may_name_a_charset() {
        for (value, expected) in [
            ("Text/CSV", ("text/csv", None)),
            ("text/csv; header=present; CHARSET=\"UTF-8\"", ("text/csv", Some("utf-8"))),
            ("text/csv;charset=iso-8859-1", ("text/csv", Some("iso-8859-1"))),
            ("text/csv; charset=", ("text/csv", Some(""))),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().unwrap())]);
            let (media_type, charset) = media_type(&headers);
            assert_eq!((media_type.as_str(), charset.as_deref()), expected, "{value}");
        }
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        for (limit, expected) in [(3, Some(b"abc".as_slice())), (2, None)] {
            assert_eq!(collect(axum::body::Body::from("abc"), limit).await.unwrap().as_deref(), expected);
        }
    }
}
