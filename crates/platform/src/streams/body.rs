use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, HttpBody},
    http::{HeaderName, HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use hyper::body::Frame;

use super::{frame::first_of, queue::Taken, registry::Opened};
use crate::web::{Coding, encoded};

/// Has nginx pass each event on as it comes.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// What happened before a stream was opened, read as its client takes it.
pub type Backlog = BoxStream<'static, Result<Bytes, Broken>>;

/// Marks a response whose body does not end by itself, so that the server keeps nothing else for its connection.
#[derive(Debug, Clone, Copy)]
pub struct Endless;

/// What was missed cannot be read. The stream ends; its client comes back with the last id that it has.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the stream has ended early")]
pub struct Broken;

impl Opened {
    /// Begins with these events.
    pub fn start(self, events: &str) -> Sending {
        Sending { first: Some(first_of(events)), backlog: None, opened: self }
    }

    /// Begins with what is read of the past.
    pub fn catch_up(self, events: &str, backlog: Backlog) -> Sending {
        Sending { backlog: Some(backlog), ..self.start(events) }
    }
}

/// The body of a stream: its beginning, what was missed, then what comes.
pub struct Sending {
    first: Option<Bytes>,
    backlog: Option<Backlog>,
    opened: Opened,
}

impl Sending {
    pub fn into_response(self) -> Response {
        let date = self.opened.streams.http_date();
        let mut response = Response::new(Body::new(self));
        response.extensions_mut().insert(Endless);
        let headers = response.headers_mut();
        if let Ok(date) = HeaderValue::from_str(&date) {
            headers.insert(header::DATE, date);
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
        headers.insert(UNBUFFERED, HeaderValue::from_static("no"));
        // A compressed stream would wait for more to compress.
        let mut response = encoded(response, Coding::Identity);
        response.headers_mut().remove(header::VARY);
        response
    }

    /// Reads the past. `None`: it is over.
    fn poll_backlog(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        let Some(backlog) = &mut self.backlog else { return Poll::Ready(None) };
        let next = backlog.as_mut().poll_next(context);
        if let Poll::Ready(None) = next {
            self.backlog = None;
        }
        next
    }
}

impl HttpBody for Sending {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = &mut *self;
        let queue = this.opened.sender.0.clone();
        if let Some(first) = this.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if this.backlog.is_some() {
            if let Poll::Ready(words) = queue.poll_end(context) {
                this.backlog = None;
                return Poll::Ready(words.map(|words| Ok(Frame::data(words))));
            }
            match this.poll_backlog(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(bytes))) => {
                    queue.took(this.opened.streams.now());
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Poll::Ready(Some(Err(Broken))) => {
                    this.backlog = None;
                    queue.end(None);
                    return Poll::Ready(None);
                }
                Poll::Ready(None) => {}
            }
        }
        match queue.poll(context, || this.opened.streams.now()) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Taken::Piece(bytes)) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Poll::Ready(Taken::End(words)) => Poll::Ready(words.map(|words| Ok(Frame::data(words)))),
        }
    }
}
