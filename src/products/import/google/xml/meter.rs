//! Line, column and size of what an XML reader has taken.

use std::io::{self, BufRead, Read};

use super::super::super::{MAX_RECORD_BYTES, Place};

/// Passes bytes through, knows the place reached, and fails once more than [`MAX_RECORD_BYTES`] were taken
/// since the last [`Meter::mark`]: an XML reader would buffer a tag or text of any length.
pub(super) struct Meter<R> {
    inner: R,
    line: u64,
    /// Characters passed on this line.
    characters: u64,
    after_carriage_return: bool,
    taken: usize,
}

/// More than [`MAX_RECORD_BYTES`] since the mark.
#[derive(Debug, thiserror::Error)]
#[error("an item, or what stands between items, is longer than {MAX_RECORD_BYTES} bytes")]
pub(super) struct TooLong;

impl<R: BufRead> Meter<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            line: 1,
            characters: 0,
            after_carriage_return: false,
            taken: 0,
        }
    }

    /// The place of the next character.
    pub(super) fn place(&self) -> Place {
        Place {
            line: self.line,
            column: self.characters + 1,
        }
    }

    /// Starts the count of bytes anew.
    pub(super) fn mark(&mut self) {
        self.taken = 0;
    }

    /// Bytes taken since the mark.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }
}

impl<R: BufRead> BufRead for Meter<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let available = self.inner.fill_buf()?;
        let left = MAX_RECORD_BYTES - self.taken.min(MAX_RECORD_BYTES);
        if left == 0 && !available.is_empty() {
            return Err(io::Error::other(TooLong));
        }
        Ok(&available[..available.len().min(left)])
    }

    fn consume(&mut self, amount: usize) {
        // What is consumed was handed out by `fill_buf`, so this neither reads nor fails.
        let bytes = self.inner.fill_buf().unwrap_or_default();
        for &byte in &bytes[..amount.min(bytes.len())] {
            match byte {
                b'\n' if self.after_carriage_return => {}
                b'\n' | b'\r' => {
                    self.line += 1;
                    self.characters = 0;
                }
                // The bytes of a character after its first.
                0x80..=0xbf => {}
                _ => self.characters += 1,
            }
            self.after_carriage_return = byte == b'\r';
        }
        self.taken += amount;
        self.inner.consume(amount);
    }
}

impl<R: BufRead> Read for Meter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(buffer.len());
        buffer[..length].copy_from_slice(&available[..length]);
        self.consume(length);
        Ok(length)
    }
}
