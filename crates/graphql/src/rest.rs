//! Calls of REST within this process.
use std::sync::Arc;

use async_graphql_parser::Pos;
use axum::{
    Router,
    body::Body,
    extract::{MatchedPath, OriginalUri, Request},
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Uri, header},
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, Limited};
use loadmaster_platform::{
    json,
    room::LeadsTo,
    web::{BodyLimit, POSITION, Problem},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value as Json};
use tokio::sync::Semaphore;
use tower::ServiceExt;

use super::field_error::FieldError;

pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Most calls of one request at once.
const MOST_CALLS: usize = 8;
/// Most bytes of an answer.
const MOST_BYTES: usize = 8 * 1024 * 1024;
/// Marks an answer that was stored under its key.
const REPLAYED: &str = "idempotency-replayed";

/// All but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The routes of REST.
#[derive(Clone)]
pub(crate) struct Called {
    pub router: Router,
    pub leads_to: LeadsTo,
}

/// The routes of REST, and the caller in whose name they are called.
#[derive(Clone)]
pub(crate) struct Rest {
    routes: Called,
    /// The caller, its address, and what else the server knows of its request.
    extensions: Extensions,
    position: Option<HeaderValue>,
    /// Places for the calls of one request.
    places: Arc<Semaphore>,
}

/// A request of REST.
#[derive(Debug, Clone, Default)]
pub(crate) struct Call {
    pub method: Method,
    /// The template of the operation's path.
    pub template: String,
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
    pub fn new(routes: Called, mut extensions: Extensions, headers: &HeaderMap) -> Self {
        // They belong to the outer request alone.
        extensions.remove::<OriginalUri>();
        extensions.remove::<MatchedPath>();
        extensions.remove::<BodyLimit>();
        let places = Arc::new(Semaphore::new(MOST_CALLS));
        Self { routes, extensions, position: headers.get(POSITION).cloned(), places }
    }

    /// Calls REST in one of the few places for it. A header that cannot be sent is refused as REST refuses it.
    pub async fn call(&self, call: Call) -> Result<Answered, Refused> {
        let _place = self.places.acquire().await;
        let response = self.send(call).await;
        if !response.status().is_success() {
            return Err(Refused::of(response).await);
        }
        let (parts, body) = response.into_parts();
        let body = read(body).await?;
        Ok(Answered { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    /// Calls REST, and returns its answer as it is. A path that leads to another operation is that of no resource.
    pub async fn send(&self, call: Call) -> Response {
        let Call { method, template, target, idempotency_key, if_match, last_event_id, body } = call;
        let content = body.map(|body| body.to_string());
        let mut request = Request::new(content.clone().map_or_else(Body::empty, Body::from));
        *request.method_mut() = method;
        *request.extensions_mut() = self.extensions.clone();
        let uri = target.parse::<Uri>().ok().filter(|uri| (self.routes.leads_to)(uri.path(), &template));
        let Some(uri) = uri else { return Problem::not_found("such resource").into_response() };
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
        let Ok(response) = self.routes.router.clone().oneshot(request).await;
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

/// Reads a body, which may be absent. More than is accepted is not read.
async fn read(body: Body) -> Result<Json, Refused> {
    let internal = |error: &dyn std::fmt::Debug| Refused::from(Problem::internal(error));
    let bytes = Limited::new(body, MOST_BYTES).collect().await.map_err(|error| internal(&error))?.to_bytes();
    if bytes.is_empty() {
        return Ok(Json::Null);
    }
    json::parse(&bytes).map_err(|error| internal(&error))
}

impl Refused {
    /// Reads a refusal, with the seconds of its `Retry-After`.
    pub async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let mut members = match read(body).await {
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

    /// Returns the problem as an error of the field at this place, to which the path leads.
    pub fn at(&self, place: Option<Pos>, path: Vec<Json>) -> FieldError {
        let message = self.0.get("detail").and_then(Json::as_str).unwrap_or("The request failed.").to_owned();
        FieldError { message, locations: place.into_iter().collect(), path, extensions: self.0.clone() }
    }
}

/// Returns a text as a segment of a path or a value of a query.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::routing::get;
    use futures_util::future::join_all;

    use super::*;

    fn rest(router: Router) -> Rest {
        let leads_to: LeadsTo = Arc::new(|path: &str, template: &str| path == template);
        Rest::new(Called { router, leads_to }, Extensions::new(), &HeaderMap::new())
    }

    fn to(target: &str) -> Call {
        Call { template: "/text".to_owned(), target: target.to_owned(), ..Call::default() }
    }

    fn text(bytes: usize) -> String {
        format!("\"{}\"", "x".repeat(bytes - 2))
    }

    #[tokio::test]
    async fn an_answer_that_is_too_long_is_an_internal_problem() {
        for (bytes, is_read) in [(MOST_BYTES, true), (MOST_BYTES + 1, false)] {
            let rest = rest(Router::new().route("/text", get(async move || text(bytes))));
            match rest.call(to("/text")).await {
                Ok(answered) => assert!(is_read && answered.body.is_string()),
                Err(Refused(members)) => assert!(!is_read && members["code"] == "internal", "{members:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_path_of_another_route_is_that_of_no_resource() {
        let rest = rest(Router::new().route("/text", get(async || "1")).route("/other", get(async || "2")));
        assert_eq!(rest.call(to("/text?q=1")).await.unwrap().body, 1);
        let Refused(members) = rest.call(to("/other")).await.unwrap_err();
        assert_eq!(members["code"], "not_found");
    }

    #[tokio::test]
    async fn few_calls_run_at_once() {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let noted = most.clone();
        let handler = async move || {
            noted.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            now.fetch_sub(1, Ordering::SeqCst);
            "1"
        };
        let rest = rest(Router::new().route("/text", get(handler)));
        let answers = join_all((0..100).map(|_| rest.call(to("/text")))).await;
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(most.load(Ordering::SeqCst), MOST_CALLS);
    }
}
