use std::convert::Infallible;

use async_compression::{
    Level,
    tokio::bufread::{BrotliEncoder, GzipEncoder, ZstdEncoder},
};
use axum::{
    extract::{FromRequestParts, Request},
    http::{Extensions, HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use bytes::Bytes;
use tokio::io::AsyncReadExt;

/// Informs caches that another client may get the answer in another coding.
pub const VARY_BY_CODING: HeaderValue = HeaderValue::from_static("accept-encoding");

/// Answers of fewer bytes are not worth compressing.
pub const COMPRESS_ABOVE: usize = 1024;

/// A content coding that this server can send (RFC 9110, section 8.4.1), the preferred one last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Coding {
    #[default]
    Identity,
    Gzip,
    Brotli,
    Zstd,
}

impl Coding {
    pub const ALL: [Self; 4] = [Self::Identity, Self::Gzip, Self::Brotli, Self::Zstd];

    /// Returns the name in `Content-Encoding`; none for identity, which is not named there.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
            Self::Zstd => Some("zstd"),
        }
    }

    /// Returns the coding of this name, in any case; identity has one here.
    pub fn named(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "identity" => Some(Self::Identity),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "br" => Some(Self::Brotli),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Returns the coding of the highest quality in `Accept-Encoding` (RFC 9110, section 12.5.3); of several with the
    /// same quality the cheapest. A client that accepts none of them gets identity: no answer is refused for its
    /// coding, least of all one that reports a committed change.
    pub fn accepted(headers: &HeaderMap) -> Self {
        let mut qualities = [None; Self::ALL.len()];
        let mut others = None;
        let values = headers.get_all(header::ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
        for part in values.flat_map(|value| value.split(',')) {
            let (name, parameters) = part.split_once(';').unwrap_or((part, ""));
            let Some(quality) = quality(parameters) else { continue };
            if let Some(coding) = Self::named(name) {
                qualities[coding as usize] = Some(quality);
            } else if name.trim() == "*" {
                others = Some(quality);
            }
        }
        let quality = |coding: Self| qualities[coding as usize].or(others).unwrap_or(0);
        let wanted = Self::ALL.into_iter().filter(|coding| quality(*coding) > 0);
        wanted.max_by_key(|coding| (quality(*coding), *coding)).unwrap_or_default()
    }
}

/// Returns the quality in thousandths; none if it is invalid.
fn quality(parameters: &str) -> Option<u32> {
    let text = parameters.trim();
    if text.is_empty() {
        return Some(1000);
    }
    let value = text.strip_prefix("q=").or_else(|| text.strip_prefix("Q="))?;
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths = format!("{fraction:0<3}").parse::<u32>().ok()?;
    match (whole, thousandths) {
        ("0", thousandths) => Some(thousandths),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

/// Selects the coding of an answer once, and stores it as a [`Coding`] among the request's extensions and in
/// `Accept-Encoding`, so that everything below selects the same.
pub fn choose_coding(request: &mut Request) -> Coding {
    let coding = Coding::accepted(request.headers());
    request.headers_mut().remove(header::ACCEPT_ENCODING);
    if let Some(name) = coding.name() {
        request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static(name));
    }
    request.extensions_mut().insert(coding);
    coding
}

/// The coding that [`choose_coding`] has selected for the answer.
#[derive(Debug, Clone, Copy)]
pub struct ChosenCoding(Coding);

impl From<ChosenCoding> for Coding {
    fn from(ChosenCoding(coding): ChosenCoding) -> Self {
        coding
    }
}

impl<S: Sync> FromRequestParts<S> for ChosenCoding {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get().copied().unwrap_or_default()))
    }
}

/// Returns the same bytes in another coding.
pub async fn encode(plain: Bytes, coding: Coding, level: Level) -> Bytes {
    let mut encoded = Vec::new();
    // Reading from and writing to memory cannot fail.
    let done = match coding {
        Coding::Identity => return plain,
        Coding::Gzip => GzipEncoder::with_quality(&plain[..], level).read_to_end(&mut encoded).await,
        Coding::Brotli => BrotliEncoder::with_quality(&plain[..], level).read_to_end(&mut encoded).await,
        Coding::Zstd => ZstdEncoder::with_quality(&plain[..], level).read_to_end(&mut encoded).await,
    };
    if let Err(error) = done {
        tracing::error!(%error, "an answer could not be encoded");
    }
    encoded.into_boxed_slice().into()
}

/// Marks a response whose body is in its final form already.
#[derive(Debug, Clone, Copy)]
struct Encoded;

/// Marks the response as having a body in this coding already.
pub fn encoded(mut response: Response, coding: Coding) -> Response {
    let is_unchanged = response.status() == StatusCode::NOT_MODIFIED;
    let headers = response.headers_mut();
    headers.insert(header::VARY, VARY_BY_CODING);
    if let (Some(name), false) = (coding.name(), is_unchanged) {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    response.extensions_mut().insert(Encoded);
    response
}

/// Returns whether the response is in its final form already.
pub fn is_encoded(extensions: &Extensions) -> bool {
    extensions.get::<Encoded>().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(value: &str) -> Coding {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_str(value).unwrap());
        Coding::accepted(&headers)
    }

    #[test]
    fn qualities_have_at_most_three_decimals_and_are_at_most_one() {
        for (parameters, expected) in [
            ("", Some(1000)),
            (" q=1", Some(1000)),
            ("q=1.000", Some(1000)),
            ("q=0", Some(0)),
            ("q=0.5", Some(500)),
            ("Q=0.05 ", Some(50)),
            ("q=0.", Some(0)),
            ("q=0.0001", None),
            ("q=1.1", None),
            ("q=2", None),
            ("q=-1", None),
            ("q=", None),
            ("level=9", None),
        ] {
            assert_eq!(quality(parameters), expected, "{parameters}");
        }
    }

    #[test]
    fn several_headers_count_as_one() {
        let mut headers = HeaderMap::new();
        for value in ["br;q=0.5", "gzip;q=0.7, zstd;q=0.1"] {
            headers.append(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
        }
        assert_eq!(Coding::accepted(&headers), Coding::Gzip);
        assert_eq!(Coding::accepted(&HeaderMap::new()), Coding::Identity);
    }

    #[test]
    fn an_unnamed_coding_is_not_used_without_a_wildcard() {
        for (value, expected) in [
            ("deflate", Coding::Identity),
            ("gzip;q=0, *", Coding::Zstd),
            ("*;q=0.5, gzip", Coding::Gzip),
            ("identity;q=0.5, *;q=0", Coding::Identity),
            ("gzip;q=0.001", Coding::Gzip),
            (",,;;gzip,", Coding::Identity),
        ] {
            assert_eq!(accepted(value), expected, "{value}");
        }
    }
}
