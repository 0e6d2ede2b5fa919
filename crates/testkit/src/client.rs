use reqwest::{Method, RequestBuilder, StatusCode, header::HeaderMap};
use serde_json::Value;

use super::record::Sent;

/// A caller of the API: anonymous, or with a token.
#[derive(Debug, Clone)]
pub struct Client {
    pub http: reqwest::Client,
    pub base: String,
    pub token: Option<String>,
}

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    /// `Null` when the body is not JSON.
    pub body: Value,
}

impl Client {
    pub fn anonymous(base: &str) -> Self {
        // No pool limit: some tests open hundreds of connections at once. No certificates: reading the system's takes
        // longer than most requests, and few of these are encrypted: those tests look at certificates themselves.
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).tls_certs_only([]);
        let http = http.tls_danger_accept_invalid_certs(true).build().expect("a client");
        Self { http, base: base.to_owned(), token: None }
    }

    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// A request to finish by hand: headers, odd bodies.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::DELETE, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.with_body(Method::POST, path, &body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        let request = self.request(Method::PATCH, path).header("content-type", "application/merge-patch+json");
        Answer::of(request.body(body.to_string())).await
    }

    /// A change of this version alone.
    pub async fn change_if(&self, method: Method, path: &str, tag: &str, body: Value) -> Answer {
        Answer::of(self.with_body(method, path, &body).header("if-match", tag)).await
    }

    /// A request with these headers, and with this body if there is one.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
        let request = match body {
            Some(body) => self.with_body(method, path, body),
            None => self.request(method, path),
        };
        Answer::of(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    }

    /// A post under this idempotency key.
    pub async fn post_under(&self, key: &str, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &[("idempotency-key", key)], Some(body)).await
    }

    fn with_body(&self, method: Method, path: &str, body: &Value) -> RequestBuilder {
        // The tests' own text of the body: numbers stay as they were written.
        self.request(method, path).header("content-type", "application/json").body(body.to_string())
    }

    /// Without a body.
    pub async fn poke(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::POST, path)).await
    }

    pub async fn post_raw(&self, path: &str, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
        Answer::of(self.request(Method::POST, path).header("content-type", content_type).body(body)).await
    }
}

impl Answer {
    pub async fn of(request: RequestBuilder) -> Self {
        let (http, request) = request.build_split();
        let request = request.expect("a request");
        let sent = Sent::of(&request);
        let answer = Self::read(http.execute(request).await.expect("the server answers")).await;
        if let Some(sent) = sent {
            sent.answered(&answer);
        }
        answer
    }

    pub async fn read(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        // A stream of events does not end by itself.
        let is_stream = headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let text = if is_stream { String::new() } else { response.text().await.expect("the body is whole") };
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { status, headers, text, body }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a header of text"))
    }

    /// The body, after making sure of the status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.body
    }

    /// A problem with this status and code, in the shape that all problems have.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.text);
        let body = &self.body;
        assert_eq!(body["code"], code, "{}", self.text);
        assert_eq!(body["status"], status);
        assert_eq!(body["type"], format!("/problems/{code}"));
        assert!(body["title"].as_str().is_some_and(|title| !title.is_empty()));
        assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{}", self.text);
        assert_eq!(body["request_id"].as_str(), self.header("x-request-id"), "{}", self.text);
        assert!(!self.text.contains("sqlx") && !self.text.contains("panicked"), "{}", self.text);
        self.body
    }

    /// The faults of a `validation_failed`, as (pointer or name, code), sorted.
    #[track_caller]
    pub fn expect_faults(self) -> Vec<(String, String)> {
        let body = self.expect_problem(400, "validation_failed");
        let errors = body["errors"].as_array().expect("a list of faults");
        let mut faults: Vec<_> = errors
            .iter()
            .map(|fault| {
                let place = fault["pointer"].as_str().or(fault["name"].as_str()).expect("a pointer or a name");
                assert!(fault["message"].as_str().is_some_and(|message| !message.is_empty()));
                (place.to_owned(), fault["code"].as_str().unwrap().to_owned())
            })
            .collect();
        faults.sort();
        faults
    }
}
