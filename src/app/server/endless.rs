//! Answers that do not end by themselves. An HTTP connection keeps some twenty kilobytes, mostly for what it may still read
//! and write. Over HTTP/1 such an answer is all that its connection is for: it leaves HTTP behind, and is written to the
//! transport by a task that keeps nearly nothing.
use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{body::Body, response::Response};
use bytes::{Buf, Bytes};
use hyper::{Method, Request, Version, body::Body as _};
use loadmaster_platform::{streams::Endless, telemetry::metric};
use tokio::{
    io::{AsyncRead, AsyncWriteExt, ReadBuf},
    sync::Notify,
};
use tokio_util::sync::CancellationToken;

use super::{
    activity::{Ended, UnderWay},
    places::Cost,
    transport::Transport,
};

/// Maximum number of bytes that a client may send while it reads an endless answer.
const MOST_UNASKED: usize = 64 * 1024;

/// The way of an answer out of its HTTP connection.
#[derive(Clone, Default)]
pub(super) struct Leaving(Arc<Left>);

#[derive(Default)]
struct Left {
    answer: Mutex<Option<Answer>>,
    is_there: Notify,
}

/// An endless answer.
pub(super) struct Answer {
    head: Bytes,
    body: Body,
    cost: Cost,
    _under_way: UnderWay,
}

impl Leaving {
    /// Returns the way out for the answer to this request, if it may have one.
    pub fn of<B>(&self, request: &Request<B>) -> Option<Self> {
        let may_leave = request.version() == Version::HTTP_11 && *request.method() == Method::GET;
        may_leave.then(|| self.clone())
    }

    pub fn is_for(response: &Response) -> bool {
        response.extensions().get::<Endless>().is_some()
    }

    /// The answer takes its cost along: what it sends is charged as it is made.
    pub fn leave(&self, response: Response, under_way: UnderWay, cost: Cost) {
        let (parts, body) = response.into_parts();
        let mut head = format!("HTTP/1.1 {}\r\n", parts.status).into_bytes();
        for (name, value) in &parts.headers {
            for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                head.extend_from_slice(part);
            }
        }
        head.extend_from_slice(b"connection: close\r\ntransfer-encoding: chunked\r\n\r\n");
        let answer = Answer { head: head.into(), body, cost, _under_way: under_way };
        *self.0.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        self.0.is_there.notify_one();
    }

    /// Waits for an answer that leaves.
    pub async fn left(&self) {
        self.0.is_there.notified().await;
    }

    pub fn taken(&self) -> Option<Answer> {
        self.0.answer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Answer {
    /// Sends it until either side ends it, or `cut`. A client that takes nothing for `patience` is left.
    pub async fn send(self, mut transport: Transport, patience: Duration, cut: CancellationToken) {
        let Self { head, mut body, mut cost, _under_way } = self;
        let sending = async {
            let mut head = Some(head);
            loop {
                let next = poll_fn(|context| cost.of(|| Pin::new(&mut body).poll_frame(context)));
                let frame = tokio::select! {
                    biased;
                    frame = next => frame,
                    () = is_closed(&mut transport) => return,
                };
                let head = head.take().unwrap_or_default();
                let Some(frame) = frame else {
                    if write(&mut transport, head.chain(&b"0\r\n\r\n"[..]), patience).await {
                        _ = transport.shutdown().await;
                    }
                    return;
                };
                let Some(data) = frame.ok().and_then(|frame| frame.into_data().ok()) else { return };
                let length = Bytes::from(format!("{:x}\r\n", data.len()));
                if !write(&mut transport, head.chain(length).chain(data).chain(&b"\r\n"[..]), patience).await {
                    return;
                }
            }
        };
        tokio::select! {
            () = sending => {}
            () = cut.cancelled() => {}
        }
    }
}

/// Returns whether all was written.
async fn write(transport: &mut Transport, mut bytes: impl Buf, patience: Duration) -> bool {
    while bytes.has_remaining() {
        match tokio::time::timeout(patience, transport.write_buf(&mut bytes)).await {
            Ok(Ok(1..)) => {}
            Ok(_) => return false,
            Err(_) => {
                leave(transport);
                return false;
            }
        }
    }
    // TLS keeps what the socket does not take at once.
    let Ok(flushed) = tokio::time::timeout(patience, transport.flush()).await else {
        leave(transport);
        return false;
    };
    flushed.is_ok()
}

/// Gives up a client that takes nothing.
fn leave(transport: &Transport) {
    metric::CONNECTIONS_CLOSED.with([Ended::SlowReader.as_str()]).increment(1);
    transport.place().activity.reset();
}

/// Waits until the client has closed the connection, or sends too much that nobody asked for.
async fn is_closed(transport: &mut Transport) {
    let mut unasked = 0;
    poll_fn(|context| {
        while unasked <= MOST_UNASKED {
            match ready!(poll_read(transport, context)) {
                Ok(length @ 1..) => unasked += length,
                _ => break,
            }
        }
        Poll::Ready(())
    })
    .await;
}

/// Reads and discards. The buffer is not part of the waiting task.
fn poll_read(transport: &mut Transport, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
    let mut buffer = [0; 512];
    let mut buffer = ReadBuf::new(&mut buffer);
    ready!(Pin::new(transport).poll_read(context, &mut buffer))?;
    Poll::Ready(Ok(buffer.filled().len()))
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, time::Instant};

    use futures_util::StreamExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::{
        super::{
            pace::Pace,
            places::{Most, Places},
            stream::Watched,
        },
        *,
    };
    use loadmaster_platform::settings::{Settings, Sources};

    #[tokio::test]
    async fn what_an_endless_answer_takes_to_make_is_charged_to_its_address() {
        let pace = Pace::new(&Settings::load(Sources::default()).unwrap().rate_limit);
        let places = Places::new(Most { in_all: 2, of_one_address: 1 }, &[], pace);
        let address = Arc::new(places.enter([192, 0, 2, 1].into()).unwrap());
        let pieces = futures_util::stream::iter(1..=3).map(|_| {
            let began = Instant::now();
            while began.elapsed() < Duration::from_millis(2) {}
            Ok::<_, Infallible>(Bytes::from_static(b"x"))
        });
        let leaving = Leaving::default();
        let cost = Cost::of_peer(address.clone());
        leaving.leave(Response::new(Body::from_stream(pieces)), address.activity.ask(false), cost);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (socket, _) = listener.accept().await.unwrap();
        let before = address.due().unwrap();
        let transport = Transport::Plain(Watched::new(socket, address.clone()));
        leaving.taken().unwrap().send(transport, Duration::from_secs(9), CancellationToken::new()).await;
        assert!(address.due().unwrap() > before);
    }
}
