//! The layer between the wire and the router: the listener, the connections and their bounds.
mod activity;
mod connection;
mod endless;
mod linger;
mod pace;
mod places;
mod stream;
mod streams;
mod tls;
mod transport;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use axum::{extract::Request, response::Response};
use futures_util::future::BoxFuture;
use loadmaster_platform::{
    clock::SharedClock,
    descriptors,
    settings::{self, Settings},
    timing::Timing,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use self::{
    activity::Bounds,
    connection::{Door, Installed},
    pace::Pace,
    places::{Most, Places},
    tls::Tls,
};

/// File descriptors reserved for other uses than callers' and database connections: Redis, files, the runtime.
const OTHER_DESCRIPTORS: u64 = 64;
/// Pause before accepting again after file descriptors ran out.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(10);
/// Maximum time for cut connections to end.
const CUT_PATIENCE: Duration = Duration::from_secs(1);

/// Binds the address before anything else starts, so that a port in use is reported immediately.
pub async fn bind(server: &settings::Server) -> anyhow::Result<TcpListener> {
    let (host, port) = (server.host.as_str(), server.port);
    TcpListener::bind((host, port)).await.with_context(|| {
        format!(
            "cannot listen on {host}:{port}; stop the process that uses the port, or choose another port with PORT=…"
        )
    })
}

/// What answers requests.
pub trait Application: Send + Sync + 'static {
    fn answer(self: Arc<Self>, request: Request) -> Answering;
}

/// The work on an answer.
pub type Answering = BoxFuture<'static, Response>;

/// A server that answers as soon as its address is bound. Its application can be exchanged while it runs.
pub struct Server {
    address: SocketAddr,
    door: Arc<Door>,
    accepting: JoinHandle<()>,
    connections: TaskTracker,
    _stops_when_dropped: DropGuard,
}

impl Server {
    /// Begins to answer with `first`, which reports that the real application is not ready yet.
    pub fn start(
        listener: TcpListener,
        settings: &Settings,
        (clock, timing): (SharedClock, Timing),
        first: Arc<dyn Application>,
    ) -> anyhow::Result<Self> {
        let (address, server) = (listener.local_addr()?, &settings.server);
        let (tls, follower) = Tls::open(server, clock)?.unzip();
        let most = most_connections(settings);
        if most.in_all < server.max_connections {
            let (connections, wanted) = (most.in_all, server.max_connections);
            tracing::warn!(
                connections,
                wanted,
                "the limit of open file descriptors allows fewer connections than server.max_connections"
            );
        }
        let connections = TaskTracker::new();
        let door = Arc::new(Door {
            application: Installed::new(first),
            tls,
            bounds: Bounds {
                head: server.header_timeout(),
                idle: server.idle_timeout(),
                write: server.write_timeout(),
            },
            connections: connections.clone(),
            stopping: CancellationToken::new(),
            cut: CancellationToken::new(),
        });
        if let Some(follower) = follower {
            tokio::spawn(follower.follow(timing.certificate, door.stopping.clone()));
        }
        let places = Places::new(most, &server.trusted_proxies, Pace::new(&settings.rate_limit));
        let accepting = tokio::spawn(accept(listener, door.clone(), places, connections.clone()));
        let stops_when_dropped = door.stopping.clone().drop_guard();
        Ok(Self { address, door, accepting, connections, _stops_when_dropped: stops_when_dropped })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves requests with this application from now on.
    pub fn install(&self, application: Arc<dyn Application>) {
        self.door.application.install(application);
    }

    /// Closes the listener, then waits for the requests under way; cuts connections still open after `patience`.
    pub async fn stop(self, patience: Duration) {
        self.door.stopping.cancel();
        if self.accepting.await.is_err() {
            tracing::error!("the task that accepts connections panicked");
        }
        self.connections.close();
        if tokio::time::timeout(patience, self.connections.wait()).await.is_err() {
            tracing::warn!(
                connections = self.connections.len(),
                "connections were still open when the server stopped; closing them"
            );
            self.door.cut.cancel();
            _ = tokio::time::timeout(CUT_PATIENCE, self.connections.wait()).await;
        }
    }
}

/// Returns the limits on connections, from the settings and the number of file descriptors this process may open.
fn most_connections(settings: &Settings) -> Most {
    let reserved = OTHER_DESCRIPTORS + u64::from(settings.database.connections());
    Most::of(&settings.server, descriptors::limit().soft, reserved)
}

async fn accept(listener: TcpListener, door: Arc<Door>, places: Arc<Places>, connections: TaskTracker) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = door.stopping.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => match places.enter(peer.ip()) {
                Some(place) => {
                    connections.spawn(door.clone().serve(stream, peer, place));
                }
                None => refuse(&stream),
            },
            Err(error) if is_exhaustion(&error) => {
                places.exhausted(&error);
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
            }
            // The client has gone before its connection was accepted.
            Err(error) => tracing::debug!(%error, "cannot accept a connection"),
        }
    }
}

/// Resets the connection by dropping it, so that the system keeps no state of it either.
fn refuse(stream: &TcpStream) {
    _ = stream.set_zero_linger();
}

/// Returns whether this process or the system has too many open files, or too little memory.
fn is_exhaustion(error: &io::Error) -> bool {
    use nix::libc::{EMFILE, ENFILE, ENOBUFS, ENOMEM};
    error.raw_os_error().is_some_and(|code| [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(&code))
}
