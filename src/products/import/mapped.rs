//! Foreign files through a mapping file.
//!
//! A mapping says where each of our fields comes from. It is TOML:
//!
//! ```toml
//! [input]
//! kind = "json"             # or "jsonl", "yaml" (a list), "csv" (with a header line)
//! items = "data.products"   # json: keys that lead to the list; without it the file is the list itself,
//!                           #   or objects one after another
//! # delimiter = ";"         # csv
//! # group_by = "slug"       # csv: rows with the same value here form one product and must stand together
//! # windows_1252 = true     # mend control characters that were Windows-1252 punctuation
//! only = { lang = ["en"] }  # leave out the records (csv: rows) that have other values
//!
//! [defaults]
//! currency = "EUR"          # for prices that name none; else the command line's
//!
//! [product]
//! handle = { template = "{brand}-{id}", slug = true, max_length = 100 }
//! title = "name"
//! description_html = { from = "text", format = "plain" }
//! category = { from = "path", split = "->" }
//! tags = { from = "keywords", split = "," }
//! status = { from = "state", lookup = { live = "active" }, default = "draft" }
//!
//! [attributes]
//! collect = ["attr_"]       # every field of the record that begins so, named by the rest
//! fields = { warranty = "guarantee.years" }
//!
//! [[images]]
//! each = "pictures"         # a list in the record; paths below start from one item
//! url = { from = "file", prefix = "https://cdn.example/" }
//! alt = "$.name"            # `$.` starts from the record again
//!
//! [variants]                # one variant from the record itself, or with `each` one from each item
//! price = "price"
//! weight_g = { from = "weight", unit = "lb" }
//! ```
//!
//! **Fields.** `[product]`: `handle` (required), `title`, `description_html`, `vendor`, `product_type`,
//! `category`, `tags`, `status`, `published`, `published_at`, `seo_title`, `seo_description`, `created_at`,
//! `updated_at`. `[[images]]`: `url`, `alt`, `width`, `height`. `[[reviews]]`: `rating`, `title`, `body`,
//! `author`, `status`, `created_at`. `[[relations]]`: `handle`, `kind`. `[rating]`: `count` with `sum` or
//! `average`. `[variants]`: `sku`, `barcode`, `mpn`, `condition`, `price`, `currency`, `compare_at_price`,
//! `cost`, `weight_g`, `requires_shipping`, `taxable`, `tax_code`, `inventory_tracked`, `inventory_policy`,
//! `on_hand`, `reserved`, `low_stock_at`, `image` (a URL, added to the images where it is not among
//! them), and `[[variants.options]]` with `name` and `value`. With `prefer_with`, items that have no value
//! at that path are variants only where no item has one (a master row above its variants).
//!
//! **Rules.** A rule is a path, or a table with one of `from` (a path, or a list of paths of which the
//! first with a value counts), `constant`, or `template` (`{path}` for each value; absent where one of them
//! is). A path is `a.b[0]`, and `.` the item itself; in CSV files it is the name of a column, as it stands.
//! With `group_by`, the columns are those of a product's first row, and `rows` is the list of its rows.
//! Null, blank texts and the values in `ignore = ["N/A"]` count as absent. `lookup` translates values,
//! whatever their ASCII case; `default` is for those that are absent or not in the table. Then, by field:
//! `slug`, `prefix` and `max_length` for texts; `split` for tags and categories; `format` (`html`, or
//! `plain` to be escaped, with its paragraphs kept); `minor_units = true` for amounts that are not
//! decimals; `unit` (`g`, `kg`, `oz`, `lb`) or `unit_from` (a path) for weights.
//!
//! A field without a value in the file is not said, and an existing product keeps what it has.

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
