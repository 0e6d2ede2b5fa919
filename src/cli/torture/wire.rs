//! One call over HTTP: what was sent, what came back, and when. Each is two lines of the history.
use std::{
    sync::{
        Arc, PoisonError, RwLock,
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

    fn of(&self, instance: usize) -> String {
        let bases = self.0.read().unwrap_or_else(PoisonError::into_inner);
        bases.get(instance % bases.len().max(1)).cloned().unwrap_or_default()
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
        matches!(self.code.as_str(), "idempotency_in_progress" | "booking_locked" | "rate_limited" | "token_expired")
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
}

impl Wire {
    pub fn new(addresses: Addresses, history: History) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
        Ok(Self { http, addresses, history, began: Instant::now(), calls: AtomicU64::new(0) })
    }

    /// Microseconds since the run began.
    pub fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
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
        let said = match way.hang_up {
            None => self.exchange(way.instance, caller, request).await,
            // The connection goes with the future that is dropped.
            Some(moment) => match tokio::time::timeout(moment, self.exchange(way.instance, caller, request)).await {
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
        Reply { call, invoked, completed, said }
    }

    /// Leaves no trace in the history: for what has secrets in it.
    pub async fn send_quietly(&self, way: Way, caller: &Caller, request: &Request) -> Said {
        self.exchange(way.instance, caller, request).await
    }

    async fn exchange(&self, instance: usize, caller: &Caller, request: &Request) -> Said {
        let url = format!("{}{}", self.addresses.of(instance), request.path);
        let mut sending = self.http.request(request.method.clone(), url).bearer_auth(caller.token());
        if let Some(key) = &request.key {
            sending = sending.header("idempotency-key", key);
        }
        if let Some(version) = request.if_match {
            sending = sending.header(header::IF_MATCH, format!("\"{version}\""));
        }
        if let Some(body) = &request.body {
            sending = sending.json(body);
        }
        match sending.send().await {
            Ok(response) => read(response).await,
            Err(error) => Said::Unknown(words(&error)),
        }
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
            let next = header("link").and_then(next_page);
            Said::Ok(Answer { status, replayed, body, next })
        }
        status @ 400..500 => {
            let wait = header("retry-after").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
            Said::Refused(Refusal { status, code: text("code"), detail: text("detail"), wait })
        }
        status => Said::Unknown(format!("{status} {}: {}", text("code"), text("detail"))),
    }
}

/// Of `</path?query>; rel="next"`, perhaps with a host before the path.
fn next_page(link: &str) -> Option<String> {
    let (address, rest) = link.trim().strip_prefix('<')?.split_once('>')?;
    if !rest.contains("rel=\"next\"") {
        return None;
    }
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
        assert_eq!(next_page("</api/v1/bookings?cursor=x>; rel=\"next\""), path);
        assert_eq!(next_page("<http://127.0.0.1:8080/api/v1/bookings?cursor=x>; rel=\"next\""), path);
        assert_eq!(next_page("</api/v1/bookings>; rel=\"prev\""), None);
    }
}
