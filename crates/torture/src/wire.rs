//! One call over HTTP: what was sent, what came back, and when. Each is two lines of the history.
use std::{
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::{Method, header};
use serde_json::{Value, json};

use super::{crew::Caller, history::History};

/// A server answers after 10 s at the latest; this is for those that do not.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the servers are; one that is started again may come back at another address.
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

    /// The server that a number means, and where it is.
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
    /// A text is sent as it is, as CSV; everything else as JSON.
    pub body: Option<Value>,
}

impl Request {
    pub fn get(path: String) -> Self {
        Self { path, ..Self::default() }
    }
}

/// Who sends it, where to, and whether they wait for the answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    pub client: u64,
    pub instance: usize,
    pub hang_up: Option<Duration>,
}

/// How a call ended. Times are microseconds since the run began.
#[derive(Debug)]
pub(super) struct Reply {
    pub call: u64,
    /// Which server was asked.
    pub instance: usize,
    pub invoked: u64,
    pub completed: u64,
    pub said: Said,
}

#[derive(Debug)]
pub(super) enum Said {
    /// 2xx.
    Ok(Answer),
    /// 4xx: nothing was done.
    Refused(Refusal),
    /// No answer, or one that leaves open what was done.
    Unknown(String),
}

#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub replayed: bool,
    pub body: Value,
    /// The next page of a list.
    pub next: Option<String>,
    /// The page before, of a list whose first page is its end.
    pub previous: Option<String>,
}

/// An answer 5xx: never part of the contract, or only while something is wrong.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub invoked: u64,
    pub completed: u64,
    pub status: u16,
    /// Call, method, path and body, and what was answered.
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
    /// It says nothing about the request itself: another try may be answered otherwise at once.
    pub fn is_passing(&self) -> bool {
        matches!(self.code.as_str(), "idempotency_in_progress" | "booking_locked" | "rate_limited")
            || self.wants_login()
    }

    /// The token is good no more. A server whose clock is behind calls one invalid that is only to come.
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
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
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

    /// All answers 5xx so far.
    pub fn failures(&self) -> Vec<Failure> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts something else that happened into the history.
    pub fn remark(&self, what: &str) {
        self.history.note(json!({"at_us": self.now(), "event": "fault", "what": what}));
    }

    pub async fn send(&self, way: Way, caller: &Caller, request: &Request) -> Reply {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let invoked = self.now();
        self.history.note(json!({
            "at_us": invoked, "event": "invoke", "call": call, "client": way.client, "instance": way.instance,
            "caller": caller.name, "method": request.method.as_str(), "path": request.path, "key": request.key,
            "if_match": request.if_match, "body": request.body,
        }));
        let (instance, _) = self.addresses.of(way.instance);
        let exchange = self.exchange(instance, caller, request, Some(call));
        let said = match way.hang_up {
            None => exchange.await,
            // The connection goes with the future that is dropped.
            Some(moment) => match tokio::time::timeout(moment, exchange).await {
                Ok(said) => said,
                Err(_) => Said::Unknown("hung up".to_owned()),
            },
        };
        let completed = self.now();
        let outcome = match &said {
            Said::Ok(answer) => {
                json!({"event": "ok", "status": answer.status, "replayed": answer.replayed, "answer": answer.body})
            }
            Said::Refused(refusal) => {
                json!({"event": "fail", "status": refusal.status, "code": refusal.code, "answer": refusal.detail})
            }
            Said::Unknown(error) => json!({"event": "unknown", "error": error}),
        };
        let mut line = json!({"at_us": completed, "call": call, "client": way.client, "instance": way.instance});
        if let (Some(line), Value::Object(outcome)) = (line.as_object_mut(), outcome) {
            line.extend(outcome);
        }
        self.history.note(line);
        Reply { call, instance, invoked, completed, said }
    }

    /// Leaves no trace in the history: for what has secrets in it.
    pub async fn send_quietly(&self, way: Way, caller: &Caller, request: &Request) -> Said {
        self.exchange(way.instance, caller, request, None).await
    }

    /// Without a call's number nothing of the body is kept.
    async fn exchange(&self, instance: usize, caller: &Caller, request: &Request, call: Option<u64>) -> Said {
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
            Err(error) => return Said::Unknown(words(&error)),
        };
        let status = response.status().as_u16();
        let said = read(response).await;
        if let (500.., Said::Unknown(answer)) = (status, &said) {
            let body = call.and(request.body.as_ref()).map_or(String::new(), |body| format!(" {body}"));
            let call = call.map_or("a call of the checker".to_owned(), |call| format!("call {call}"));
            let what = format!("{call} ({} {}{body}) was answered {answer}", request.method, request.path);
            let failure = Failure { invoked, completed: self.now(), status, what };
            self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
        }
        said
    }
}

async fn read(response: reqwest::Response) -> Said {
    let (status, headers) = (response.status(), response.headers().clone());
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let body = match response.bytes().await {
        Ok(body) => body,
        Err(error) => return Said::Unknown(words(&error)),
    };
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return Said::Unknown(format!("{status} without JSON"));
    };
    let text = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
    match status.as_u16() {
        status @ 200..300 => {
            let replayed = header("idempotency-replayed") == Some("true");
            let page = |relation| header("link").and_then(|link| page(link, relation));
            Said::Ok(Answer { status, replayed, body, next: page("next"), previous: page("prev") })
        }
        status @ 400..500 => {
            let wait = header("retry-after").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
            Said::Refused(Refusal { status, code: text("code"), detail: text("detail"), wait })
        }
        status => Said::Unknown(format!("{status} {}: {}", text("code"), text("detail"))),
    }
}

/// Of `</path?query>; rel="next"`, perhaps with a host before the path, perhaps one of several links.
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
fn words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
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
