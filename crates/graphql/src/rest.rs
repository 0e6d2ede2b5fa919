//! Calls of REST within this process.
use std::collections::BTreeMap;

use async_graphql::{Pos, ServerError, Value, dynamic::ResolverContext};
use axum::{
    Router,
    body::Body,
    extract::{MatchedPath, OriginalUri, Request},
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, header},
    response::Response,
};
use http_body_util::BodyExt;
use loadmaster_platform::web::{BodyLimit, POSITION, Problem};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value as Json};
use tower::ServiceExt;

use super::value::constant;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Marks an answer that was stored under its key.
const REPLAYED: &str = "idempotency-replayed";

/// All but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The routes of REST, and the caller in whose name they are called.
#[derive(Clone)]
pub(crate) struct Rest {
    router: Router,
    /// The caller, its address, and what else the server knows of its request.
    extensions: Extensions,
    position: Option<HeaderValue>,
}

/// A request of REST.
#[derive(Debug, Clone, Default)]
pub(crate) struct Call {
    pub method: Method,
    pub target: String,
    pub idempotency_key: Option<String>,
    pub if_match: Option<String>,
    pub last_event_id: Option<HeaderValue>,
    pub body: Option<Json>,
}

/// A good answer.
#[derive(Debug)]
pub(crate) struct Answered {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Json,
}

/// The members of a problem.
#[derive(Debug, Clone)]
pub(crate) struct Refused(pub Map<String, Json>);

impl Rest {
    /// Calls these routes as the caller of a request.
    pub fn new(router: Router, mut extensions: Extensions, headers: &HeaderMap) -> Self {
        // They belong to the outer request alone.
        extensions.remove::<OriginalUri>();
        extensions.remove::<MatchedPath>();
        extensions.remove::<BodyLimit>();
        Self { router, extensions, position: headers.get(POSITION).cloned() }
    }

    /// Calls REST. A header that cannot be sent is refused as REST refuses it.
    pub async fn call(&self, call: Call) -> Result<Answered, Refused> {
        let response = self.send(call).await;
        if !response.status().is_success() {
            return Err(Refused::of(response).await);
        }
        let (parts, body) = response.into_parts();
        let body = json(body).await?;
        Ok(Answered { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    /// Calls REST, and returns its answer as it is.
    pub async fn send(&self, call: Call) -> Response {
        let Call { method, target, idempotency_key, if_match, last_event_id, body } = call;
        let content = body.map(|body| body.to_string());
        let mut request = Request::new(content.clone().map_or_else(Body::empty, Body::from));
        *request.method_mut() = method;
        *request.extensions_mut() = self.extensions.clone();
        let Ok(uri) = target.parse() else {
            return axum::response::IntoResponse::into_response(Problem::not_found("such resource"));
        };
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        if content.is_some() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let texts = [(IDEMPOTENCY_KEY, idempotency_key), (header::IF_MATCH, if_match)];
        for (name, text) in texts.into_iter().filter_map(|(name, text)| Some((name, text?))) {
            // A text that no header can have becomes one that REST refuses.
            headers.insert(name, HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("")));
        }
        for (name, value) in [(LAST_EVENT_ID, last_event_id), (POSITION, self.position.clone())] {
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
        let Ok(response) = self.router.clone().oneshot(request).await;
        response
    }
}

impl Answered {
    /// Returns the cursor of the page that a `Link` of this kind leads to.
    pub fn cursor(&self, rel: &str) -> Option<String> {
        let link = self.headers.get(header::LINK)?.to_str().ok()?;
        let (address, kind) = link.strip_prefix('<')?.split_once('>')?;
        if !kind.contains(&format!("rel=\"{rel}\"")) {
            return None;
        }
        let (_, query) = address.split_once('?')?;
        let cursor = query.split('&').find_map(|pair| pair.strip_prefix("cursor="))?;
        Some(cursor.to_owned())
    }

    /// Returns the number of entries of the whole list, if REST says it.
    pub fn total(&self) -> Option<u64> {
        self.headers.get(loadmaster_platform::listing::TOTAL_COUNT)?.to_str().ok()?.parse().ok()
    }

    pub fn is_replayed(&self) -> bool {
        self.headers.contains_key(REPLAYED)
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        match serde_json::to_value(problem.into_body()) {
            Ok(Json::Object(members)) => Self(members),
            _ => Self(Map::new()),
        }
    }
}

/// Reads a body, which may be absent.
async fn json(body: Body) -> Result<Json, Refused> {
    let internal = |error: &dyn std::fmt::Debug| Refused::from(Problem::internal(error));
    let bytes = body.collect().await.map_err(|error| internal(&error))?.to_bytes();
    if bytes.is_empty() {
        return Ok(Json::Null);
    }
    serde_json::from_slice(&bytes).map_err(|error| internal(&error))
}

impl Refused {
    /// Reads a refusal, with the seconds of its `Retry-After`.
    pub async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let mut members = match json(body).await {
            Ok(Json::Object(members)) => members,
            Ok(_) => return Self::from(Problem::internal(&parts.status)),
            Err(refused) => return refused,
        };
        let wait = parts.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if let Some(seconds) = wait {
            members.entry("retry_after").or_insert_with(|| seconds.into());
        }
        Self(members)
    }

    /// Returns the problem as an error at this place.
    pub fn error(&self, ctx: &ResolverContext<'_>) -> ServerError {
        ctx.set_error_path(self.at(Some(ctx.item.pos)))
    }

    pub fn at(&self, place: Option<Pos>) -> ServerError {
        let detail = self.0.get("detail").and_then(Json::as_str).unwrap_or("The request failed.");
        let mut error = ServerError::new(detail, place);
        let members: BTreeMap<String, Value> =
            self.0.iter().map(|(name, value)| (name.clone(), constant(value))).collect();
        let mut extensions = async_graphql::ErrorExtensionValues::default();
        for (name, value) in members {
            extensions.set(name, value);
        }
        error.extensions = Some(extensions);
        error
    }
}

/// Returns a text as a segment of a path or a value of a query.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}
