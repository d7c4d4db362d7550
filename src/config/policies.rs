//! `limits.policy`: tables of a file, or the same as JSON where a text has to do.

use serde_json::Value;

use super::file::RawValue;
use super::reader::Section;
use crate::limits::{Policy, read_policies};

/// In place of a list, for none.
const NONE: &str = "none";

impl Section<'_, '_> {
    /// Reads rate limits; none unless something is said.
    pub(super) fn policies(&mut self, key: &'static str, help: &'static str) -> Vec<Policy> {
        self.setting(key, Vec::new(), help, read, |it| show(it), str::to_owned)
    }
}

fn read(raw: RawValue) -> Result<Vec<Policy>, (Option<String>, String)> {
    let (text, document) = match raw {
        RawValue::Scalar(text) if text == NONE => return Ok(Vec::new()),
        RawValue::Scalar(text) => {
            let document = serde_json::from_str(&text).map_err(|error| {
                let reason = format!("neither none nor JSON: {error}; write [{{\"name\":…}}]");
                (Some(text.clone()), reason)
            })?;
            (Some(text), document)
        }
        RawValue::List(items) => (None, Value::from(items)),
        RawValue::Nested(document) => (None, document),
    };
    read_policies(&document).map_err(|errors| (text, errors.to_string()))
}

fn show(policies: &[Policy]) -> String {
    if policies.is_empty() {
        return NONE.to_owned();
    }
    let lines: Vec<_> = policies.iter().map(Policy::to_string).collect();
    lines.join("; ")
}
