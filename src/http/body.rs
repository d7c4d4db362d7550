//! Response bodies from the cache.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use bytes::Bytes;

/// The parts of a document, one after the other. The connection writes them with one system call.
pub(super) fn in_parts((head, tail): (Bytes, Option<Bytes>)) -> BoxBody {
    let Some(tail) = tail else {
        return BoxBody::new(head);
    };
    let length = head.len() + tail.len();
    BoxBody::new(TwoParts {
        length: length as u64,
        head: Some(head),
        tail: Some(tail),
    })
}

/// The same body, which keeps something until it is sent.
pub(super) fn holding<T: Unpin + 'static>(body: BoxBody, held: T) -> BoxBody {
    BoxBody::new(Holding { body, _held: held })
}

struct Holding<T> {
    body: BoxBody,
    _held: T,
}

impl<T: Unpin> MessageBody for Holding<T> {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

struct TwoParts {
    length: u64,
    head: Option<Bytes>,
    tail: Option<Bytes>,
}

impl MessageBody for TwoParts {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.length)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let next = self.head.take().or_else(|| self.tail.take());
        Poll::Ready(next.map(Ok))
    }
}
