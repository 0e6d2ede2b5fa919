use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::places::Cost;

/// Limits, in bytes and time, on reading an unwanted body after the answer.
const MOST_BYTES: usize = 64 * 1024 * 1024;
const MOST_TIME: Duration = Duration::from_secs(10);
/// After this time without data, the client is assumed to have read the answer.
const MOST_SILENCE: Duration = Duration::from_secs(1);

/// A request body whose unread rest is read and discarded once no handler needs it. Closing a connection with unread
/// bytes resets it, and the client would lose the answer that explains why its body was refused.
pub(super) struct Lingering {
    body: Option<Incoming>,
    may_linger: bool,
    /// The client sends the body only when asked to, and reading it asks.
    waits_to_be_asked: bool,
    cost: Option<Cost>,
}

impl Lingering {
    pub fn new(body: Incoming, may_linger: bool, waits_to_be_asked: bool, cost: Cost) -> Self {
        Self { body: Some(body), may_linger, waits_to_be_asked, cost: Some(cost) }
    }
}

impl Body for Lingering {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.waits_to_be_asked = false;
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(context);
        if let (Poll::Ready(Some(Ok(frame))), Some(cost)) = (&frame, &mut self.cost) {
            cost.bytes(frame.data_ref().map_or(0, Buf::remaining));
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let lingers = self.may_linger && !self.waits_to_be_asked;
        let unread = self.body.take().filter(|body| lingers && !body.is_end_stream());
        if let (Some(body), Some(cost), Ok(runtime)) = (unread, self.cost.take(), tokio::runtime::Handle::try_current())
        {
            runtime.spawn(async move { tokio::time::timeout(MOST_TIME, discard(body, cost)).await });
        }
    }
}

async fn discard(mut body: Incoming, mut cost: Cost) {
    let mut read = 0;
    while let Ok(Some(Ok(frame))) = tokio::time::timeout(MOST_SILENCE, body.frame()).await {
        let length = frame.data_ref().map_or(0, Buf::remaining);
        cost.bytes(length);
        read += length;
        if read > MOST_BYTES {
            break;
        }
    }
}
