//! How long a request's body may keep its reader waiting. What reads bodies need not think of it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use bytes::Bytes;
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep};

/// The time that all waiting for a body may take together…
const PATIENCE: Duration = Duration::from_secs(30);
/// …and a second more for so many bytes of it.
const SLOWEST_SENDER: u64 = 256;

/// Ends the body of a request with an error where it is sent too slowly. Time that its reader takes does not
/// count.
pub(super) fn limit(request: &mut ServiceRequest) {
    if !matches!(request.parts().1, Payload::None) {
        let body = request.take_payload();
        request.set_payload(Payload::from(Box::pin(Patient::new(body)) as Pin<Box<_>>));
    }
}

struct Patient {
    body: Payload,
    received: u64,
    waited: Duration,
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Patient {
    fn new(body: Payload) -> Self {
        Self {
            body,
            received: 0,
            waited: Duration::ZERO,
            waiting: None,
        }
    }

    fn left(&self) -> Duration {
        let earned = Duration::from_secs(self.received / SLOWEST_SENDER);
        (PATIENCE + earned).saturating_sub(self.waited)
    }
}

impl Stream for Patient {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Poll::Ready(item) = Pin::new(&mut this.body).poll_next(context) {
            if let Some((since, _)) = this.waiting.take() {
                this.waited += since.elapsed();
            }
            if let Some(Ok(bytes)) = &item {
                this.received += bytes.len() as u64;
            }
            return Poll::Ready(item);
        }
        let left = this.left();
        let (_, timer) = this
            .waiting
            .get_or_insert_with(|| (Instant::now(), Box::pin(sleep(left))));
        ready!(timer.as_mut().poll(context));
        this.body = Payload::None;
        let error = io::Error::new(io::ErrorKind::TimedOut, "the body came too slowly");
        Poll::Ready(Some(Err(PayloadError::Incomplete(Some(error)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{StreamExt, stream};

    /// Sends `count` parts of `length` bytes, each after `pause`.
    fn sender(count: usize, length: usize, pause: Duration) -> Payload {
        let parts = stream::unfold(0, move |sent| async move {
            if sent == count {
                return None;
            }
            sleep(pause).await;
            Some((Ok(Bytes::from(vec![b'x'; length])), sent + 1))
        });
        Payload::from(Box::pin(parts) as Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>>)
    }

    /// The bytes that come through, and whether the end is one; with pauses of the reader.
    async fn received(body: Payload, reading: Duration) -> (usize, bool) {
        let mut body = Patient::new(body);
        let mut bytes = 0;
        while let Some(part) = body.next().await {
            match part {
                Ok(part) => bytes += part.len(),
                Err(error) => {
                    assert!(error.to_string().contains("too slowly"), "{error}");
                    assert!(body.next().await.is_none(), "the error is the end");
                    return (bytes, false);
                }
            }
            sleep(reading).await;
        }
        (bytes, true)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_may_come_slowly_but_not_for_ever() {
        let second = Duration::from_secs(1);
        for (count, length, pause, expected) in [
            (29, 1, second, (29, true)),
            (1_000, 1, second, (30, false)),
            (1, 1, 31 * second, (0, false)),
            // As slow as it may be, for an hour.
            (3_600, 256, second, (3_600 * 256, true)),
            (3_600, 200, second, (200 * 133, false)),
            (10_000, 10_000, Duration::ZERO, (100_000_000, true)),
        ] {
            let outcome = received(sender(count, length, pause), Duration::ZERO).await;
            assert_eq!(outcome, expected, "{count} × {length} each {pause:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_of_the_reader_is_not_the_senders() {
        let body = sender(100, 1, Duration::from_millis(250));
        let outcome = received(body, Duration::from_mins(10)).await;
        assert_eq!(outcome, (100, true));
    }
}
