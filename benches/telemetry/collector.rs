use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

/// Counts the spans that come by OTLP.
pub struct Collector {
    address: SocketAddr,
    received: Arc<AtomicUsize>,
}

async fn take(State(received): State<Arc<AtomicUsize>>, body: Bytes) -> (StatusCode, Vec<u8>) {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let scopes = request.resource_spans.iter().flat_map(|process| &process.scope_spans);
    received.fetch_add(scopes.map(|scope| scope.spans.len()).sum(), Ordering::Relaxed);
    (StatusCode::OK, Vec::new())
}

impl Collector {
    pub async fn start() -> Self {
        let received = Arc::new(AtomicUsize::new(0));
        let router = Router::new().route("/v1/traces", post(take)).with_state(received.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, received }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn received(&self) -> usize {
        self.received.load(Ordering::Relaxed)
    }
}
