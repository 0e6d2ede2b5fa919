use std::str::FromStr;

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::web::{JSON, NO_STORE, PRIVATE};

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The answer to a committed change: as sent, and as stored for repetitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    status: StatusCode,
    location: Option<String>,
    /// The `ETag` without its quotes.
    tag: Option<String>,
    cache: &'static str,
    body: String,
    is_replayed: bool,
    /// It reports an outcome, and not work under way.
    is_final: bool,
}

impl Answer {
    pub fn new(status: StatusCode, body: &impl Serialize, cache: &'static str) -> Self {
        // Serialisation of an answer as JSON cannot fail: its keys are texts.
        let body = serde_json::to_string(body).unwrap_or_default();
        let is_final = status != StatusCode::ACCEPTED;
        Self { status, location: None, tag: None, cache, body, is_replayed: false, is_final }
    }

    #[must_use]
    pub fn with_tag(mut self, tag: impl Into<String>) -> Self {
        self.tag = Some(tag.into());
        self
    }

    #[must_use]
    pub fn with_location(mut self, location: impl Into<String>) -> Self {
        self.location = Some(location.into());
        self
    }

    /// Adds a member to the body, which is an object. In a stored answer it must be added again: what is kept under a
    /// key has the members of its making only.
    #[must_use]
    pub fn with_member(mut self, name: &str, value: &impl Serialize) -> Self {
        if let (Some(members), Ok(name), Ok(value)) =
            (self.body.strip_suffix('}'), serde_json::to_string(name), serde_json::to_string(value))
        {
            let comma = if members.ends_with('{') { "" } else { "," };
            self.body = format!("{members}{comma}{name}:{value}}}");
        }
        self
    }

    /// Returns another answer to the same change: what carried it out answers with another resource than its caller
    /// expects.
    #[must_use]
    pub fn replaced_by(self, other: Self) -> Self {
        Self { is_replayed: self.is_replayed, ..other }
    }

    /// Says that it is final although it is a 202: what was asked for was to queue something.
    #[must_use]
    pub fn settled(mut self) -> Self {
        self.is_final = true;
        self
    }

    /// Forbids to keep the answer in any cache: it has a credential.
    #[must_use]
    pub fn uncached(mut self) -> Self {
        self.cache = NO_STORE;
        self
    }

    /// Reads members of the body.
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(&self.body).ok()
    }

    /// Restores a stored answer.
    pub(super) fn again(status: i16, location: Option<String>, tag: Option<String>, body: String) -> Self {
        let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
        Self {
            status: status.unwrap_or(StatusCode::OK),
            location,
            tag,
            cache: PRIVATE,
            body,
            is_replayed: true,
            is_final: true,
        }
    }

    pub(super) fn status_number(&self) -> i16 {
        i16::try_from(self.status.as_u16()).unwrap_or_default()
    }

    /// Returns whether it reports an outcome: one that reports work under way is not stored.
    pub fn is_final(&self) -> bool {
        self.is_final
    }

    pub(super) fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }

    /// Returns the name of what was made when this answer was stored: the last part of its stored address. `None` of one that
    /// is given for the first time: whoever made something knows it.
    pub fn made_before<T: FromStr>(&self) -> Option<T> {
        let location = self.location.as_deref().filter(|_| self.is_replayed)?;
        location.rsplit('/').next()?.parse().ok()
    }

    pub(super) fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    pub(super) fn body(&self) -> &str {
        &self.body
    }

    /// Returns whether the answer was stored before: its new recipient must still be allowed to see it.
    pub const fn is_replayed(&self) -> bool {
        self.is_replayed
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = match self.status {
            StatusCode::NO_CONTENT => self.status.into_response(),
            status => (status, [(header::CONTENT_TYPE, JSON)], self.body).into_response(),
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(self.cache));
        let tag = self.tag.map(|tag| format!("\"{tag}\""));
        for (name, value) in [(header::ETAG, tag), (header::LOCATION, self.location)] {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                headers.insert(name, value);
            }
        }
        if self.is_replayed {
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_stored_answer_names_what_it_made() {
        let again = |location: Option<&str>| Answer::again(201, location.map(str::to_owned), None, "{}".to_owned());
        assert_eq!(again(Some("/api/v1/things/17")).made_before(), Some(17));
        assert_eq!(again(Some("/api/v1/things/old")).made_before::<i32>(), None);
        assert_eq!(again(None).made_before::<i32>(), None);
        let first = Answer::new(StatusCode::CREATED, &json!({}), PRIVATE).with_location("/api/v1/things/17");
        assert_eq!(first.made_before::<i32>(), None);
    }

    #[test]
    fn a_member_is_added_to_what_is_there() {
        let answer = |body: Value| Answer::new(StatusCode::OK, &body, PRIVATE).with_member("b", &json!({"c": "}"}));
        assert_eq!(answer(json!({})).body, r#"{"b":{"c":"}"}}"#);
        assert_eq!(answer(json!({"a": {}})).body, r#"{"a":{},"b":{"c":"}"}}"#);
        assert_eq!(answer(json!([])).read::<Value>(), Some(json!([])), "only an object has members");
    }
}
