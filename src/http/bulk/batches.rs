//! The lines of a request body, in batches.

use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::web::Payload;
use bytes::{Buf, Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::time::{error::Elapsed, timeout};

use crate::products::import::MAX_RECORD_BYTES;

/// Most lines of a batch, and the bytes after which it ends: enough to share the cost of a transaction, few
/// enough not to hold up those who wait for the next one.
const LINES: usize = 256;
const BYTES: usize = 512 * 1024;
/// How long a batch that is not full waits for more. A client that sends a line and awaits its result waits
/// this long, one that sends without pause never.
const LINGER: Duration = Duration::from_millis(20);
/// How long a client may send nothing while the next line is awaited.
const IDLE: Duration = Duration::from_mins(1);

/// A line without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Counted from 1.
    pub(super) number: u64,
    pub(super) text: Text,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Text {
    Whole(Bytes),
    /// A line that is too long is not kept. Its length in bytes.
    TooLong(usize),
}

/// Why no further line comes.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error("the body ended early: {0}")]
    Payload(#[from] PayloadError),
    #[error("nothing came for {IDLE:?}")]
    Idle,
}

/// Splits a body into batches of lines. Holds no more than one line and what arrived with its end.
pub(super) struct Batches {
    body: Payload,
    lines: Lines,
    is_over: bool,
}

impl Batches {
    pub(super) fn of(body: Payload) -> Self {
        Self {
            body,
            lines: Lines::default(),
            is_over: false,
        }
    }

    /// The next lines, as soon as there are enough of them, or some and no more come for now; `None` after the last
    /// one. The last line need not be ended.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Line>>, BodyError> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        loop {
            while let Some(line) = self.lines.next() {
                if let Text::Whole(text) = &line.text {
                    bytes += text.len();
                }
                batch.push(line);
                if batch.len() >= LINES || bytes >= BYTES {
                    return Ok(Some(batch));
                }
            }
            if self.is_over {
                batch.extend(self.lines.last());
                return Ok(Some(batch).filter(|batch| !batch.is_empty()));
            }
            let patience = if batch.is_empty() { IDLE } else { LINGER };
            match timeout(patience, self.body.next()).await {
                Ok(Some(chunk)) => self.lines.push(&chunk?),
                Ok(None) => self.is_over = true,
                Err(Elapsed { .. }) if batch.is_empty() => return Err(BodyError::Idle),
                Err(Elapsed { .. }) => return Ok(Some(batch)),
            }
        }
    }
}

/// Lines out of chunks.
#[derive(Default)]
struct Lines {
    buffer: BytesMut,
    /// Bytes of the buffer in which no line ends.
    searched: usize,
    /// Bytes of this line that were not kept.
    dropped: usize,
    taken: u64,
}

impl Lines {
    fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// The next line that is ended.
    fn next(&mut self) -> Option<Line> {
        let end = self.buffer[self.searched..]
            .iter()
            .position(|byte| *byte == b'\n');
        let Some(end) = end else {
            self.searched = self.buffer.len();
            // With its carriage return, which would not count.
            if self.searched > MAX_RECORD_BYTES + 1 {
                self.dropped += self.searched;
                self.buffer.clear();
                self.searched = 0;
            }
            return None;
        };
        let text = self.buffer.split_to(self.searched + end);
        self.buffer.advance(1);
        self.searched = 0;
        Some(self.line(text.freeze()))
    }

    /// What is left, once nothing more comes.
    fn last(&mut self) -> Option<Line> {
        let text = self.buffer.split().freeze();
        self.searched = 0;
        (!text.is_empty() || self.dropped > 0).then(|| self.line(text))
    }

    fn line(&mut self, mut text: Bytes) -> Line {
        self.taken += 1;
        if text.last() == Some(&b'\r') {
            text.truncate(text.len() - 1);
        }
        let length = std::mem::take(&mut self.dropped) + text.len();
        Line {
            number: self.taken,
            text: if length > MAX_RECORD_BYTES {
                Text::TooLong(length)
            } else {
                Text::Whole(text)
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(chunks: &[&[u8]]) -> Vec<Line> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for chunk in chunks {
            lines.push(chunk);
            found.extend(std::iter::from_fn(|| lines.next()));
        }
        found.extend(lines.last());
        assert_eq!((lines.next(), lines.last()), (None, None));
        found
    }

    fn line(number: u64, text: &[u8]) -> Line {
        let text = Text::Whole(Bytes::copy_from_slice(text));
        Line { number, text }
    }

    #[test]
    fn lines_end_as_files_end_them() {
        let lines = split(&[b"a\nb\r", b"\n\nc\rd\n", b"\r\nend"]);
        let texts: [&[u8]; 6] = [b"a", b"b", b"", b"c\rd", b"", b"end"];
        let expected: Vec<_> = (1..).zip(texts).map(|(n, text)| line(n, text)).collect();
        assert_eq!(lines, expected);
        assert_eq!(split(&[b"a\n"]), [line(1, b"a")]);
        assert_eq!(split(&[]), []);
    }

    #[test]
    fn a_line_that_is_too_long_is_not_kept_and_the_next_one_is_found() {
        let chunk = vec![b'x'; 64 * 1024];
        let mut lines = Lines::default();
        let count = 3 * MAX_RECORD_BYTES / chunk.len();
        for _ in 0..count {
            lines.push(&chunk);
            assert_eq!(lines.next(), None);
            assert!(lines.buffer.capacity() <= 2 * MAX_RECORD_BYTES + chunk.len());
        }
        lines.push(b"\nnext\n");
        let text = Text::TooLong(count * chunk.len());
        assert_eq!(lines.next(), Some(Line { number: 1, text }));
        assert_eq!(lines.next(), Some(line(2, b"next")));
        let longest = vec![b'x'; MAX_RECORD_BYTES];
        assert_eq!(split(&[&longest, b"\r\n"]), [line(1, &longest)]);
        let text = Text::TooLong(MAX_RECORD_BYTES + 1);
        assert_eq!(split(&[&longest, b"x"]), [Line { number: 1, text }]);
    }

    proptest! {
        #[test]
        fn where_chunks_end_makes_no_difference(
            body in "[ab\r\n]{0,40}", cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
            cuts.extend([0, body.len()]);
            cuts.sort_unstable();
            let body = body.as_bytes();
            let chunks: Vec<_> = cuts.windows(2).map(|cut| &body[cut[0]..cut[1]]).collect();
            prop_assert_eq!(split(&chunks), split(&[body]));
        }
    }
}
