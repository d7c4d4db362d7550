//! Rules for the free-form part of a product.

use serde_json::{Map, Value};

use super::report::{At, Report};

/// Most levels of nesting, well below what JSON parsers accept.
const MAX_DEPTH: usize = 64;

pub(super) fn check(report: &mut Report, at: At<'_>, attributes: &Map<String, Value>) {
    entries(report, at, attributes, 1);
}

fn entries(report: &mut Report, at: At<'_>, map: &Map<String, Value>, depth: usize) {
    for (key, entry) in map {
        report.name(at.key(key), key);
        value(report, at.key(key), entry, depth);
    }
}

fn value(report: &mut Report, at: At<'_>, given: &Value, depth: usize) {
    match given {
        Value::Null | Value::Bool(_) => {}
        Value::String(text) => report.long_text(at, text),
        Value::Number(number) => {
            // The parser turns integers beyond 64 bits into floats, which are not what was written.
            if number.is_f64() && number.as_f64().is_none_or(|n| !(-TWO_63 < n && n < TWO_64)) {
                report.add(
                    at,
                    number,
                    "a number beyond 64 bits; write it as a text in quotes",
                );
            }
        }
        Value::Array(_) | Value::Object(_) if depth >= MAX_DEPTH => {
            report.add(
                at,
                "",
                format!("nested more than {MAX_DEPTH} levels deep; flatten it"),
            );
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                value(report, at.index(index), element, depth + 1);
            }
        }
        Value::Object(map) => entries(report, at, map, depth + 1),
    }
}

const TWO_63: f64 = 9_223_372_036_854_775_808.0;
const TWO_64: f64 = 18_446_744_073_709_551_616.0;
