//! One call over HTTP: request, answer, and their times. Each is two lines of the history.
use std::{
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::{Method, header};
use serde_json::{Value, json};

use super::{callers::Caller, history::History};

/// A server answers within 10 s; this bound is for servers that do not.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The addresses of the servers; a server that is started again may come back at another one.
#[derive(Clone)]
pub(super) struct Addresses(Arc<RwLock<Vec<String>>>);

impl Addresses {
    pub fn new(bases: Vec<String>) -> Self {
        Self(Arc::new(RwLock::new(bases)))
    }

    pub fn moved(&self, instance: usize, base: String) {
        if let Some(old) = self.0.write().unwrap_or_else(PoisonError::into_inner).get_mut(instance) {
            *old = base;
        }
    }

    /// The server of a number, and its address.
    fn of(&self, instance: usize) -> (usize, String) {
        let bases = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let instance = instance % bases.len().max(1);
        (instance, bases.get(instance).cloned().unwrap_or_default())
    }

    pub fn count(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Request {
    pub method: Method,
    pub path: String,
    pub key: Option<String>,
    pub if_match: Option<u64>,
    /// A string is sent as it is, as CSV; everything else as JSON.
    pub body: Option<Value>,
}

impl Request {
    pub fn get(path: String) -> Self {
        Self { path, ..Self::default() }
    }
}

/// How a request is sent: by which client, to which server, and when the client hangs up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delivery {
    pub client: u64,
    pub instance: usize,
    pub hang_up: Option<Duration>,
}

/// The end of a call. Times are microseconds since the run began.
#[derive(Debug)]
pub(super) struct Reply {
    pub call: u64,
    pub instance: usize,
    pub invoked: u64,
    pub completed: u64,
    pub outcome: Outcome,
}

#[derive(Debug)]
pub(super) enum Outcome {
    /// 2xx.
    Ok(Answer),
    /// 4xx: nothing was done.
    Refused(Refusal),
    /// No answer, or one that does not say whether anything was done.
    Unknown(String),
}

#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub replayed: bool,
    pub body: Value,
    pub next: Option<String>,
    /// The page before, for a list whose first page is its end.
    pub previous: Option<String>,
}

/// An answer 5xx: a breach, or excused by a fault.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub invoked: u64,
    pub completed: u64,
    pub status: u16,
    /// Call, method, path and body, and the answer.
    pub what: String,
}

#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub status: u16,
    pub code: String,
    pub detail: String,
    pub wait: Option<Duration>,
}

impl Refusal {
    /// Whether another try may succeed at once: the refusal does not concern the request itself.
    pub fn is_passing(&self) -> bool {
        matches!(self.code.as_str(), "idempotency_in_progress" | "booking_locked" | "rate_limited")
            || self.wants_login()
    }

    /// Whether the token is no longer valid. A server whose clock is slow rejects one that is not valid yet.
    pub fn wants_login(&self) -> bool {
        matches!(self.code.as_str(), "token_expired" | "unauthenticated")
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.status, self.code, self.detail)
    }
}

pub(super) struct Wire {
    http: reqwest::Client,
    pub addresses: Addresses,
    history: History,
    began: Instant,
    calls: AtomicU64,
    failures: Mutex<Vec<Failure>>,
}

impl Wire {
    pub fn new(addresses: Addresses, history: History) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(REQUEST_TIMEOUT).build()?;
        Ok(Self {
            http,
            addresses,
            history,
            began: Instant::now(),
            calls: AtomicU64::new(0),
            failures: Mutex::default(),
        })
    }

    /// Microseconds since the run began.
    pub fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    pub fn failures(&self) -> Vec<Failure> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn note_fault(&self, what: &str) {
        self.history.note(json!({"at_us": self.now(), "event": "fault", "what": what}));
    }

    pub async fn send(&self, delivery: Delivery, caller: &Caller, request: &Request) -> Reply {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let invoked = self.now();
        self.history.note(json!({
            "at_us": invoked, "event": "invoke", "call": call, "client": delivery.client, "instance": delivery.instance,
            "caller": caller.name, "method": request.method.as_str(), "path": request.path, "key": request.key,
            "if_match": request.if_match, "body": request.body,
        }));
        let (instance, _) = self.addresses.of(delivery.instance);
        let exchange = self.exchange(instance, caller, request, Some(call));
        let outcome = match delivery.hang_up {
            None => exchange.await,
            // Dropping the future closes the connection.
            Some(moment) => match tokio::time::timeout(moment, exchange).await {
                Ok(outcome) => outcome,
                Err(_) => Outcome::Unknown("the client hung up".to_owned()),
            },
        };
        let completed = self.now();
        let event = match &outcome {
            Outcome::Ok(answer) => {
                json!({"event": "ok", "status": answer.status, "replayed": answer.replayed, "answer": answer.body})
            }
            Outcome::Refused(refusal) => {
                json!({"event": "fail", "status": refusal.status, "code": refusal.code, "answer": refusal.detail})
            }
            Outcome::Unknown(error) => json!({"event": "unknown", "error": error}),
        };
        let mut line =
            json!({"at_us": completed, "call": call, "client": delivery.client, "instance": delivery.instance});
        if let (Some(line), Value::Object(event)) = (line.as_object_mut(), event) {
            line.extend(event);
        }
        self.history.note(line);
        Reply { call, instance, invoked, completed, outcome }
    }

    /// Sends without an entry in the history: for requests that hold secrets.
    pub async fn send_unrecorded(&self, delivery: Delivery, caller: &Caller, request: &Request) -> Outcome {
        self.exchange(delivery.instance, caller, request, None).await
    }

    /// Without a call number, nothing of the body is kept.
    async fn exchange(&self, instance: usize, caller: &Caller, request: &Request, call: Option<u64>) -> Outcome {
        let invoked = self.now();
        let (instance, base) = self.addresses.of(instance);
        let url = format!("{base}{}", request.path);
        let mut sending = self.http.request(request.method.clone(), url).bearer_auth(caller.token(instance));
        if let Some(key) = &request.key {
            sending = sending.header("idempotency-key", key);
        }
        if let Some(version) = request.if_match {
            sending = sending.header(header::IF_MATCH, format!("\"{version}\""));
        }
        match &request.body {
            Some(Value::String(table)) => {
                sending = sending.header(header::CONTENT_TYPE, "text/csv").body(table.clone());
            }
            Some(body) => sending = sending.json(body),
            None => {}
        }
        let response = match sending.send().await {
            Ok(response) => response,
            Err(error) => return Outcome::Unknown(causes(&error)),
        };
        let status = response.status().as_u16();
        let outcome = read(response).await;
        if let (500.., Outcome::Unknown(answer)) = (status, &outcome) {
            let body = call.and(request.body.as_ref()).map_or(String::new(), |body| format!(" {body}"));
            let call = call.map_or("a call of the checker".to_owned(), |call| format!("call {call}"));
            let what = format!("{call} ({} {}{body}) got {answer}", request.method, request.path);
            let failure = Failure { invoked, completed: self.now(), status, what };
            self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
        }
        outcome
    }
}

async fn read(response: reqwest::Response) -> Outcome {
    let (status, headers) = (response.status(), response.headers().clone());
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let body = match response.bytes().await {
        Ok(body) => body,
        Err(error) => return Outcome::Unknown(causes(&error)),
    };
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return Outcome::Unknown(format!("{status} without JSON"));
    };
    let text = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
    match status.as_u16() {
        status @ 200..300 => {
            let replayed = header("idempotency-replayed") == Some("true");
            let page = |relation| header("link").and_then(|link| page(link, relation));
            Outcome::Ok(Answer { status, replayed, body, next: page("next"), previous: page("prev") })
        }
        status @ 400..500 => {
            let wait = header("retry-after").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
            Outcome::Refused(Refusal { status, code: text("code"), detail: text("detail"), wait })
        }
        status => Outcome::Unknown(format!("{status} {}: {}", text("code"), text("detail"))),
    }
}

/// The path in `</path?query>; rel="next"`, with or without a host, perhaps one of several links.
fn page(links: &str, relation: &str) -> Option<String> {
    let relation = format!("rel=\"{relation}\"");
    let (address, _) = links.split(',').find_map(|link| {
        let (address, rest) = link.trim().strip_prefix('<')?.split_once('>')?;
        rest.contains(&relation).then_some((address, rest))
    })?;
    match address.split_once("://") {
        None => Some(address.to_owned()),
        Some((_, rest)) => rest.find('/').map(|path| rest[path..].to_owned()),
    }
}

/// The causes of an error in one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut causes = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        causes = format!("{causes}: {error}");
        cause = error.source();
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_the_next_page_wherever_the_server_is() {
        let path = Some("/api/v1/bookings?cursor=x".to_owned());
        assert_eq!(page("</api/v1/bookings?cursor=x>; rel=\"next\"", "next"), path);
        assert_eq!(page("<http://127.0.0.1:8080/api/v1/bookings?cursor=x>; rel=\"next\"", "next"), path);
        assert_eq!(page("</api/v1/bookings>; rel=\"prev\"", "next"), None);
        assert_eq!(page("</x>; rel=\"next\", </api/v1/bookings?cursor=x>; rel=\"prev\"", "prev"), path);
    }
}
