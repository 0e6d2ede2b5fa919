use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::platform::web::{JSON, PRIVATE};

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
}

impl Answer {
    pub fn new(status: StatusCode, body: &impl Serialize, cache: &'static str) -> Self {
        // Serialisation of an answer as JSON cannot fail: its keys are texts.
        let body = serde_json::to_string(body).unwrap_or_default();
        Self { status, location: None, tag: None, cache, body, is_replayed: false }
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

    /// Restores a stored answer.
    pub(super) fn again(status: i16, location: Option<String>, tag: Option<String>, body: String) -> Self {
        let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
        Self { status: status.unwrap_or(StatusCode::OK), location, tag, cache: PRIVATE, body, is_replayed: true }
    }

    pub(super) fn status_number(&self) -> i16 {
        i16::try_from(self.status.as_u16()).unwrap_or_default()
    }

    pub fn location(&self) -> Option<&str> {
        self.location.as_deref()
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
        let mut response = (self.status, [(header::CONTENT_TYPE, JSON)], self.body).into_response();
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
