use anyhow::{Context, ensure};
use reqwest::{Method, StatusCode};
use serde_json::Value;

/// One caller of the API.
pub(super) struct Caller {
    http: reqwest::Client,
    pub base: String,
    token: Option<String>,
}

impl Caller {
    pub fn anonymous(base: String) -> anyhow::Result<Self> {
        Ok(Self { http: reqwest::Client::builder().no_proxy().build()?, base, token: None })
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

    /// Without a body.
    pub async fn poke(&self, path: &str) -> anyhow::Result<Value> {
        self.call(Method::POST, path, None).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let (status, answer) = self.ask(method.clone(), path, body).await?;
        ensure!(status.is_success(), "{method} {path} answered {status}: {}", text(&answer, "detail"));
        Ok(answer)
    }

    /// The answer, whatever its status.
    pub async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<(StatusCode, Value)> {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.with_context(|| format!("{} cannot be reached", self.base))?;
        let status = response.status();
        let answer = response.json().await.with_context(|| format!("{method} {path} did not answer JSON"))?;
        Ok((status, answer))
    }
}

/// A member as it is shown.
pub(super) fn text(value: &Value, member: &str) -> String {
    match &value[member] {
        Value::String(text) => text.clone(),
        Value::Null => "–".to_owned(),
        other => other.to_string(),
    }
}
