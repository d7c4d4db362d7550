//! Reading JSON values as what they should be, with the path to the one that is not.

use serde_json::{Map, Value};

use crate::products::import::key_path::{KeyPath, Step, nearest};
use crate::products::import::timestamps;
use crate::products::money::MAX_MINOR;

/// What is wrong with a value.
#[derive(Debug)]
pub(super) struct Problem {
    /// From the value outwards: each level adds itself on the way out.
    steps: Vec<Step>,
    pub(super) value: String,
    pub(super) reason: String,
}

pub(super) type Read<T> = Result<T, Problem>;

impl Problem {
    pub(super) fn new(value: &Value, reason: impl Into<String>) -> Self {
        let value = match value {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        Self {
            steps: Vec::new(),
            value,
            reason: reason.into(),
        }
    }

    /// A key that should be there.
    pub(super) fn missing(key: &str, reason: &str) -> Self {
        let problem = Self {
            steps: Vec::new(),
            value: String::new(),
            reason: format!("is missing; {reason}"),
        };
        problem.under(key)
    }

    /// The same problem, seen from the object that has the value under `key`.
    pub(super) fn under(mut self, key: &str) -> Self {
        self.steps.push(Step::Key(key.to_owned()));
        self
    }

    /// The same problem, seen from the array that has the value at `index`.
    pub(super) fn at(mut self, index: usize) -> Self {
        self.steps.push(Step::Index(index));
        self
    }

    pub(super) fn path(&self) -> KeyPath {
        KeyPath(self.steps.iter().rev().cloned().collect())
    }
}

/// Hands each entry to `read`, which says false to a key it does not know.
pub(super) fn object(
    value: Value,
    known: &[&str],
    mut read: impl FnMut(&str, Value) -> Read<bool>,
) -> Read<()> {
    for (key, value) in map(value)? {
        match read(&key, value) {
            Ok(true) => {}
            Ok(false) => return Err(unknown_key(&key, known)),
            Err(problem) => return Err(problem.under(&key)),
        }
    }
    Ok(())
}

fn unknown_key(key: &str, known: &[&str]) -> Problem {
    let reason = match nearest(key, known.iter().copied()) {
        Some(meant) => format!("unknown key; did you mean `{meant}`?"),
        None => format!("unknown key; known are {}", known.join(", ")),
    };
    Problem {
        steps: Vec::new(),
        value: String::new(),
        reason,
    }
    .under(key)
}

pub(super) fn map(value: Value) -> Read<Map<String, Value>> {
    match value {
        Value::Object(map) => Ok(map),
        other => Err(Problem::new(&other, "must be an object in braces")),
    }
}

/// An array, each element read by `read`; null is empty.
pub(super) fn list<T>(value: Value, mut read: impl FnMut(Value) -> Read<T>) -> Read<Vec<T>> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(values) => values
            .into_iter()
            .enumerate()
            .map(|(index, value)| read(value).map_err(|problem| problem.at(index)))
            .collect(),
        other => Err(Problem::new(&other, "must be an array in brackets")),
    }
}

pub(super) fn text(value: Value) -> Read<String> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(Problem::new(&other, "must be a text in quotes")),
    }
}

/// A text; null is empty.
pub(super) fn clearable(value: Value) -> Read<String> {
    match value {
        Value::Null => Ok(String::new()),
        value => text(value),
    }
}

pub(super) fn boolean(value: &Value) -> Read<bool> {
    value
        .as_bool()
        .ok_or_else(|| Problem::new(value, "must be true or false"))
}

pub(super) fn integer(value: &Value) -> Read<i64> {
    value.as_i64().ok_or_else(|| {
        let number = value.is_number();
        let reason = if number && value.as_f64().is_some_and(|number| number.fract() == 0.0) {
            "must be a whole number of at most 64 bits, without point or exponent"
        } else {
            "must be a whole number"
        };
        Problem::new(value, reason)
    })
}

/// A whole number; null clears it.
pub(super) fn nullable_integer(value: &Value) -> Read<Option<i64>> {
    if value.is_null() {
        Ok(None)
    } else {
        integer(value).map(Some)
    }
}

/// Minor units of a currency.
pub(super) fn amount(value: &Value) -> Read<i64> {
    let reason = "must be a whole number of minor units, such as 1999 for 19.99 USD";
    let amount = value.as_i64().ok_or_else(|| Problem::new(value, reason))?;
    if amount < 0 {
        return Err(Problem::new(value, "a price cannot be negative"));
    }
    if amount > MAX_MINOR {
        return Err(Problem::new(
            value,
            format!("larger than {MAX_MINOR} minor units"),
        ));
    }
    Ok(amount)
}

pub(super) fn timestamp(value: Value) -> Read<String> {
    let given = text(value)?;
    timestamps::normalize(&given)
        .map_err(|error| Problem::new(&Value::String(given), error.to_string()))
}
