//! A stream that ends without a request lost, once all connections are to end.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;

use super::departures::Stage;
use super::frames::{Frames, GOODBYE};
use super::opening::Opening;
use super::{Connection, Connections, Guarded, NOW};

/// The stream that the framework reads from. Its end is shown to the framework where its client asks nothing and all
/// connections are to end: nothing that has arrived stays unread. Clients of HTTP/2 are told before (GOAWAY, RFC 9113
/// 6.8), since the framework does not tell them: what they have asked is answered, and what comes they ask by another one.
pub(in crate::http) struct Parting<S> {
    stream: S,
    connection: Rc<Connection>,
    all: Rc<Connections>,
    opening: Opening,
    http2: Option<Http2>,
}

/// What was sent.
#[derive(Default)]
struct Http2 {
    frames: Frames,
    /// How much of [`GOODBYE`].
    said: usize,
}

impl<T> Parting<Guarded<T>> {
    /// Without TLS.
    pub(in crate::http) fn plain(stream: Guarded<T>) -> Self {
        Self {
            connection: Rc::clone(stream.connection()),
            all: Rc::clone(stream.all()),
            opening: Opening::default(),
            http2: None,
            stream,
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Parting<Guarded<T>> {
    /// Without TLS, for a client that may begin with HTTP/2 (h2c with prior knowledge, RFC 9113, 3.3). Says whether it
    /// does, once it has sent enough to tell, for which it has as long as for a head.
    pub(in crate::http) async fn either(stream: Guarded<T>) -> io::Result<(Self, bool)> {
        let mut parting = Self::plain(stream);
        let is_http2 = poll_fn(|context| parting.poll_opening(context)).await?;
        if is_http2 {
            parting.connection.has_many_requests_at_once();
            parting.http2 = Some(Http2::default());
        }
        Ok((parting, is_http2))
    }
}

impl<T> Parting<TlsStream<Guarded<T>>> {
    /// After a handshake, which has chosen the protocol.
    pub(in crate::http) fn encrypted(stream: TlsStream<Guarded<T>>, is_http2: bool) -> Self {
        let guarded = stream.get_ref().0;
        let (connection, all) = (Rc::clone(guarded.connection()), Rc::clone(guarded.all()));
        connection.is_encrypted_now();
        if is_http2 {
            connection.has_many_requests_at_once();
        }
        Self {
            stream,
            connection,
            all,
            opening: Opening::default(),
            http2: is_http2.then(Http2::default),
        }
    }
}

impl<S> Parting<S> {
    /// For the requests that come by it.
    pub(in crate::http) fn connection(&self) -> &Rc<Connection> {
        &self.connection
    }
}

impl<S: AsyncWrite + Unpin> Parting<S> {
    /// Says goodbye, if it is time to. Who has not got an answer yet may not have asked yet, and would come again to
    /// be sent away again.
    fn poll_goodbye(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(http2) = &mut self.http2 else {
            return Poll::Ready(Ok(()));
        };
        let is_time = self.all.stage.get() >= Stage::Leaving
            && http2.frames.has_answered()
            && http2.frames.is_between_two();
        while (is_time || http2.said > 0) && http2.said < GOODBYE.len() {
            let rest = &GOODBYE[http2.said..];
            match ready!(Pin::new(&mut self.stream).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => http2.said += count,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Parting<S> {
    /// Reads until it is known whether the client begins with HTTP/2. What was read is kept for who reads next.
    fn poll_opening(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        loop {
            if let Some(is_http2) = self.opening.is_http2() {
                return Poll::Ready(Ok(is_http2));
            }
            let mut bytes = [0; Opening::LENGTH];
            let mut buffer = ReadBuf::new(&mut bytes[..self.opening.missing()]);
            ready!(self.poll_more(context, &mut buffer))?;
            if buffer.filled().is_empty() {
                // It left, which the framework is shown next.
                return Poll::Ready(Ok(false));
            }
            self.opening.add(buffer.filled());
        }
    }

    /// Reads what has not been read yet.
    fn poll_more(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() || self.all.stage.get() == Stage::Staying {
            return read;
        }
        if self.http2.is_some() && self.poll_goodbye(context)?.is_ready() {
            let _ = Pin::new(&mut self.stream).poll_flush(context)?;
        }
        if self.all.closes(&self.connection, NOW.get()) {
            return Poll::Ready(Ok(()));
        }
        read
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Parting<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.opening.is_read() {
            return self.poll_more(context, buffer);
        }
        self.opening.read_into(buffer);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Parting<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_goodbye(context))?;
        let written = Pin::new(&mut self.stream).poll_write(context, buffer);
        if let (Some(http2), Poll::Ready(Ok(count))) = (&mut self.http2, &written) {
            http2.frames.note(&buffer[..*count]);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_goodbye(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
