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

use super::json_values::{JsonText, locate, parse};
use super::lines::Lines;
use super::{Place, Record, RecordError, RecordResult, Records};

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
    let value = parse(json)?;
    match product::product(value) {
        Ok(product) => Ok(Record {
            place: json.place,
            product,
        }),
        Err(problem) => {
            let path = problem.path();
            let place = locate(json, &path.0);
            Err(RecordError::new(
                place,
                path.to_string(),
                problem.value,
                problem.reason,
            ))
        }
    }
}

#[cfg(test)]
mod tests;
