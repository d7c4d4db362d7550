//! Our own JSON Lines: one product a line, with the keys of the public document and those that are not
//! public.
//!
//! A line that an export wrote, or a document fetched from the API, is read back as it is: keys that are
//! computed (`price` and `availability` of the product, `availability` of a variant) are accepted and
//! ignored. A key that is absent says nothing; `null` clears what can be empty. A key that is unknown or
//! occurs twice refuses the line.

mod product;
mod values;
mod variant;

use std::io::BufRead;

use serde_json::Value;

pub use self::values::Problem;
use self::values::Reader;
use super::json_values::{JsonText, locate, parse};
use super::lines::Lines;
use super::{Place, Record, RecordError, RecordResult, Records};
use crate::products::input::ProductInput;

/// Reads the records. Blank lines are skipped.
pub fn records<'a>(input: impl BufRead + Send + 'a) -> Records<'a> {
    let mut lines = Lines::new(input);
    Box::new(std::iter::from_fn(move || {
        loop {
            match lines.next_line()? {
                Err(error) => return Some(Err(error)),
                Ok(line) if line.text.trim().is_empty() => {}
                Ok(line) => {
                    let place = Place {
                        line: line.number,
                        column: 1,
                    };
                    return Some(record(JsonText {
                        place,
                        text: line.text,
                    }));
                }
            }
        }
    }))
}

fn record(json: JsonText<'_>) -> RecordResult {
    let (product, problems) = document(parse(json)?);
    match problems.into_iter().next() {
        None => Ok(Record {
            place: json.place,
            product,
        }),
        Some(problem) => {
            let place = locate(json, &problem.path.0);
            let field = problem.path.to_string();
            Err(RecordError::new(
                place,
                field,
                problem.value,
                problem.reason,
            ))
        }
    }
}

/// Reads one document, and notes all that cannot be read as it should be. What cannot is left out of the
/// product or empty, and every other value is at its place.
pub fn document(value: Value) -> (ProductInput, Vec<Problem>) {
    let mut problems = Vec::new();
    let product = product::product(&mut Reader::new(&mut problems), value);
    (product, problems)
}

#[cfg(test)]
mod tests;
