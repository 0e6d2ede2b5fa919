//! An OTLP collector: takes spans by HTTP and by gRPC, and keeps them.
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use async_compression::tokio::bufread::GzipDecoder;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode},
    routing::post,
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::{KeyValue, any_value::Value},
};
use prost::Message;
use tokio::io::AsyncReadExt;
use tonic::{Request, Response, Status};

/// A span as it was sent; ids in hexadecimal digits.
#[derive(Debug, Clone)]
pub struct Span {
    pub trace: String,
    pub id: String,
    /// Empty at the beginning of a trace.
    pub parent: String,
    pub name: String,
    pub kind: Kind,
    pub is_failed: bool,
    pub began: u64,
    pub ended: u64,
    pub attributes: BTreeMap<String, String>,
    /// Of the process that sent it.
    pub resource: BTreeMap<String, String>,
    /// Trace and span of each.
    pub links: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

impl Kind {
    fn of(number: i32) -> Self {
        match number {
            1 => Self::Internal,
            2 => Self::Server,
            3 => Self::Client,
            4 => Self::Producer,
            5 => Self::Consumer,
            other => panic!("{other} is no kind of span"),
        }
    }
}

impl Span {
    #[track_caller]
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).unwrap_or_else(|| panic!("{name} is not among {self:#?}"))
    }
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Span>>>);

impl Kept {
    fn take(&self, request: ExportTraceServiceRequest) {
        let mut kept = self.0.lock().unwrap();
        for of_process in request.resource_spans {
            let resource = texts(&of_process.resource.unwrap_or_default().attributes);
            for span in of_process.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                kept.push(Span {
                    trace: digits(&span.trace_id),
                    id: digits(&span.span_id),
                    parent: digits(&span.parent_span_id),
                    name: span.name,
                    kind: Kind::of(span.kind),
                    is_failed: span.status.is_some_and(|status| status.code == 2),
                    began: span.start_time_unix_nano,
                    ended: span.end_time_unix_nano,
                    attributes: texts(&span.attributes),
                    resource: resource.clone(),
                    links: span.links.iter().map(|link| (digits(&link.trace_id), digits(&link.span_id))).collect(),
                });
            }
        }
    }
}

fn digits(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        Value::BoolValue(is) => is.to_string(),
        other => format!("{other:?}"),
    };
    let value = |pair: &KeyValue| pair.value.clone().and_then(|value| value.value).map(|value| text(&value));
    attributes.iter().map(|pair| (pair.key.clone(), value(pair).unwrap_or_default())).collect()
}

#[tonic::async_trait]
impl TraceService for Kept {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.take(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

async fn by_http(State(kept): State<Kept>, headers: HeaderMap, body: Bytes) -> (StatusCode, Vec<u8>) {
    let mut plain = Vec::new();
    match headers.get("content-encoding").map(HeaderValue::as_bytes) {
        None => plain.extend_from_slice(&body),
        Some(b"gzip") => _ = GzipDecoder::new(&*body).read_to_end(&mut plain).await.unwrap(),
        Some(other) => panic!("spans encoded as {}", other.escape_ascii()),
    }
    kept.take(ExportTraceServiceRequest::decode(&*plain).unwrap());
    (StatusCode::OK, ExportTraceServiceResponse::default().encode_to_vec())
}

pub struct Collector {
    address: SocketAddr,
    kept: Kept,
}

impl Collector {
    pub async fn start() -> Self {
        let kept = Kept::default();
        let service = TraceServiceServer::new(kept.clone());
        let router = Router::new()
            .route("/v1/traces", post(by_http))
            .with_state(kept.clone())
            .route_service("/opentelemetry.proto.collector.trace.v1.TraceService/Export", service);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, kept }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn spans(&self) -> Vec<Span> {
        self.kept.0.lock().unwrap().clone()
    }

    /// The spans of one trace.
    pub fn of_trace(&self, trace: &str) -> Vec<Span> {
        self.spans().into_iter().filter(|span| span.trace == trace).collect()
    }
}
