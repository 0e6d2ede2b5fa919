use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use axum::{Router, body::Body, extract::Request, response::Response};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};
use tower::{ServiceExt, service_fn};

use super::{linger::Lingering, system::PeerAddress};
use crate::platform::settings;

/// Longest wait for connections that are still being answered when the server stops.
const CONNECTION_PATIENCE: Duration = Duration::from_secs(15);

/// Takes the address, before anything else is started: a taken port is told at once.
pub async fn bind(server: &settings::Server) -> anyhow::Result<TcpListener> {
    let (host, port) = (server.host.as_str(), server.port);
    TcpListener::bind((host, port)).await.with_context(|| {
        format!("cannot listen on {host}:{port}; stop what listens there, or choose another port with PORT=…")
    })
}

/// A server that answers from the moment it has its address. What it serves can be exchanged while it runs.
pub struct Server {
    address: SocketAddr,
    application: Application,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

/// The router that new requests go to.
#[derive(Clone)]
struct Application(Arc<RwLock<Router>>);

impl Application {
    fn current(&self) -> Router {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Server {
    /// Begins to answer with `first`, which tells that the real application is not there yet.
    pub fn start(listener: TcpListener, settings: &settings::Server, first: Router) -> anyhow::Result<Self> {
        let address = listener.local_addr()?;
        let application = Application(Arc::new(RwLock::new(first)));
        let (stop, stopped) = watch::channel(false);
        let accepting = tokio::spawn(accept(listener, application.clone(), settings.header_timeout(), stopped));
        Ok(Self { address, application, stop, accepting })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on requests are served by this.
    pub fn install(&self, application: Router) {
        *self.application.0.write().unwrap_or_else(PoisonError::into_inner) = application;
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
    application: Application,
    header_timeout: Duration,
    mut stopped: watch::Receiver<bool>,
) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(header_timeout);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Some(header_timeout));
    let graceful = GracefulShutdown::new();
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
        let connection = serve(builder.clone(), stream, peer, application.clone(), header_timeout, graceful.watcher());
        tokio::spawn(connection);
    }
    drop(listener);
    if tokio::time::timeout(CONNECTION_PATIENCE, graceful.shutdown()).await.is_err() {
        tracing::warn!("some connections were still open when the server stopped");
    }
}

async fn serve(
    builder: auto::Builder<TokioExecutor>,
    stream: TcpStream,
    peer: SocketAddr,
    application: Application,
    header_timeout: Duration,
    watcher: Watcher,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let has_asked = Arc::new(AtomicBool::new(false));
    let asked = has_asked.clone();
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        asked.store(true, Ordering::Relaxed);
        answer(application.current(), peer, request.map(|body| Body::new(Lingering::new(body))))
    });
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).into_owned();
    let mut connection = pin!(watcher.watch(connection));
    let ended = match tokio::time::timeout(header_timeout, connection.as_mut()).await {
        Ok(ended) => ended,
        Err(_) if has_asked.load(Ordering::Relaxed) => connection.await,
        // hyper's own timeout begins only when the bytes have told which version of HTTP is spoken.
        Err(_) => return,
    };
    if let Err(error) = ended {
        tracing::debug!(error = %error, "a connection ended early");
    }
}

async fn answer(application: Router, peer: SocketAddr, mut request: Request) -> Result<Response, Infallible> {
    request.extensions_mut().insert(PeerAddress(peer.ip()));
    application.oneshot(request).await
}
