use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{Uri, request::Parts},
};
use percent_encoding::percent_decode;

use super::{code, fields::Fields, problem::Problem};

/// The query's parameters, decoded but not yet validated.
#[derive(Debug, Clone)]
pub struct Query {
    path: String,
    pairs: Result<Vec<(String, String)>, Problem>,
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // Nested routers shorten the path; links need the original one.
        let original = parts.extensions.get::<axum::extract::OriginalUri>().map_or(&parts.uri, |original| &original.0);
        Ok(Self::of(original))
    }
}

impl Query {
    pub fn of(uri: &Uri) -> Self {
        let pairs = decode(uri.query().unwrap_or_default().as_bytes());
        Self { path: uri.path().to_owned(), pairs }
    }

    pub fn read<T>(&self, read: impl FnOnce(&mut Fields<'_>) -> Option<T>) -> Result<T, Problem> {
        let mut fields = Fields::of_query(self.pairs.as_ref().map_err(Clone::clone)?);
        let value = read(&mut fields);
        fields.conclude(value)
    }

    /// Returns a parameter as it was sent, whatever is wrong with the others; of a repeated one the last.
    pub fn raw(&self, name: &str) -> Option<&str> {
        let mut pairs = self.pairs.iter().flatten().rev();
        pairs.find_map(|(given, value)| (given == name).then_some(value.as_str()))
    }

    /// Refuses all parameters, for operations that take none.
    pub fn refuse_all(&self) -> Result<(), Problem> {
        self.read(|_| Some(()))
    }

    /// Returns the identity of the list: its address, order and filters, whatever their order.
    pub(super) fn scope(&self) -> String {
        let paging = |name: &str| matches!(name, "limit" | "offset" | "cursor" | "count");
        let mut filters: Vec<_> = self.pairs.iter().flatten().filter(|(name, _)| !paging(name)).collect();
        filters.sort();
        format!("{}\n{filters:?}", self.path)
    }

    /// Returns the address of the next page. Its entries are counted once, with the first page.
    pub(super) fn with_cursor(&self, cursor: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(
            self.pairs.iter().flatten().filter(|(name, _)| !matches!(name.as_str(), "offset" | "cursor" | "count")),
        );
        query.append_pair("cursor", cursor);
        format!("{}?{}", self.path, query.finish())
    }
}

/// Splits and decodes `name=value&…`; text that is not UTF-8 is refused.
pub(super) fn decode(encoded: &[u8]) -> Result<Vec<(String, String)>, Problem> {
    let part = |bytes: &[u8]| {
        let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        percent_decode(&spaced)
            .decode_utf8()
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| Problem::new(code::MALFORMED_REQUEST, "The parameters are not valid UTF-8."))
    };
    encoded
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            Ok((part(&pair[..at])?, part(pair.get(at + 1..).unwrap_or_default())?))
        })
        .collect()
}
