//! Each request of an HTTP/2 connection is a task of its own, which ends when the client does not take its answer.
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use loadmaster_platform::telemetry::metric;

use super::{
    activity::{Ended, UnderWay},
    places::Cost,
};

/// Size of the pieces in which an answer is passed to HTTP/2, in bytes: HTTP/2 keeps one piece for each request, even
/// if the client opens a small window.
const PIECE: usize = 16 * 1024;

tokio::task_local! {
    static STREAM: Arc<Progress>;
}

/// Time of the last progress of one request's answer.
#[derive(Debug)]
pub(super) struct Progress {
    began: Instant,
    /// Milliseconds after `began`; 0: the answer has not begun, or its next part is not there yet.
    last: AtomicU64,
}

impl Progress {
    fn new() -> Self {
        Self { began: Instant::now(), last: AtomicU64::new(0) }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    fn made(&self) {
        self.last.store(self.now(), Relaxed);
    }

    /// Records that there is nothing to take: the client does not keep the answer waiting.
    fn waits(&self) {
        self.last.store(0, Relaxed);
    }

    /// Waits until the answer has made no progress for this time.
    async fn stalled(&self, patience: Duration) {
        loop {
            let left = match self.last.load(Relaxed) {
                0 => patience,
                last => patience.saturating_sub(Duration::from_millis(self.now().saturating_sub(last))),
            };
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left).await;
        }
    }
}

/// Runs the requests of an HTTP/2 connection; aborts a request whose answer the client does not take for `patience`.
#[derive(Debug, Clone)]
pub(super) struct Streams {
    pub patience: Duration,
}

impl<F> hyper::rt::Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, request: F) {
        let (patience, progress) = (self.patience, Arc::new(Progress::new()));
        tokio::spawn(async move {
            tokio::select! {
                biased;
                _ = STREAM.scope(progress.clone(), request) => {}
                // Dropping the request resets its stream; the connection's other streams continue.
                () = progress.stalled(patience) => {
                    metric::CONNECTIONS_CLOSED.with([Ended::SlowReader.as_str()]).increment(1);
                }
            }
        });
    }
}

/// An answer's body that records its progress.
pub(super) struct Answering {
    body: Body,
    rest: Bytes,
    progress: Option<Arc<Progress>>,
    cost: Cost,
    _under_way: UnderWay,
}

impl Answering {
    pub fn new(body: Body, under_way: UnderWay, cost: Cost) -> Self {
        let progress = STREAM.try_with(Clone::clone).ok();
        if let Some(progress) = &progress {
            progress.made();
        }
        Self { body, rest: Bytes::new(), progress, cost, _under_way: under_way }
    }
}

impl hyper::body::Body for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let Some(progress) = &this.progress else {
            return this.cost.of(|| Pin::new(&mut this.body).poll_frame(context));
        };
        progress.made();
        if this.rest.is_empty() {
            match this.cost.of(|| Pin::new(&mut this.body).poll_frame(context)) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => this.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                other => {
                    if other.is_pending() {
                        progress.waits();
                    }
                    return other;
                }
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, hint) = (self.rest.len() as u64, self.body.size_hint());
        let mut both = SizeHint::new();
        both.set_lower(hint.lower() + rest);
        if let Some(upper) = hint.upper() {
            both.set_upper(upper + rest);
        }
        both
    }
}
