//! A stream that notes what is done with it, and that can be closed from outside.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Connection, Connections, NOW};

/// The stream of a connection. It leaves the others when it is dropped.
pub(in crate::http) struct Guarded<T> {
    stream: T,
    connection: Rc<Connection>,
    all: Rc<Connections>,
}

impl<T> Guarded<T> {
    pub(super) fn new(stream: T, connection: Rc<Connection>, all: Rc<Connections>) -> Self {
        Self {
            stream,
            connection,
            all,
        }
    }

    /// What it does.
    pub(in crate::http) fn connection(&self) -> &Rc<Connection> {
        &self.connection
    }

    pub(super) fn all(&self) -> &Rc<Connections> {
        &self.all
    }

    fn check(&self) -> io::Result<()> {
        if self.connection.is_condemned.get() {
            Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "closed for want of progress",
            ))
        } else {
            Ok(())
        }
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        self.all.leave(&self.connection);
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Guarded<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let connection = &self.connection;
        if read.is_pending() {
            // Whoever condemns it wakes the task that waits here.
            let waker = connection.waker.take();
            let same = waker.filter(|waker| waker.will_wake(context.waker()));
            let waker = same.unwrap_or_else(|| context.waker().clone());
            connection.waker.set(Some(waker));
        } else if buffer.filled().len() > before {
            connection.is_untouched.set(false);
            if connection.in_flight.get() == 0
                && connection.head_since.get().is_none()
                && !connection.is_multiplexed.get()
            {
                connection.head_since.set(Some(NOW.get()));
            }
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Guarded<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        let written = Pin::new(&mut self.stream).poll_write(context, buffer);
        let connection = &self.connection;
        connection.is_blocked.set(written.is_pending());
        if let Poll::Ready(Ok(count)) = written {
            let total = connection.written.get() + count as u64;
            connection.written.set(total);
            connection.last_used.set(NOW.get());
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
