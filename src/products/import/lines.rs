//! Text lines of bounded length.

use std::io::{self, BufRead};

use super::{MAX_RECORD_BYTES, Place, RecordError};

/// Reads lines, ended by LF or CRLF, that are UTF-8 and no longer than a limit.
///
/// A line that is too long is skipped without being held in memory; it and a line that is not UTF-8 are
/// reported, and reading goes on with the next line.
pub struct Lines<R> {
    input: R,
    line: Vec<u8>,
    number: u64,
    limit: usize,
    ended: bool,
}

/// One line, without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Counted from 1.
    pub number: u64,
    /// May be empty.
    pub text: &'a str,
}

impl<R: BufRead> Lines<R> {
    /// Lines of at most [`MAX_RECORD_BYTES`].
    pub fn new(input: R) -> Self {
        Self::with_limit(input, MAX_RECORD_BYTES)
    }

    /// Lines of at most `limit` bytes, their ends not counted.
    pub fn with_limit(input: R, limit: usize) -> Self {
        Self {
            input,
            line: Vec::new(),
            number: 0,
            limit,
            ended: false,
        }
    }

    /// The next line; `None` at the end and after an error that is fatal.
    pub fn next_line(&mut self) -> Option<Result<Line<'_>, RecordError>> {
        if self.ended {
            return None;
        }
        let length = match self.fill() {
            Ok(0) => {
                self.ended = true;
                return None;
            }
            Ok(length) => length,
            Err(error) => {
                self.ended = true;
                let place = Place {
                    line: self.number + 1,
                    column: 0,
                };
                return Some(Err(RecordError::fatal(place, error)));
            }
        };
        self.number += 1;
        let place = Place {
            line: self.number,
            column: 0,
        };
        if self.line.ends_with(b"\n") {
            self.line.pop();
        }
        if self.line.ends_with(b"\r") {
            self.line.pop();
        }
        if self.line.len() > self.limit {
            let reason = format!(
                "the line has {length} bytes; the limit is {} for one record, split it",
                self.limit
            );
            return Some(Err(RecordError::new(place, "", "", reason)));
        }
        Some(match std::str::from_utf8(&self.line) {
            Ok(text) => Ok(Line {
                number: self.number,
                text,
            }),
            Err(error) => Err(not_utf8(Place { column: 1, ..place }, &self.line, error)),
        })
    }

    /// The bytes of the line that was read last, whether it was refused or not; the beginning of a line
    /// that is too long.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.line
    }

    /// The number of the line that was read last.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Reads up to and with the next LF, keeping no more than tells whether the limit is exceeded.
    /// Returns the length in the file, 0 at the end.
    fn fill(&mut self) -> io::Result<usize> {
        self.line.clear();
        let kept = self.limit + "\r\n".len();
        let mut length = 0;
        loop {
            let available = match self.input.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let end = available.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(available.len(), |position| position + 1);
            let room = kept.saturating_sub(self.line.len()).min(taken);
            self.line.extend_from_slice(&available[..room]);
            length += taken;
            self.input.consume(taken);
            if end.is_some() || taken == 0 {
                return Ok(length);
            }
        }
    }
}

/// The error for text that is not UTF-8, which starts at `start`.
pub(super) fn not_utf8(start: Place, text: &[u8], error: std::str::Utf8Error) -> RecordError {
    let (valid, broken) = text.split_at(error.valid_up_to());
    let place = start.after(valid);
    let length = error.error_len().unwrap_or(broken.len());
    let bytes: Vec<String> = broken[..length]
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    RecordError::new(
        place,
        "",
        format!("0x{}", bytes.join(" ")),
        "not UTF-8; save the file as UTF-8",
    )
}

#[cfg(test)]
mod tests;
