//! Finds where JSON values begin and end. Whether they are valid inside is left to the parser.

use std::io::{self, BufRead};

use crate::products::import::{Place, RecordError};

/// Longest key read on the way to the list.
const MAX_KEY_BYTES: usize = 64 * 1024;

/// A byte stream with its place.
pub(super) struct Scanner<R> {
    input: R,
    place: Place,
}

impl<R: BufRead> Scanner<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            place: Place { line: 1, column: 1 },
        }
    }

    /// The place of the next byte.
    pub(super) fn place(&self) -> Place {
        self.place
    }

    fn available(&mut self) -> Result<&[u8], RecordError> {
        loop {
            match self.input.fill_buf() {
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(RecordError::fatal(self.place, error)),
            }
        }
        // Asked twice because the first answer would stay borrowed in the loop; the buffer is filled now.
        self.input
            .fill_buf()
            .map_err(|error| RecordError::fatal(self.place, error))
    }

    fn advance(&mut self, bytes: usize) -> Result<(), RecordError> {
        let place = self.place;
        let passed = &self.available()?[..bytes];
        let after = place.after(passed);
        self.input.consume(bytes);
        self.place = after;
        Ok(())
    }

    /// Skips white space and shows the byte after it; `None` at the end.
    pub(super) fn next_token(&mut self) -> Result<Option<u8>, RecordError> {
        loop {
            let available = self.available()?;
            let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
            let skipped = available.iter().take_while(|byte| blank(byte)).count();
            let next = available.get(skipped).copied();
            let ended = available.is_empty();
            self.advance(skipped)?;
            if next.is_some() || ended {
                return Ok(next);
            }
        }
    }

    /// Consumes the byte that [`Self::next_token`] has shown.
    pub(super) fn bump(&mut self) {
        self.input.consume(1);
        self.place.column += 1;
    }

    /// Consumes `byte`, or says that it is missing.
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), RecordError> {
        if self.next_token()? == Some(byte) {
            self.bump();
            return Ok(());
        }
        Err(self.unexpected(&format!("`{}`", char::from(byte))))
    }

    /// The error for whatever comes next instead of `expected`.
    pub(super) fn unexpected(&mut self, expected: &str) -> RecordError {
        let place = self.place;
        match self.available() {
            Err(error) => error,
            Ok([]) => RecordError::fatal(
                place,
                format!("the file ends where {expected} should follow; it is truncated"),
            ),
            Ok(rest) => {
                let shown = rest
                    .utf8_chunks()
                    .next()
                    .and_then(|chunk| chunk.valid().chars().next());
                let shown = shown.unwrap_or(char::REPLACEMENT_CHARACTER);
                RecordError::fatal(place, format!("expected {expected}, found `{shown}`"))
            }
        }
    }

    /// Consumes `"key":` and returns the key.
    pub(super) fn key(&mut self, buffer: &mut Vec<u8>) -> Result<String, RecordError> {
        if self.next_token()? != Some(b'"') {
            return Err(self.unexpected("a key in quotes"));
        }
        let place = self.place;
        self.value(buffer, MAX_KEY_BYTES)?;
        self.expect(b':')?;
        serde_json::from_slice(buffer)
            .map_err(|error| RecordError::fatal(place, format!("not a key: {error}")))
    }

    /// Consumes one value and puts its bytes into `kept`, or its beginning if it is longer than `limit`.
    /// Returns its length.
    pub(super) fn value(&mut self, kept: &mut Vec<u8>, limit: usize) -> Result<u64, RecordError> {
        kept.clear();
        let start = match self.next_token()? {
            None | Some(b',' | b':' | b']' | b'}') => return Err(self.unexpected("a value")),
            Some(_) => self.place,
        };
        let mut extent = Extent::default();
        let mut length = 0;
        loop {
            let available = self.available()?;
            if available.is_empty() {
                if extent.is_scalar() {
                    return Ok(length);
                }
                let reason = "the value that starts here does not end; the file is truncated, or a \
                              quote or bracket is not closed";
                return Err(RecordError::fatal(start, reason));
            }
            let (taken, ended) = extent.within(available);
            let room = limit.saturating_sub(kept.len()).min(taken);
            kept.extend_from_slice(&available[..room]);
            length += taken as u64;
            self.advance(taken)?;
            if ended {
                return Ok(length);
            }
        }
    }
}

/// How far a value goes.
#[derive(Default)]
struct Extent {
    begun: bool,
    depth: u64,
    in_string: bool,
    escaped: bool,
}

impl Extent {
    /// A number, `true`, `false`, `null` or something unknown, which ends where something else begins.
    fn is_scalar(&self) -> bool {
        self.begun && self.depth == 0 && !self.in_string
    }

    /// How many of these bytes belong to the value, and whether it ends with them.
    fn within(&mut self, bytes: &[u8]) -> (usize, bool) {
        for (index, &byte) in bytes.iter().enumerate() {
            if self.escaped {
                self.escaped = false;
            } else if self.in_string {
                match byte {
                    b'\\' => self.escaped = true,
                    b'"' => {
                        self.in_string = false;
                        if self.depth == 0 {
                            return (index + 1, true);
                        }
                    }
                    _ => {}
                }
            } else {
                match byte {
                    _ if self.is_scalar() && b" \t\r\n,:[]{}\"".contains(&byte) => {
                        return (index, true);
                    }
                    b'"' => self.in_string = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => {
                        self.depth -= 1;
                        if self.depth == 0 {
                            return (index + 1, true);
                        }
                    }
                    _ => {}
                }
            }
            self.begun = true;
        }
        (bytes.len(), false)
    }
}
