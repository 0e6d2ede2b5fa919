use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use loadmaster_platform::{
    settings::without_password,
    telemetry::{self, Traced},
};
use reqwest::{Method, StatusCode, header};
use serde_json::Value;

use super::step;

/// Maximum wait for a quota: it is available again within two minutes.
const PATIENCE: Duration = Duration::from_mins(2);

/// One caller of the API.
pub(super) struct Caller {
    http: reqwest::Client,
    pub base: String,
    token: Option<String>,
}

impl Caller {
    pub fn anonymous(base: String, http: reqwest::ClientBuilder) -> anyhow::Result<Self> {
        Ok(Self { http: http.build()?, base, token: None })
    }

    pub fn with_session(&self, session: &Value) -> Self {
        Self { http: self.http.clone(), base: self.base.clone(), token: Some(text(session, "access_token")) }
    }

    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.call(Method::POST, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.call(Method::PATCH, path, Some(body)).await
    }

    /// Sends a POST request without a body.
    pub async fn poke(&self, path: &str) -> anyhow::Result<Value> {
        self.call(Method::POST, path, None).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let (status, answer) = self.ask(method.clone(), path, body).await?;
        ensure!(status.is_success(), "{method} {path} answered {status}: {}", text(&answer, "detail"));
        Ok(answer)
    }

    /// Sends a request and returns the answer, regardless of its status. If others at this address have used up a
    /// quota, waits for the time the server states.
    pub async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<(StatusCode, Value)> {
        let waits_until = Instant::now() + PATIENCE;
        loop {
            let (status, pause, answer) = self.ask_once(&method, path, body.as_ref()).await?;
            match pause {
                Some(pause) if status == StatusCode::TOO_MANY_REQUESTS && Instant::now() + pause < waits_until => {
                    step("wait", &format!("{} seconds: {}", pause.as_secs(), text(&answer, "detail")));
                    tokio::time::sleep(pause).await;
                }
                _ => return Ok((status, answer)),
            }
        }
    }

    /// Sends a request once; returns the answer and the time the server asks to wait.
    async fn ask_once(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<(StatusCode, Option<Duration>, Value)> {
        let address = format!("{}{path}", self.base);
        let part = telemetry::outgoing_request(method.as_str(), &without_password(&address));
        let mut request = self.http.request(method.clone(), address);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let sending = async {
            let sent = request.headers(telemetry::headers()).send().await;
            match &sent {
                Ok(response) => telemetry::note_answer(response.status().as_u16(), response.status().is_success()),
                Err(_) => telemetry::fail("unavailable"),
            }
            sent
        };
        let response = sending.in_span(part).await.with_context(|| format!("{} cannot be reached", self.base))?;
        let status = response.status();
        let pause = response.headers().get(header::RETRY_AFTER);
        let pause = pause.and_then(|seconds| seconds.to_str().ok()?.parse().ok()).map(Duration::from_secs);
        let body = response.bytes().await.with_context(|| format!("the answer to {method} {path} was cut off"))?;
        let answer = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&body) };
        let answer = answer.with_context(|| format!("{method} {path} did not answer JSON"))?;
        Ok((status, pause, answer))
    }
}

/// Returns a member as display text.
pub(super) fn text(value: &Value, member: &str) -> String {
    match &value[member] {
        Value::String(text) => text.clone(),
        Value::Null => "–".to_owned(),
        other => other.to_string(),
    }
}
