//! Cuts a CSV file into records: rows, or groups of rows that describe one product.

use std::io::BufRead;

use serde_json::{Map, Value};

use super::mapping::{Input, Mapping};
use super::product::ROWS;
use super::rule::SourcePath;
use crate::products::import::delimited::{self, Names};
use crate::products::import::key_path::Step;
use crate::products::import::seen::Seen;
use crate::products::import::{MAX_RECORD_BYTES, Place, RecordError};

/// Reads the rows of a file with a header line.
pub(super) struct CsvRows<R: BufRead> {
    rows: delimited::Rows<R>,
    columns: Vec<String>,
    /// Number of the column that says which rows belong together.
    group: Option<usize>,
    /// Columns whose value must be one of these.
    only: Vec<(usize, Vec<String>)>,
    /// The groups that have begun.
    seen: Seen,
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
    is_shifted: bool,
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
        let mut rows = Self {
            rows: delimited::Rows::new(input, delimiter),
            columns: Vec::new(),
            group: None,
            only: Vec::new(),
            seen: Seen::default(),
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
        let Names { line, names } = self.rows.header()?;
        for (index, name) in names.into_iter().enumerate() {
            if !name.is_empty() && self.columns.contains(&name) {
                return Err(RecordError::fatal(
                    delimited::place(line, index),
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
            return Err(RecordError::fatal(Place { line, column: 0 }, reason));
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
        if self.ended {
            return None;
        }
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
        let again = self.seen.insert(&key, first.line).is_some();
        if again || key.is_empty() {
            let column = self.group.unwrap_or_default();
            let reason = if again {
                "rows of one product must follow one another; sort the file by this column"
            } else {
                "is blank; it says which product the row belongs to"
            };
            let place = delimited::place(first.line, column);
            error = Some(RecordError::new(place, &self.columns[column], &key, reason));
        }
        let mut next = Some(Ok(first));
        while let Some(row) = next {
            let row = row?;
            if row.key != key {
                if !row.is_shifted {
                    self.pending = Some(row);
                    break;
                }
                // The key may be a cell of another column: refuses this product and the one named.
                self.seen.insert(&row.key, row.line);
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
        loop {
            match self.rows.next()? {
                Ok(row) if row.is_blank() || !self.is_wanted(&row) => {}
                row => return Some(row.map(|row| self.row(&row))),
            }
        }
    }

    /// A row that cannot be read is wanted, so that it is reported.
    fn is_wanted(&self, row: &delimited::Row) -> bool {
        row.is_shifted()
            || self.only.iter().all(|(column, words)| {
                let cell = row.cells.get(*column).unwrap_or_default().trim();
                words.iter().any(|word| word == cell)
            })
    }

    fn row(&self, row: &delimited::Row) -> Row {
        let key = self.group.and_then(|column| row.cells.get(column));
        let cells = || {
            let named = self.columns.iter().zip(&row.cells);
            named
                .filter(|(name, cell)| !cell.trim().is_empty() && !name.is_empty())
                .map(|(name, cell)| (name.clone(), Value::from(cell)))
                .collect()
        };
        Row {
            line: row.line,
            key: key.unwrap_or_default().trim().to_owned(),
            bytes: row.bytes(),
            is_shifted: row.is_shifted(),
            cells: match &row.fault {
                Some(fault) => Err(fault.clone()),
                None => Ok(cells()),
            },
        }
    }
}
