//! Items of tab-separated feeds.

use std::io::BufRead;

use serde_json::Value;

use super::super::delimited::{self, Row, Rows};
use super::super::{Place, RecordError};
use super::item::{Field, Item};

/// Attributes that hold several values in one cell, separated by commas.
const LISTS: &[&str] = &["additional_image_link"];

/// Reads the header of `input`; then one item for each row.
pub(super) fn items<R: BufRead>(
    input: R,
) -> Result<impl Iterator<Item = Result<Item, RecordError>>, RecordError> {
    let mut rows = Rows::new(input, b'\t');
    let header = rows.header()?;
    let names: Vec<String> = header.names.iter().map(|name| spelling(name)).collect();
    check(header.line, &names)?;
    Ok(rows
        .filter(|row| !row.as_ref().is_ok_and(Row::is_blank))
        .map(move |row| row.map(|row| item(&names, row))))
}

/// Google's spelling of a column: `Image Link`, `image link` and `g:image_link` are `image_link`.
fn spelling(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    name.strip_prefix("g:")
        .unwrap_or(&name)
        .split_ascii_whitespace()
        .collect::<Vec<_>>()
        .join("_")
}

fn check(line: u64, names: &[String]) -> Result<(), RecordError> {
    for (index, name) in names.iter().enumerate() {
        if !name.is_empty() && names[..index].contains(name) && !LISTS.contains(&name.as_str()) {
            return Err(RecordError {
                fatal: true,
                ..RecordError::new(
                    delimited::place(line, index),
                    "header",
                    name,
                    "the column is there twice; remove one",
                )
            });
        }
    }
    if names.iter().any(|name| name == "id") {
        return Ok(());
    }
    let hint = match names {
        [only] if only.contains(',') => " (columns must be separated by tabs, not commas)",
        _ => "",
    };
    Err(RecordError::fatal(
        Place { line, column: 0 },
        format_args!(
            "not a Google feed: the header has no `id`{hint}; name the columns id, title, link, price …"
        ),
    ))
}

fn item(names: &[String], row: Row) -> Item {
    let mut fields = Vec::new();
    for (index, (name, cell)) in names.iter().zip(&row.cells).enumerate() {
        if name.is_empty() {
            continue;
        }
        let separator = LISTS.contains(&name.as_str()).then_some(',');
        let values = match separator {
            Some(separator) => cell.split(separator).collect(),
            None => vec![cell],
        };
        fields.extend(values.into_iter().map(|value| Field {
            name: name.clone(),
            value: Value::String(value.trim().to_owned()),
            place: delimited::place(row.line, index),
            google: true,
        }));
    }
    Item {
        place: Place {
            line: row.line,
            column: 0,
        },
        bytes: row.bytes() + fields.len() * size_of::<Field>(),
        fields,
        is_doubtful: row.is_shifted() && names.iter().any(|name| name == "item_group_id"),
        fault: row.fault,
    }
}
