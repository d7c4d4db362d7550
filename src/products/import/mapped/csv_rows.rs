//! Cuts a CSV file into records: rows, or groups of rows that describe one product.

mod guard;

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::io::BufRead;

use csv::{ByteRecord, ReaderBuilder, Terminator};
use serde_json::{Map, Value};

use super::mapping::{Input, Mapping};
use super::product::ROWS;
use super::rule::SourcePath;
use crate::products::import::key_path::Step;
use crate::products::import::{MAX_RECORD_BYTES, Place, RecordError};
use guard::Guard;

/// Reads the rows of a file with a header line.
pub(super) struct CsvRows<R> {
    reader: csv::Reader<Guard<R>>,
    columns: Vec<String>,
    /// Number of the column that says which rows belong together.
    group: Option<usize>,
    /// Columns whose value must be one of these.
    only: Vec<(usize, Vec<String>)>,
    /// Hashes of the groups that are finished.
    seen: HashSet<u64>,
    hasher: RandomState,
    /// The first row of the next group.
    pending: Option<Row>,
    header_error: Option<RecordError>,
    ended: bool,
}

/// One row, or what is wrong with it.
struct Row {
    line: u64,
    key: String,
    cells: Result<Map<String, Value>, RecordError>,
    bytes: usize,
}

/// A record and where its values stand.
pub(super) struct Rows<'a> {
    pub(super) record: Value,
    lines: Vec<u64>,
    columns: &'a [String],
}

impl Rows<'_> {
    /// The place of the value at `path` in the record.
    pub(super) fn place(&self, path: &[Step]) -> Place {
        let (row, column) = match path {
            [Step::Key(rows), Step::Index(row), Step::Key(column), ..] if rows == ROWS => {
                (*row, Some(column))
            }
            [Step::Key(column), ..] => (0, Some(column)),
            _ => (0, None),
        };
        let column = column.and_then(|name| self.columns.iter().position(|known| known == name));
        Place {
            line: self.lines.get(row).copied().unwrap_or_default(),
            column: column.map_or(0, |index| index as u64 + 1),
        }
    }
}

impl<R: BufRead> CsvRows<R> {
    /// Reads the header. What is wrong with it is the first and only record.
    pub(super) fn new(input: R, mapping: &Mapping) -> Self {
        let (delimiter, group_by) = match &mapping.input {
            Input::Csv {
                delimiter,
                group_by,
            } => (*delimiter, group_by.as_deref()),
            _ => (b',', None),
        };
        let reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            // The reader takes CRLF for the end of one line and the start of another, and would count
            // lines one too few: it gets LF alone, and the CR is removed from the last field.
            .terminator(Terminator::Any(b'\n'))
            .flexible(true)
            .from_reader(Guard::new(input, delimiter));
        let mut rows = Self {
            reader,
            columns: Vec::new(),
            group: None,
            only: Vec::new(),
            seen: HashSet::new(),
            hasher: RandomState::new(),
            pending: None,
            header_error: None,
            ended: false,
        };
        rows.header_error = rows.read_header(mapping, group_by).err();
        rows
    }

    fn read_header(
        &mut self,
        mapping: &Mapping,
        group_by: Option<&str>,
    ) -> Result<(), RecordError> {
        let place = Place { line: 1, column: 0 };
        let refuse = |reason: String| Err(RecordError::fatal(place, reason));
        let Some(header) = self.read()? else {
            return refuse(
                "the file is empty; a CSV file begins with the names of its columns".into(),
            );
        };
        for (index, name) in header.iter().enumerate() {
            let place = Place {
                column: index as u64 + 1,
                ..place
            };
            let Ok(name) = std::str::from_utf8(name) else {
                return Err(RecordError::fatal(
                    place,
                    "the header is not UTF-8; save the file as UTF-8",
                ));
            };
            let name = name.trim().to_owned();
            if !name.is_empty() && self.columns.contains(&name) {
                return Err(RecordError::fatal(
                    place,
                    format!("two columns are named `{name}`"),
                ));
            }
            self.columns.push(name);
        }
        let column = |name: &str| self.columns.iter().position(|column| column == name);
        let name_of = |path: &SourcePath| match path.path.0.as_slice() {
            [Step::Key(name)] if name != ROWS => Some(name.clone()),
            _ => None,
        };
        let mut missing: Vec<String> = Vec::new();
        for paths in &mapping.used {
            let names: Vec<Option<String>> = paths.iter().map(name_of).collect();
            let present =
                |name: &Option<String>| name.as_deref().is_none_or(|n| column(n).is_some());
            if !names.iter().any(present) {
                missing.extend(names.into_iter().flatten());
            }
        }
        missing.extend(
            group_by
                .filter(|name| column(name).is_none())
                .map(str::to_owned),
        );
        if !missing.is_empty() {
            missing.sort_unstable();
            missing.dedup();
            let reason = format!(
                "the mapping reads columns that the file does not have: {}; mend the mapping, or \
                 its `delimiter`",
                missing.join(", ")
            );
            return refuse(reason);
        }
        self.group = group_by.and_then(column);
        let only = mapping
            .only
            .iter()
            .filter_map(|(path, words)| match path.path.0.as_slice() {
                [Step::Key(name)] => Some((column(name)?, words.clone())),
                _ => None,
            });
        self.only = only.collect();
        Ok(())
    }

    /// The next record; `None` at the end and after an error that is fatal.
    pub(super) fn next_rows(&mut self) -> Option<Result<Rows<'_>, RecordError>> {
        if let Some(error) = self.header_error.take() {
            self.ended = true;
            return Some(Err(error));
        }
        let first = match self.pending.take() {
            Some(row) => row,
            None => match self.next_row()? {
                Ok(row) => row,
                Err(error) => return Some(Err(error)),
            },
        };
        if self.group.is_none() {
            let record = first.cells.map(Value::Object);
            let lines = vec![first.line];
            return Some(record.map(|record| Rows {
                record,
                lines,
                columns: &self.columns,
            }));
        }
        Some(self.grouped(first))
    }

    /// Reads the rows that belong to the first one. One bad row refuses them all: a product must not lose
    /// a variant because a row could not be read.
    fn grouped(&mut self, first: Row) -> Result<Rows<'_>, RecordError> {
        let key = first.key.clone();
        let mut lines = Vec::new();
        let mut rows = Vec::new();
        let mut error = None;
        let mut bytes = 0;
        let again = !self.seen.insert(self.hasher.hash_one(&key));
        if again || key.is_empty() {
            let column = self.group.unwrap_or_default();
            let place = Place {
                line: first.line,
                column: column as u64 + 1,
            };
            let reason = if again {
                "rows of one product must follow one another; sort the file by this column"
            } else {
                "is blank; it says which product the row belongs to"
            };
            error = Some(RecordError::new(place, &self.columns[column], &key, reason));
        }
        let mut next = Some(Ok(first));
        while let Some(row) = next {
            let row = row?;
            if row.key != key {
                self.pending = Some(row);
                break;
            }
            bytes += row.bytes;
            if bytes > MAX_RECORD_BYTES && error.is_none() {
                let place = Place {
                    line: row.line,
                    column: 0,
                };
                let reason =
                    format!("the rows of one product have more than {MAX_RECORD_BYTES} bytes");
                error = Some(RecordError::new(place, "", &key, reason));
            }
            match row.cells {
                Err(refused) => error = error.or(Some(refused)),
                Ok(cells) if error.is_none() => {
                    lines.push(row.line);
                    rows.push(Value::Object(cells));
                }
                Ok(_) => {}
            }
            next = self.next_row();
        }
        if let Some(error) = error {
            return Err(error);
        }
        let mut record = rows
            .first()
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        record.insert(ROWS.to_owned(), Value::Array(rows));
        Ok(Rows {
            record: Value::Object(record),
            lines,
            columns: &self.columns,
        })
    }

    /// The next row that passes the filter. Its own faults are inside it; an error here is fatal.
    fn next_row(&mut self) -> Option<Result<Row, RecordError>> {
        while !self.ended {
            match self.read() {
                Ok(Some(record)) => {
                    let kept = self.only.iter().all(|(column, words)| {
                        let cell = record.get(*column).unwrap_or_default();
                        words
                            .iter()
                            .any(|word| word.as_bytes() == cell.trim_ascii())
                    });
                    if kept {
                        return Some(Ok(self.row(&record)));
                    }
                }
                Ok(None) => self.ended = true,
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }

    fn row(&self, record: &ByteRecord) -> Row {
        let line = record.position().map_or(0, csv::Position::line);
        let key = self
            .group
            .and_then(|column| record.get(column))
            .unwrap_or_default();
        Row {
            line,
            key: String::from_utf8_lossy(key).trim().to_owned(),
            cells: self.cells(record, line),
            bytes: record.as_slice().len(),
        }
    }

    fn cells(&self, record: &ByteRecord, line: u64) -> Result<Map<String, Value>, RecordError> {
        if record.len() != self.columns.len() {
            let reason = format!(
                "the row has {} fields and the header {}; look for a missing quote or delimiter",
                record.len(),
                self.columns.len()
            );
            return Err(RecordError::new(Place { line, column: 0 }, "", "", reason));
        }
        let mut cells = Map::new();
        for (index, (name, cell)) in self.columns.iter().zip(record).enumerate() {
            let text = std::str::from_utf8(cell).map_err(|_| {
                let place = Place {
                    line,
                    column: index as u64 + 1,
                };
                let shown = String::from_utf8_lossy(cell);
                RecordError::new(place, name, shown, "not UTF-8; save the file as UTF-8")
            })?;
            if !text.trim().is_empty() && !name.is_empty() {
                cells.insert(name.clone(), Value::from(text));
            }
        }
        Ok(cells)
    }

    fn read(&mut self) -> Result<Option<ByteRecord>, RecordError> {
        let mut record = ByteRecord::new();
        loop {
            let place = Place {
                line: self.reader.position().line(),
                column: 0,
            };
            self.reader.get_mut().allow(MAX_RECORD_BYTES);
            let more = self.reader.read_byte_record(&mut record);
            if !more.map_err(|error| RecordError::fatal(place, error))? {
                return Ok(None);
            }
            if let Some(line) = self.reader.get_ref().never_closed() {
                let reason =
                    "the quote that opens in this line is never closed; close it or double it";
                return Err(RecordError::fatal(Place { line, column: 0 }, reason));
            }
            let last = record.len().saturating_sub(1);
            let Some(field) = record.get(last).and_then(|field| field.strip_suffix(b"\r")) else {
                return Ok(Some(record));
            };
            if last > 0 || !field.is_empty() {
                let mut stripped: ByteRecord = record
                    .iter()
                    .take(last)
                    .chain(std::iter::once(field))
                    .collect();
                stripped.set_position(record.position().cloned());
                return Ok(Some(stripped));
            }
        }
    }
}
