use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;

use super::{places::ConnectionSlot, stream::Watched};

/// What a connection's bytes pass through. There is no way past TLS to the socket.
pub(super) enum Transport {
    Plain(Watched),
    Encrypted(Box<TlsStream<Watched>>),
}

impl Transport {
    pub fn place(&self) -> &Arc<ConnectionSlot> {
        match self {
            Self::Plain(socket) => socket.place(),
            Self::Encrypted(stream) => stream.get_ref().0.place(),
        }
    }

    pub fn is_encrypted(&self) -> bool {
        matches!(self, Self::Encrypted(_))
    }

    fn stream(self: Pin<&mut Self>) -> Pin<&mut dyn Stream> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket),
            Self::Encrypted(stream) => Pin::new(stream.as_mut()),
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_read(context, buffer)
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stream().poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(context)
    }
}

impl Drop for Transport {
    /// However a connection ends: without `close_notify` the client could not distinguish it from one that an attacker has cut. The
    /// system takes these few bytes, or they are not waited for.
    fn drop(&mut self) {
        if self.is_encrypted() && !self.place().activity.must_reset() {
            _ = Pin::new(self).poll_shutdown(&mut Context::from_waker(Waker::noop()));
        }
    }
}

/// Where a transport is left for what comes after HTTP.
pub(super) type Left = Arc<Mutex<Option<Transport>>>;

/// A transport that is given to HTTP, and left behind when HTTP drops it.
pub(super) struct Lent {
    /// `None` only while it is dropped.
    transport: Option<Transport>,
    left: Left,
}

impl Lent {
    pub fn new(transport: Transport, left: Left) -> Self {
        Self { transport: Some(transport), left }
    }

    fn transport(&mut self) -> io::Result<Pin<&mut Transport>> {
        self.transport.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl AsyncRead for Lent {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.transport()?.poll_read(context, buffer)
    }
}

impl AsyncWrite for Lent {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.transport()?.poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.transport()?.poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.transport()?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.transport()?.poll_shutdown(context)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = self.transport.take();
    }
}
