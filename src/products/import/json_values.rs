//! Splits a stream of JSON (RFC 8259) into the values it lists, one in memory at a time, each with its
//! place in the file.

mod parse;
mod scan;

use std::io::BufRead;

pub use parse::{Strict, locate, parse};

use super::lines::not_utf8;
use super::{MAX_RECORD_BYTES, Place, RecordError};
use scan::Scanner;

/// One value of the stream, not parsed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonText<'a> {
    /// Where it starts.
    pub place: Place,
    /// From its first to its last character.
    pub text: &'a str,
}

/// Reads the values of one of these:
///
/// - an array: its elements;
/// - an object with an array inside it, under the keys given: the array's elements;
/// - values one after another, with or without white space between them: each of them.
///
/// A value of more than [`MAX_RECORD_BYTES`] is skipped without being held in memory; it and a value that
/// is not UTF-8 are reported, and reading goes on. A stream that is not balanced ends with a fatal error.
pub struct JsonValues<R> {
    scanner: Scanner<R>,
    /// Keys that lead to the array.
    path: Vec<String>,
    state: State,
    value: Vec<u8>,
    limit: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    /// In the array, before its first element.
    ArrayStart,
    /// In the array, after an element.
    ArrayNext,
    /// Between values that follow one another.
    Sequence,
    Ended,
}

impl<R: BufRead> JsonValues<R> {
    /// Starts reading; `path` holds the keys that lead to the array, and is empty for the other two cases.
    pub fn new(input: R, path: Vec<String>) -> Self {
        Self {
            scanner: Scanner::new(input),
            path,
            state: State::Start,
            value: Vec::new(),
            limit: MAX_RECORD_BYTES,
        }
    }

    /// The next value; `None` at the end and after an error that is fatal.
    pub fn next_value(&mut self) -> Option<Result<JsonText<'_>, RecordError>> {
        let before = self.before_value();
        if !matches!(before, Ok(true)) {
            self.state = State::Ended;
            return before.err().map(Err);
        }
        let place = self.scanner.place();
        let length = match self.scanner.value(&mut self.value, self.limit) {
            Ok(length) => length,
            Err(error) => {
                self.state = State::Ended;
                return Some(Err(error));
            }
        };
        if length > self.limit as u64 {
            let reason = format!(
                "the value has {length} bytes; the limit is {} for one record, split it",
                self.limit
            );
            return Some(Err(RecordError::new(place, "", "", reason)));
        }
        Some(match std::str::from_utf8(&self.value) {
            Ok(text) => Ok(JsonText { place, text }),
            Err(error) => Err(not_utf8(place, &self.value, error)),
        })
    }

    /// Moves to the start of the next value. False at the end.
    fn before_value(&mut self) -> Result<bool, RecordError> {
        let next = self.scanner.next_token()?;
        match self.state {
            State::Ended => Ok(false),
            State::Start if next.is_none() => Ok(false),
            State::Start if !self.path.is_empty() => {
                self.enter_path()?;
                self.state = State::ArrayStart;
                self.before_value()
            }
            State::Start if next == Some(b'[') => {
                self.scanner.bump();
                self.state = State::ArrayStart;
                self.before_value()
            }
            State::Start | State::Sequence => {
                self.state = State::Sequence;
                Ok(next.is_some())
            }
            State::ArrayStart | State::ArrayNext if next == Some(b']') => {
                self.scanner.bump();
                self.leave_path()?;
                Ok(false)
            }
            State::ArrayNext => {
                self.scanner.expect(b',')?;
                self.element()
            }
            State::ArrayStart => self.element(),
        }
    }

    fn element(&mut self) -> Result<bool, RecordError> {
        self.state = State::ArrayNext;
        // Skips white space, so that the place is that of the element.
        self.scanner.next_token()?;
        Ok(true)
    }

    /// Goes into the array that the path names.
    fn enter_path(&mut self) -> Result<(), RecordError> {
        for depth in 0..self.path.len() {
            self.scanner.expect(b'{')?;
            if self.scanner.next_token()? == Some(b'}') || !self.find_key(depth)? {
                let reason = format!(
                    "no `{}` in the file; mend the path",
                    self.path[..=depth].join(".")
                );
                return Err(RecordError::fatal(self.scanner.place(), reason));
            }
        }
        self.scanner.expect(b'[')
    }

    /// Reads keys and skips their values until the key of the path at `depth` has been read. False at the
    /// end of the object, which is not consumed.
    fn find_key(&mut self, depth: usize) -> Result<bool, RecordError> {
        loop {
            if self.scanner.key(&mut self.value)? == self.path[depth] {
                return Ok(true);
            }
            self.scanner.value(&mut self.value, 0)?;
            if self.scanner.next_token()? == Some(b'}') {
                return Ok(false);
            }
            self.scanner.expect(b',')?;
        }
    }

    /// Reads on to the end of the stream after the array, so that a truncated file does not look whole.
    fn leave_path(&mut self) -> Result<(), RecordError> {
        for depth in (0..self.path.len()).rev() {
            if self.scanner.next_token()? != Some(b'}') {
                self.scanner.expect(b',')?;
                if self.find_key(depth)? {
                    let reason =
                        format!("a second `{}` in the file", self.path[..=depth].join("."));
                    return Err(RecordError::fatal(self.scanner.place(), reason));
                }
            }
            self.scanner.expect(b'}')?;
        }
        match self.scanner.next_token()? {
            None => Ok(()),
            Some(_) => Err(self.scanner.unexpected("the end of the file")),
        }
    }
}

#[cfg(test)]
mod tests;
