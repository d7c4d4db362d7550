//! What the CSV reader does not watch: how long a record gets, and whether the last quote is closed.

use std::io::{self, BufRead, Read};

/// Bytes that follow the states of RFC 4180 while they pass.
pub(super) struct Guard<R> {
    input: R,
    delimiter: u8,
    allowed: usize,
    state: State,
    line: u64,
    quote_line: u64,
    ended: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the start of a field, where a quote opens it.
    Start,
    /// In a field without quotes.
    Bare,
    Quoted,
    /// After a quote inside quotes: the end of the field, or half of a doubled quote.
    QuoteInQuoted,
}

impl<R: BufRead> Guard<R> {
    pub(super) fn new(input: R, delimiter: u8) -> Self {
        Self {
            input,
            delimiter,
            allowed: 0,
            state: State::Start,
            line: 1,
            quote_line: 0,
            ended: false,
        }
    }

    /// Allows this many bytes until the next call.
    pub(super) fn allow(&mut self, bytes: usize) {
        self.allowed = bytes;
    }

    /// The line of a quote that is still open at the end of the file.
    pub(super) fn never_closed(&self) -> Option<u64> {
        self.open_quote().filter(|_| self.ended)
    }

    fn open_quote(&self) -> Option<u64> {
        (self.state == State::Quoted).then_some(self.quote_line)
    }

    fn follow(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.state = match (self.state, byte) {
                (State::Start, b'"') => {
                    self.quote_line = self.line;
                    State::Quoted
                }
                (State::Quoted, b'"') => State::QuoteInQuoted,
                (State::Quoted, _) | (State::QuoteInQuoted, b'"') => State::Quoted,
                (_, b'\n') => State::Start,
                (_, byte) if byte == self.delimiter => State::Start,
                _ => State::Bare,
            };
            self.line += u64::from(byte == b'\n');
        }
    }
}

impl<R: BufRead> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.input.fill_buf()?;
        if available.is_empty() || buffer.is_empty() {
            self.ended |= available.is_empty();
            return Ok(0);
        }
        let length = available.len().min(buffer.len()).min(self.allowed);
        if length == 0 {
            let at = self.open_quote().map_or_else(String::new, |line| {
                format!("; is the quote that opens in line {line} never closed?")
            });
            let reason = format!("a row is longer than the limit for one record{at}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        buffer[..length].copy_from_slice(&available[..length]);
        self.input.consume(length);
        self.allowed -= length;
        self.follow(&buffer[..length]);
        Ok(length)
    }
}
