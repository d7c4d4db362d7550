//! Rows of CSV and TSV files with exact places, bounded memory and an answer to unbalanced quotes.
//!
//! Quoting is that of RFC 4180 as the `csv` crate reads it: a quote opens a field only at its start, a
//! doubled quote inside stands for one, and quotes elsewhere are ordinary characters. Lines may end in
//! LF, CRLF or CR; empty lines are skipped. Text must be UTF-8.

mod guard;

use std::io::{self, BufRead, Cursor, Read};

use csv::{ByteRecord, StringRecord};

use self::guard::{Fault, Guard};
use super::{Place, RecordError};

/// More columns than any catalogue has. Bounds what a header can make later rows cost, and the memory that
/// empty fields take in a reader: eight times their length in the file.
const MAX_COLUMNS: usize = 4096;

/// Bytes looked at to tell what separates the cells; a header is seldom longer.
const SNIFFED: u64 = 64 * 1024;

/// The [`delimiter`] of a table, and the table from its beginning. Looks at as much of it however little comes
/// in one read.
pub(super) fn sniffed(mut table: impl BufRead + Send) -> io::Result<(u8, impl BufRead + Send)> {
    let mut head = Vec::new();
    table.by_ref().take(SNIFFED).read_to_end(&mut head)?;
    let delimiter = delimiter(&head);
    Ok((delimiter, Cursor::new(head).chain(table)))
}

/// What separates the cells of a table whose header begins with `text`: a comma, or what a spreadsheet
/// writes instead where the comma is taken by decimals. Told by the first line, where it is complete, and
/// what stands in quotes does not count.
pub(super) fn delimiter(text: &[u8]) -> u8 {
    let text = text.trim_ascii_start();
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    for &byte in text {
        match byte {
            b'"' => quoted = !quoted,
            b'\r' | b'\n' if !quoted => break,
            _ if quoted => {}
            _ => {
                for (delimiter, count) in &mut counts {
                    *count += usize::from(byte == *delimiter);
                }
            }
        }
    }
    // The first of equals: `max_by_key` takes the last.
    let most = counts.iter().rev().max_by_key(|(_, count)| *count);
    most.map_or(b',', |(delimiter, _)| *delimiter)
}

/// Reads one file: first the [`Rows::header`], then its rows by iteration.
///
/// Iteration ends after the first `Err`, which is always fatal. A fault of one row alone comes as
/// [`Row::fault`].
pub(super) struct Rows<R: BufRead> {
    reader: csv::Reader<Guard<R>>,
    names: Vec<String>,
    ended: bool,
}

/// The header.
#[derive(Debug)]
pub(super) struct Names {
    /// Line on which it begins.
    pub(super) line: u64,
    /// Without surrounding space, otherwise as they stand in the file.
    pub(super) names: Vec<String>,
}

/// One row.
#[derive(Debug)]
pub(super) struct Row {
    /// Line on which it begins.
    pub(super) line: u64,
    /// One per column, unless `fault` says otherwise; broken UTF-8 replaced by U+FFFD.
    pub(super) cells: StringRecord,
    /// Why the row cannot be used.
    pub(super) fault: Option<RecordError>,
    is_shifted: bool,
}

impl Row {
    /// Memory taken by the cells, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.cells.as_slice().len() + self.cells.len() * size_of::<usize>()
    }

    /// Whether it has another number of fields than the header, so that its cells may stand in columns that
    /// are not theirs.
    pub(super) fn is_shifted(&self) -> bool {
        self.is_shifted
    }

    /// Whether nothing stands in it, as in the rows spreadsheets leave behind.
    pub(super) fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.trim().is_empty())
    }
}

impl<R: BufRead> Rows<R> {
    /// Reads `input` with cells separated by `delimiter`.
    pub(super) fn new(input: R, delimiter: u8) -> Self {
        Self {
            reader: csv::ReaderBuilder::new()
                .delimiter(delimiter)
                .has_headers(false)
                .flexible(true)
                .from_reader(Guard::new(input, delimiter)),
            names: Vec::new(),
            ended: false,
        }
    }

    /// The first row: the names of the columns.
    pub(super) fn header(&mut self) -> Result<Names, RecordError> {
        let mut record = ByteRecord::new();
        let Some(line) = self.read(&mut record)? else {
            return Err(RecordError::fatal(
                Place { line: 1, column: 0 },
                "the file is empty; the first row must name the columns",
            ));
        };
        let names = record
            .iter()
            .enumerate()
            .map(|(index, name)| {
                std::str::from_utf8(name)
                    .map(|name| name.trim().to_owned())
                    .map_err(|_| RecordError {
                        fatal: true,
                        ..not_utf8(place(line, index), "header", name)
                    })
            })
            .collect::<Result<Vec<_>, _>>()?;
        self.names.clone_from(&names);
        Ok(Names { line, names })
    }

    /// Reads one record; `None` at the end of the file.
    fn read(&mut self, record: &mut ByteRecord) -> Result<Option<u64>, RecordError> {
        match self.reader.read_byte_record(record) {
            Ok(true) => Ok(Some(self.reader.get_mut().next_record_line())),
            Ok(false) => Ok(None),
            Err(error) => Err(self.fatal(error)),
        }
    }

    fn fatal(&self, error: csv::Error) -> RecordError {
        let line = self.reader.get_ref().line();
        match error.into_kind() {
            csv::ErrorKind::Io(error) => match error.downcast::<Fault>() {
                Ok(fault) => RecordError::fatal(
                    Place {
                        line: fault.line(),
                        column: 0,
                    },
                    fault,
                ),
                Err(error) => RecordError::fatal(
                    Place { line, column: 0 },
                    format!("cannot be read: {error}"),
                ),
            },
            kind => RecordError::fatal(
                Place { line, column: 0 },
                format!("cannot be read: {kind:?}"),
            ),
        }
    }

    fn row(&self, line: u64, record: ByteRecord) -> Row {
        let counts = (record.len(), self.names.len());
        let (cells, fault) = match StringRecord::from_byte_record(record) {
            Ok(cells) => (cells, None),
            Err(error) => {
                let index = error.utf8_error().field();
                let record = error.into_byte_record();
                let name = self.names.get(index).map_or("", String::as_str);
                let fault = not_utf8(place(line, index), name, &record[index]);
                (StringRecord::from_byte_record_lossy(record), Some(fault))
            }
        };
        let (found, expected) = counts;
        let is_shifted = found != expected;
        let fault = if is_shifted {
            Some(RecordError::new(
                Place { line, column: 0 },
                "",
                "",
                format!(
                    "{found} fields where the header has {expected}; look for a missing or surplus \
                     separator or quote"
                ),
            ))
        } else {
            fault
        };
        Row {
            line,
            cells,
            fault,
            is_shifted,
        }
    }
}

impl<R: BufRead> Iterator for Rows<R> {
    type Item = Result<Row, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let mut record = ByteRecord::new();
        let row = self
            .read(&mut record)
            .map(|line| line.map(|line| self.row(line, record)))
            .transpose();
        self.ended = !matches!(row, Some(Ok(_)));
        row
    }
}

/// The place of a cell by its index in the row.
pub(super) fn place(line: u64, index: usize) -> Place {
    Place {
        line,
        column: index as u64 + 1,
    }
}

fn not_utf8(place: Place, field: &str, value: &[u8]) -> RecordError {
    RecordError::new(
        place,
        field,
        String::from_utf8_lossy(value),
        "not UTF-8; save the file as UTF-8",
    )
}

#[cfg(test)]
mod tests;
