//! Streams of server-sent events, read as a client reads them.
use std::time::Duration;

use reqwest::RequestBuilder;
use serde_json::Value;

/// Bounds a wait that should end by itself long before.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open stream.
pub struct Events {
    response: reqwest::Response,
    buffer: Vec<u8>,
    /// The last id that came.
    pub last: String,
    /// What the lines `retry` said.
    pub retries: Vec<u64>,
    pub comments: usize,
    /// Ids that came without data.
    pub opens: usize,
}

/// One event.
#[derive(Debug, Clone)]
pub struct Told {
    pub name: String,
    pub id: String,
    pub data: Value,
    pub text: String,
}

impl Events {
    /// Opens it; the server must agree.
    pub async fn open(request: RequestBuilder) -> Self {
        let response = request.header("accept", "text/event-stream").send().await.expect("the server answers");
        assert_eq!(response.status(), 200, "{response:?}");
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(header("content-type").as_deref(), Some("text/event-stream"));
        assert_eq!(header("cache-control").as_deref(), Some("no-store, no-transform"));
        assert_eq!(header("x-accel-buffering").as_deref(), Some("no"));
        assert_eq!(header("content-encoding"), None);
        let (buffer, last, retries) = (Vec::new(), String::new(), Vec::new());
        let mut this = Self { response, buffer, last, retries, comments: 0, opens: 0 };
        assert_eq!(this.line().await.as_deref(), Some("retry: 3000"), "it comes first");
        this.retries.push(3000);
        this
    }

    /// The next line; `None` at the end.
    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.drain(..=end).collect();
                return Some(String::from_utf8(line).expect("text").trim_end().to_owned());
            }
            let read = tokio::time::timeout(PATIENCE, self.response.chunk()).await.expect("the stream goes on");
            match read.expect("the stream ends in order") {
                Some(bytes) => self.buffer.extend_from_slice(&bytes),
                None => return None,
            }
        }
    }

    /// The next event that has data; `None` at the end.
    pub async fn next(&mut self) -> Option<Told> {
        let (mut name, mut data) = ("message".to_owned(), String::new());
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                if !data.is_empty() {
                    let value = serde_json::from_str(&data).expect("JSON");
                    return Some(Told { name, id: self.last.clone(), data: value, text: data });
                }
                self.opens += usize::from(name == "open");
                "message".clone_into(&mut name);
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "" => self.comments += 1,
                "event" => value.clone_into(&mut name),
                "data" => data += value,
                "id" => value.clone_into(&mut self.last),
                "retry" => self.retries.push(value.parse().expect("milliseconds")),
                other => panic!("no such field: {other}"),
            }
        }
    }

    /// The next event, of this name.
    #[track_caller]
    pub fn expect(&mut self, name: &str) -> impl Future<Output = Told> {
        let caller = std::panic::Location::caller();
        async move {
            let told = self.next().await.unwrap_or_else(|| panic!("{caller}: the stream has ended"));
            assert_eq!(told.name, name, "{caller}: {}", told.text);
            told
        }
    }

    /// Waits for the next comment; no event comes before it.
    pub async fn comment(&mut self) {
        loop {
            let line = self.line().await.expect("the stream goes on");
            if line.starts_with(':') {
                self.comments += 1;
                return;
            }
            assert!(line.is_empty() || line.starts_with("id: ") || line.starts_with("event: open"), "{line}");
            if let Some(id) = line.strip_prefix("id: ") {
                id.clone_into(&mut self.last);
            }
        }
    }

    /// Waits for the end, whatever comes before it.
    pub async fn end(&mut self) {
        while self.next().await.is_some() {}
    }
}
