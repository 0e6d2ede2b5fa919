use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use anyhow::Context;
use axum::{
    Router,
    body::Body,
    extract::Request,
    middleware::{self, Next},
    response::Response,
    routing::get,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tower::{ServiceExt, service_fn};

use super::system::PeerAddress;
use crate::platform::{
    clock::SystemClock,
    random::IdSource,
    settings,
    web::{Code, Problem, track},
};

/// Longest wait for connections that are still being answered when the server stops.
const CONNECTION_PATIENCE: Duration = Duration::from_secs(30);

/// Takes the address, before anything else is started: a taken port is told at once.
pub async fn bind(server: &settings::Server) -> anyhow::Result<TcpListener> {
    let (host, port) = (server.host.as_str(), server.port);
    TcpListener::bind((host, port)).await.with_context(|| {
        format!("cannot listen on {host}:{port}; stop what listens there, or choose another port with PORT=…")
    })
}

/// A server that answers from the moment it has its address, and serves the application once it is installed.
pub struct Server {
    address: SocketAddr,
    application: Arc<OnceLock<Router>>,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Server {
    pub fn start(listener: TcpListener, settings: &settings::Server) -> anyhow::Result<Self> {
        let address = listener.local_addr()?;
        let application = Arc::new(OnceLock::new());
        let (stop, stopped) = watch::channel(false);
        let accepting = tokio::spawn(accept(listener, application.clone(), settings.header_timeout(), stopped));
        Ok(Self { address, application, stop, accepting })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on requests are served.
    pub fn install(&self, application: Router) {
        if self.application.set(application).is_err() {
            tracing::warn!("the application was installed before");
        }
    }

    /// Closes the listener, then waits for the requests under way.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if self.accepting.await.is_err() {
            tracing::error!("the accepting task ended with a panic");
        }
    }
}

async fn accept(
    listener: TcpListener,
    application: Arc<OnceLock<Router>>,
    header_timeout: Duration,
    mut stopped: watch::Receiver<bool>,
) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(header_timeout);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Some(header_timeout));
    let graceful = GracefulShutdown::new();
    let starting = starting();
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: closing connections will free some.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            _ = stopped.changed() => break,
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        let (application, starting) = (application.clone(), starting.clone());
        let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let router = application.get().unwrap_or(&starting).clone();
            answer(router, peer, request.map(Body::new))
        });
        let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = %error, "a connection ended early");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(CONNECTION_PATIENCE, graceful.shutdown()).await.is_err() {
        tracing::warn!("some connections were still open when the server stopped");
    }
}

async fn answer(router: Router, peer: SocketAddr, mut request: Request) -> Result<Response, Infallible> {
    request.extensions_mut().insert(PeerAddress(peer.ip()));
    router.oneshot(request).await
}

/// What is served while the databases are being prepared.
fn starting() -> Router {
    let ids = IdSource::default();
    Router::new()
        .route("/livez", get(async || "alive"))
        .fallback(async || Problem::new(Code::Unavailable, "This instance is starting.").retry_after(1))
        // Nobody decides the time yet; here it only makes request ids.
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            track(Arc::new(SystemClock), ids.clone(), request, next)
        }))
}
