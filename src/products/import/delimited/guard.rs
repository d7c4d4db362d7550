//! What the `csv` crate does not tell, observed on the bytes that pass to it.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};

use super::super::MAX_RECORD_BYTES;
use super::MAX_COLUMNS;

/// Passes bytes through unchanged (but for a byte order mark), follows quotes and line ends, and fails
/// where a record grows too long or the file ends within quotes: `csv` would silently take all that
/// follows an unbalanced quote for one field. It counts CR-only line ends too, which `csv` does not.
pub(super) struct Guard<R> {
    inner: R,
    delimiter: u8,
    state: State,
    started: bool,
    after_carriage_return: bool,
    line: u64,
    quote_line: u64,
    record_bytes: usize,
    record_fields: usize,
    /// Lines on which records begin that the `csv` reader has not yet handed out: those within its
    /// buffer, at most.
    record_lines: VecDeque<u64>,
}

/// Why the rest of a file cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// The end of the file, or the limit of a record, within quotes.
    #[error(
        "the quote that opens a field here is never closed; close it, or double it if it is meant as text"
    )]
    OpenQuote {
        /// Where the quote stands.
        line: u64,
    },
    /// Beyond [`MAX_RECORD_BYTES`].
    #[error("the row that begins here is longer than {MAX_RECORD_BYTES} bytes")]
    LongRecord {
        /// Where the record begins.
        line: u64,
    },
    /// Beyond [`MAX_COLUMNS`].
    #[error("the row that begins here has more than {MAX_COLUMNS} fields")]
    ManyFields {
        /// Where the record begins.
        line: u64,
    },
}

impl Fault {
    /// The line to look at.
    pub(super) fn line(self) -> u64 {
        match self {
            Self::OpenQuote { line } | Self::LongRecord { line } | Self::ManyFields { line } => {
                line
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    RecordStart,
    FieldStart,
    Unquoted,
    Quoted,
    QuoteInQuoted,
}

impl<R: BufRead> Guard<R> {
    pub(super) fn new(inner: R, delimiter: u8) -> Self {
        Self {
            inner,
            delimiter,
            state: State::RecordStart,
            started: false,
            after_carriage_return: false,
            line: 1,
            quote_line: 1,
            record_bytes: 0,
            record_fields: 0,
            record_lines: VecDeque::new(),
        }
    }

    /// The line reached by the bytes passed on.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The first line of the record handed out last; call it once for each.
    pub(super) fn next_record_line(&mut self) -> u64 {
        self.record_lines.pop_front().unwrap_or(self.line)
    }

    fn advance(&mut self, byte: u8) -> Result<(), Fault> {
        let ends_line = matches!(byte, b'\r' | b'\n');
        if self.state == State::RecordStart && !ends_line {
            self.record_lines.push_back(self.line);
            self.record_bytes = 0;
            self.record_fields = 1;
            self.state = State::FieldStart;
        }
        self.record_bytes += 1;
        if self.record_bytes > MAX_RECORD_BYTES {
            return Err(match self.state {
                State::Quoted => self.open_quote(),
                _ => Fault::LongRecord {
                    line: self.record_line(),
                },
            });
        }
        self.state = match (self.state, byte) {
            (State::Quoted, b'"') => State::QuoteInQuoted,
            (State::Quoted, _) | (State::QuoteInQuoted, b'"') => State::Quoted,
            (_, b'\r' | b'\n') => State::RecordStart,
            (_, byte) if byte == self.delimiter => {
                self.record_fields += 1;
                if self.record_fields > MAX_COLUMNS {
                    return Err(Fault::ManyFields {
                        line: self.record_line(),
                    });
                }
                State::FieldStart
            }
            (State::FieldStart, b'"') => {
                self.quote_line = self.line;
                State::Quoted
            }
            _ => State::Unquoted,
        };
        if ends_line && !(byte == b'\n' && self.after_carriage_return) {
            self.line += 1;
        }
        self.after_carriage_return = byte == b'\r';
        Ok(())
    }

    /// The first line of the record that is passing.
    fn record_line(&self) -> u64 {
        self.record_lines.back().copied().unwrap_or(self.line)
    }

    fn open_quote(&self) -> Fault {
        Fault::OpenQuote {
            line: self.quote_line,
        }
    }
}

impl<R: BufRead> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.started {
            self.started = true;
            if self.inner.fill_buf()?.starts_with("\u{feff}".as_bytes()) {
                self.inner.consume("\u{feff}".len());
            }
        }
        let length = self.inner.read(buffer)?;
        if length == 0 && self.state == State::Quoted && !buffer.is_empty() {
            return Err(io::Error::other(self.open_quote()));
        }
        for byte in &buffer[..length] {
            self.advance(*byte).map_err(io::Error::other)?;
        }
        Ok(length)
    }
}
