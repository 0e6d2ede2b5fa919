use std::{
    convert::Infallible,
    future::poll_fn,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use axum::{body::Body, extract::Request, response::Response};
use hyper::{
    Version,
    header::{CONNECTION, EXPECT, HeaderValue, STRICT_TRANSPORT_SECURITY},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use loadmaster_platform::{
    telemetry::metric,
    web::{ByHttps, code},
};
use socket2::SockRef;
use tokio::{net::TcpStream, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::service_fn;

use super::{
    Application,
    activity::{Bounds, Ended, UnderWay},
    endless::Leaving,
    linger::Lingering,
    pace::Turn,
    places::{ConnectionSlot, Cost},
    stream::Watched,
    streams::{Answering, Streams},
    tls::Tls,
    transport::{Left, Lent, Transport},
};

use crate::app::limits::PeerAddress;

/// Maximum read-ahead of HTTP/1, in bytes: a larger head is refused without a response body. Above the limit on
/// headers, so that most refusals state the reason.
const MOST_READ_AHEAD: usize = 96 * 1024;
/// The same limit for HTTP/2.
const MOST_HEADER_LIST: u32 = 80 * 1024;
/// Maximum number of concurrent requests on one HTTP/2 connection.
const MOST_STREAMS: u32 = 128;
/// Maximum number of requests that an HTTP/2 client may reset before they are processed, or that may fail by its fault;
/// beyond it the connection ends.
const MOST_RESETS: usize = 20;
const MOST_FAULTS: usize = 128;
/// Maximum number of bytes that one HTTP/2 request has waiting to be sent.
const MOST_SENDING: usize = 64 * 1024;
/// Size of the system's send buffer for one connection, in bytes. Linux doubles it and reports space again when a third
/// is free: a slow reader must have read that much within `server.write_timeout_ms`.
const SEND_BUFFER: usize = 48 * 1024;
/// `Strict-Transport-Security` of responses over TLS: browsers use only HTTPS for a year (RFC 6797).
const ONLY_TLS: HeaderValue = HeaderValue::from_static("max-age=31536000");
/// Maximum wait for an idle connection to end after it was asked to.
const GOODBYE: Duration = Duration::from_secs(2);

/// What answers new requests.
pub(super) struct Installed(RwLock<Arc<dyn Application>>);

impl Installed {
    pub fn new(first: Arc<dyn Application>) -> Self {
        Self(RwLock::new(first))
    }

    pub fn install(&self, application: Arc<dyn Application>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = application;
    }

    fn current(&self) -> Arc<dyn Application> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// State shared by all connections.
pub(super) struct Door {
    pub application: Installed,
    /// `None`: plain HTTP.
    pub tls: Option<Arc<Tls>>,
    pub bounds: Bounds,
    pub connections: TaskTracker,
    /// When cancelled, connections end after their requests are answered.
    pub stopping: CancellationToken,
    /// When cancelled, connections end immediately.
    pub cut: CancellationToken,
}

impl Door {
    fn protocols(&self) -> auto::Builder<Streams> {
        let Bounds { head, write, .. } = self.bounds;
        let mut builder = auto::Builder::new(Streams { patience: write });
        // The connection's own timeouts are stricter than hyper's header timeout, and distinguish idle connections from slow
        // ones.
        builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(MOST_READ_AHEAD);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(Some(head))
            .keep_alive_timeout(head)
            .max_concurrent_streams(MOST_STREAMS)
            .max_pending_accept_reset_streams(MOST_RESETS)
            .max_local_error_reset_streams(MOST_FAULTS)
            .max_header_list_size(MOST_HEADER_LIST)
            .max_send_buf_size(MOST_SENDING);
        builder
    }

    /// Serves a connection until either side ends it.
    pub async fn serve(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, place: ConnectionSlot) {
        prepare(&stream, self.bounds.write);
        let Some(transport) = Box::pin(self.open(Watched::new(stream, Arc::new(place)))).await else { return };
        let (left, leaving) = (Left::default(), Leaving::default());
        Box::pin(self.clone().serve_http(transport, left.clone(), peer, &leaving)).await;
        let transport = left.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(answer), Some(transport)) = (leaving.taken(), transport) {
            let (patience, cut) = (self.bounds.write, self.cut.clone());
            // A task of its own is small: most of this one was for HTTP.
            self.connections.spawn(answer.send(transport, patience, cut));
        }
    }

    /// Returns the transport after its TLS handshake, if one is needed; `None` if that failed. The bounds on a head that does
    /// not arrive apply to the handshake, and its connection may be closed to make space.
    async fn open(&self, socket: Watched) -> Option<Transport> {
        let Some(tls) = &self.tls else { return Some(Transport::Plain(socket)) };
        let place = socket.place().clone();
        // A handshake is mostly processor time, and any client may ask for one.
        let (mut cost, mut handshake) = (Cost::of_peer(place.clone()), pin!(tls.handshake(socket)));
        tokio::select! {
            stream = poll_fn(|context| cost.of(|| handshake.as_mut().poll(context))) => {
                stream.map(|stream| Transport::Encrypted(Box::new(stream)))
            }
            why = place.activity.over(&self.bounds, false) => {
                metric::CONNECTIONS_CLOSED.with([why.as_str()]).increment(1);
                if matches!(why, Ended::SlowReader | Ended::Flood) {
                    place.activity.reset();
                }
                None
            }
            // There is no request to answer yet.
            () = self.stopping.cancelled() => None,
        }
    }

    /// Returns when the connection has ended, or when it has no other purpose any more than one answer that is `leaving`.
    async fn serve_http(self: Arc<Self>, transport: Transport, left: Left, peer: SocketAddr, leaving: &Leaving) {
        let (place, door) = (transport.place().clone(), self.clone());
        let (activity, asking, way_out) = (place.activity.clone(), place.clone(), leaving.clone());
        let caller = Caller { peer, is_encrypted: transport.is_encrypted() };
        let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let under_way = asking.activity.ask(request.version() == Version::HTTP_2);
            let way_out = way_out.of(&request);
            take_turn(request, (asking.clone(), under_way), (door.application.current(), caller), way_out)
        });
        let mut cost = Cost::of_peer(place.clone());
        let io = TokioIo::new(Lent::new(transport, left));
        let connection = self.protocols().serve_connection(io, TowerToHyperService::new(service)).into_owned();
        let mut connection = pin!(connection);
        let (mut is_stopping, mut closing_since) = (false, None);
        loop {
            tokio::select! {
                ended = poll_fn(|context| cost.of(|| connection.as_mut().poll(context))) => {
                    if let Err(error) = ended {
                        tracing::debug!(error, "a connection ended with an error");
                    }
                    return;
                }
                why = activity.over(&self.bounds, closing_since.is_some()) => {
                    metric::CONNECTIONS_CLOSED.with([why.as_str()]).increment(1);
                    match why {
                        Ended::SlowHead => return,
                        Ended::SlowReader | Ended::Flood => return activity.reset(),
                        // A request that has just arrived is still answered.
                        Ended::Idle | Ended::Shed => connection.as_mut().graceful_shutdown(),
                    }
                    closing_since = Some(Instant::now());
                }
                // A client may ignore the request to close the connection.
                () = tokio::time::sleep(GOODBYE), if closing_since.is_some() => {
                    let since = closing_since.map_or(Duration::ZERO, |closing_since| closing_since.elapsed());
                    let goes_on = activity.has_asked_within(since.saturating_sub(GOODBYE));
                    if goes_on || activity.idle().is_some() {
                        // A server stop must not discard data that the client has still to read.
                        if !is_stopping {
                            activity.reset();
                        }
                        return;
                    }
                }
                () = self.stopping.cancelled(), if !is_stopping => {
                    is_stopping = true;
                    closing_since = closing_since.or_else(|| Some(Instant::now()));
                    connection.as_mut().graceful_shutdown();
                }
                () = leaving.left() => return,
                () = self.cut.cancelled() => return,
            }
        }
    }
}

/// The other side of a connection.
#[derive(Debug, Clone, Copy)]
struct Caller {
    peer: SocketAddr,
    is_encrypted: bool,
}

/// Answers a request in its turn. An endless answer takes its `way_out`, and nothing is returned.
async fn take_turn(
    request: hyper::Request<hyper::body::Incoming>,
    (asking, under_way): (Arc<ConnectionSlot>, UnderWay),
    (application, caller): (Arc<dyn Application>, Caller),
    way_out: Option<Leaving>,
) -> Result<hyper::Response<Answering>, Infallible> {
    let paced = asking.paced(request.headers());
    await_turn(&asking, paced).await;
    let request = lingering(request, Cost::new(asking.clone(), paced));
    let (mut cost, mut answering) = (Cost::new(asking, paced), pin!(answer(application, caller, request)));
    let response = poll_fn(|context| cost.of(|| answering.as_mut().poll(context))).await;
    if let Some(way_out) = way_out.filter(|_| Leaving::is_for(&response)) {
        way_out.leave(response, under_way, cost);
        return std::future::pending().await;
    }
    Ok(response.map(|body| Answering::new(body, under_way, cost)))
}

/// Sets the socket to send small answers immediately, and to detect a peer that is gone or does not read.
fn prepare(stream: &TcpStream, patience: Duration) {
    let socket = SockRef::from(stream);
    let done = socket
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_tcp_user_timeout(Some(patience)))
        .and_then(|()| socket.set_send_buffer_size(SEND_BUFFER));
    if let Err(error) = done {
        tracing::debug!(%error, "cannot prepare a connection");
    }
}

/// Waits until a request may be served; waits for ever if it may not, because its connection is about to end.
async fn await_turn(place: &ConnectionSlot, paced: Option<IpAddr>) {
    let (turn, _sleeper) = place.turn(paced);
    match turn {
        Turn::Now => {}
        Turn::In(time) => tokio::time::sleep(time).await,
        Turn::Never => {
            place.activity.flood();
            std::future::pending::<()>().await;
        }
    }
}

fn lingering(request: hyper::Request<hyper::body::Incoming>, cost: Cost) -> Request {
    // HTTP/2 can reset one request without the others.
    let may_linger = request.version() != Version::HTTP_2;
    let waits_to_be_asked = request.headers().contains_key(EXPECT);
    request.map(|body| Body::new(Lingering::new(body, may_linger, waits_to_be_asked, cost)))
}

async fn answer(application: Arc<dyn Application>, caller: Caller, mut request: Request) -> Response {
    request.extensions_mut().insert(PeerAddress(caller.peer.ip()));
    request.extensions_mut().insert(ByHttps(caller.is_encrypted));
    let may_close = request.version() != Version::HTTP_2;
    let mut response = application.answer(request).await;
    // The client would continue to send.
    let is_too_much = matches!(response.extensions().get(), Some(&(code::PAYLOAD_TOO_LARGE | code::HEADERS_TOO_LARGE)));
    if may_close && is_too_much {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if caller.is_encrypted {
        response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, ONLY_TLS);
    }
    response
}
