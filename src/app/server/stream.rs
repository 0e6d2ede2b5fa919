use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Sleep,
};

use super::places::ConnectionSlot;

/// After this many bytes without a request, other connections get their turn, and a peer that has used up its share
/// rests: frames, chunks and bodies also take time.
const LOOK_EVERY: usize = 64 * 1024;

/// A socket that records the data passing through it. With TLS that is what the network carries.
pub(super) struct Watched {
    stream: TcpStream,
    place: Arc<ConnectionSlot>,
    read: usize,
    rest: Option<Pin<Box<Sleep>>>,
}

impl Watched {
    pub fn new(stream: TcpStream, place: Arc<ConnectionSlot>) -> Self {
        Self { stream, place, read: 0, rest: None }
    }

    pub fn place(&self) -> &Arc<ConnectionSlot> {
        &self.place
    }

    fn stream(&mut self) -> Pin<&mut TcpStream> {
        Pin::new(&mut self.stream)
    }

    /// Returns whether more may be read now.
    fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(rest) = &mut self.rest {
            ready!(rest.as_mut().poll(context));
            self.rest = None;
        }
        if self.read < LOOK_EVERY {
            return Poll::Ready(());
        }
        self.read = 0;
        let Some(time) = self.place.rest() else {
            context.waker().wake_by_ref();
            return Poll::Pending;
        };
        let mut rest = Box::pin(tokio::time::sleep(time));
        let waits = rest.as_mut().poll(context);
        self.rest = Some(rest);
        waits
    }

    fn noted(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(bytes)) => self.place.activity.wrote(*bytes),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.place.activity.blocked(),
        }
        written
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_rest(context));
        let before = buffer.filled().len();
        let read = self.stream().poll_read(context, buffer);
        let came = buffer.filled().len() - before;
        if came > 0 {
            self.read += came;
            self.place.activity.read();
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.stream().poll_write(context, bytes);
        self.noted(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream().poll_write_vectored(context, slices);
        self.noted(written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// The buffers of HTTP and TLS are empty when they flush the socket.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.place.activity.flushed();
        self.stream().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(context)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if self.place.activity.must_reset() {
            _ = self.stream.set_zero_linger();
        }
    }
}
