//! Foreign files through a mapping file.
//!
//! Every kind of file is cut into records, each a JSON value with its place; a [`Mapping`] makes products of
//! them. The language of mapping files:
//!
#![doc = include_str!("../../../samples/mappings/README.md")]

mod csv_rows;
mod evaluate;
mod mapping;
mod product;
mod rule;
mod section;
mod text;
mod variants;
mod yaml_items;

use std::io::BufRead;

use serde_json::Value;

use super::json_values::{JsonText, JsonValues, locate, parse};
use super::key_path::Step;
use super::lines::Lines;
use super::{Place, ReadOptions, Record, RecordError, RecordResult, Records};
use crate::products::money::Currency;
use csv_rows::CsvRows;
use evaluate::Scope;
use mapping::Input;
pub use mapping::{Mapping, MappingError};
use yaml_items::YamlItems;

/// Reads the records.
pub fn records<'a>(
    input: impl BufRead + Send + 'a,
    mapping: Mapping,
    options: ReadOptions,
) -> Records<'a> {
    let currency = mapping.currency.unwrap_or(options.default_currency);
    match mapping.input.clone() {
        Input::Json { items } => {
            let mut values = JsonValues::new(input, items);
            until_end(move || Some(mapped_json(values.next_value()?, &mapping, currency)))
        }
        Input::Jsonl => {
            let mut lines = Lines::new(input);
            until_end(move || {
                Some(match lines.next_line()? {
                    Err(error) => Some(Err(error)),
                    Ok(line) if line.text.trim().is_empty() => None,
                    Ok(line) => {
                        let place = Place {
                            line: line.number,
                            column: 1,
                        };
                        mapped_json(
                            Ok(JsonText {
                                place,
                                text: line.text,
                            }),
                            &mapping,
                            currency,
                        )
                    }
                })
            })
        }
        Input::Yaml => {
            let mut items = YamlItems::new(input);
            until_end(move || {
                Some(match items.next_item()? {
                    Err(error) => Some(Err(error)),
                    Ok((value, line)) => {
                        mapped(value, &mapping, currency, |_| Place { line, column: 0 })
                    }
                })
            })
        }
        Input::Csv { .. } => {
            let mut rows = CsvRows::new(input, &mapping);
            until_end(move || {
                Some(match rows.next_rows()? {
                    Err(error) => Some(Err(error)),
                    Ok(mut rows) => {
                        let record = std::mem::take(&mut rows.record);
                        mapped(record, &mapping, currency, |path| rows.place(path))
                    }
                })
            })
        }
    }
}

/// Calls `next` until its end; records that it leaves out are `Some(None)`.
fn until_end<'a>(next: impl FnMut() -> Option<Option<RecordResult>> + Send + 'a) -> Records<'a> {
    Box::new(std::iter::from_fn(next).flatten())
}

fn mapped_json(
    json: Result<JsonText<'_>, RecordError>,
    mapping: &Mapping,
    currency: Currency,
) -> Option<RecordResult> {
    let parsed = json.and_then(|json| Ok((parse(json)?, json)));
    match parsed {
        Ok((value, json)) => mapped(value, mapping, currency, |path| locate(json, path)),
        Err(error) => Some(Err(error)),
    }
}

/// Maps one record, unless it is left out.
fn mapped(
    mut record: Value,
    mapping: &Mapping,
    currency: Currency,
    place: impl Fn(&[Step]) -> Place,
) -> Option<RecordResult> {
    if !record.is_object() {
        let shown = record.to_string();
        return Some(Err(RecordError::new(
            place(&[]),
            "",
            shown,
            "not an object with keys",
        )));
    }
    if !matches!(mapping.input, Input::Csv { .. }) && !is_wanted(&record, mapping) {
        return None;
    }
    if mapping.windows_1252 {
        text::mend_windows_1252(&mut record);
    }
    Some(match product::product(&record, mapping, currency) {
        Ok(product) => Ok(Record {
            place: place(&[]),
            product,
        }),
        Err(fault) => {
            let source = fault.source.as_ref().map_or(&[][..], |source| &source.0);
            let field = product::described(&fault);
            Err(RecordError::new(
                place(source),
                field,
                &fault.value,
                &fault.reason,
            ))
        }
    })
}

fn is_wanted(record: &Value, mapping: &Mapping) -> bool {
    let scope = Scope::of(record);
    mapping
        .only
        .iter()
        .all(|(path, words)| match scope.value(path) {
            Some(Value::String(text)) => words.iter().any(|word| word == text.trim()),
            Some(value) => words.contains(&value.to_string()),
            None => words.iter().any(String::is_empty),
        })
}

#[cfg(test)]
mod tests;
