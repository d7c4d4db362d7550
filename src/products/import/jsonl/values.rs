//! Reading JSON values as what they should be, noting each one that is not with the path to it.

use serde_json::{Map, Value};

use crate::products::import::key_path::{KeyPath, Step, nearest};
use crate::products::import::timestamps;
use crate::products::money::MAX_MINOR;

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Leads to the value, or to where it should be.
    pub path: KeyPath,
    /// As it was given; empty where it is missing.
    pub value: String,
    /// What is wrong and how to mend it.
    pub reason: String,
}

/// A place in the document. It becomes a path only where something is wrong with it.
#[derive(Clone, Copy)]
enum At<'a> {
    Root,
    Key(&'a At<'a>, &'a str),
    Index(&'a At<'a>, usize),
}

impl At<'_> {
    fn path(&self) -> KeyPath {
        let (mut path, step) = match self {
            Self::Root => return KeyPath::default(),
            Self::Key(parent, key) => (parent.path(), Step::Key((*key).to_owned())),
            Self::Index(parent, index) => (parent.path(), Step::Index(*index)),
        };
        path.0.push(step);
        path
    }
}

/// Reads the value at one place. What is not as it should be is noted, and reading goes on with the next
/// value, so that all that is wrong with a document is found at once.
pub(super) struct Reader<'a> {
    at: At<'a>,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// At the document itself.
    pub(super) fn new(problems: &'a mut Vec<Problem>) -> Self {
        Self {
            at: At::Root,
            problems,
        }
    }

    /// The reader of what lies under `key` here.
    pub(super) fn under<'b>(&'b mut self, key: &'b str) -> Reader<'b> {
        Reader {
            at: At::Key(&self.at, key),
            problems: self.problems,
        }
    }

    /// The reader of the element at `index`.
    pub(super) fn element(&mut self, index: usize) -> Reader<'_> {
        Reader {
            at: At::Index(&self.at, index),
            problems: self.problems,
        }
    }

    /// How many problems have been noted so far, anywhere.
    pub(super) fn noted(&self) -> usize {
        self.problems.len()
    }

    /// Notes that the value here is wrong.
    pub(super) fn refuse(&mut self, value: &Value, reason: impl Into<String>) {
        let value = match value {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        self.note(value, reason.into());
    }

    /// Notes that `key` should be here, unless there is `value`.
    pub(super) fn require<T>(&mut self, key: &str, value: Option<T>, reason: &str) -> Option<T> {
        if value.is_none() {
            self.under(key)
                .note(String::new(), format!("is missing; {reason}"));
        }
        value
    }

    fn note(&mut self, value: String, reason: String) {
        self.problems.push(Problem {
            path: self.at.path(),
            value,
            reason,
        });
    }

    /// Hands each entry to `read`, which says false to a key it does not know.
    pub(super) fn object(
        &mut self,
        value: Value,
        known: &[&str],
        mut read: impl FnMut(&mut Reader<'_>, &str, Value) -> bool,
    ) {
        for (key, value) in self.map(value).unwrap_or_default() {
            let mut entry = self.under(&key);
            if !read(&mut entry, &key, value) {
                let reason = match nearest(&key, known.iter().copied()) {
                    Some(meant) => format!("unknown key; did you mean `{meant}`?"),
                    None => format!("unknown key; known are {}", known.join(", ")),
                };
                entry.note(String::new(), reason);
            }
        }
    }

    pub(super) fn map(&mut self, value: Value) -> Option<Map<String, Value>> {
        match value {
            Value::Object(map) => Some(map),
            other => {
                self.refuse(&other, "must be an object in braces");
                None
            }
        }
    }

    /// An array, each element read by `read`; null is empty.
    pub(super) fn list<T>(
        &mut self,
        value: Value,
        mut read: impl FnMut(&mut Reader<'_>, Value) -> T,
    ) -> Option<Vec<T>> {
        match value {
            Value::Null => Some(Vec::new()),
            Value::Array(values) => {
                let values = values.into_iter().enumerate();
                Some(
                    values
                        .map(|(index, value)| read(&mut self.element(index), value))
                        .collect(),
                )
            }
            other => {
                self.refuse(&other, "must be an array in brackets");
                None
            }
        }
    }

    pub(super) fn text(&mut self, value: Value) -> Option<String> {
        match value {
            Value::String(text) => Some(text),
            other => {
                self.refuse(&other, "must be a text in quotes");
                None
            }
        }
    }

    /// A text; null is empty.
    pub(super) fn clearable(&mut self, value: Value) -> Option<String> {
        match value {
            Value::Null => Some(String::new()),
            value => self.text(value),
        }
    }

    pub(super) fn boolean(&mut self, value: &Value) -> Option<bool> {
        let boolean = value.as_bool();
        if boolean.is_none() {
            self.refuse(value, "must be true or false");
        }
        boolean
    }

    pub(super) fn integer(&mut self, value: &Value) -> Option<i64> {
        let integer = value.as_i64();
        if integer.is_none() {
            let is_whole = value.as_f64().is_some_and(|number| number.fract() == 0.0);
            let reason = if value.is_number() && is_whole {
                "must be a whole number of at most 64 bits, without point or exponent"
            } else {
                "must be a whole number"
            };
            self.refuse(value, reason);
        }
        integer
    }

    /// A whole number; null clears it.
    #[expect(
        clippy::option_option,
        reason = "right or wrong, and if right with a value or null"
    )]
    pub(super) fn nullable_integer(&mut self, value: &Value) -> Option<Option<i64>> {
        if value.is_null() {
            Some(None)
        } else {
            self.integer(value).map(Some)
        }
    }

    /// Minor units of a currency.
    pub(super) fn amount(&mut self, value: &Value) -> Option<i64> {
        let reason = match value.as_i64() {
            None => "must be a whole number of minor units, such as 1999 for 19.99 USD".to_owned(),
            Some(amount) if amount < 0 => "a price cannot be negative".to_owned(),
            Some(amount) if amount > MAX_MINOR => format!("larger than {MAX_MINOR} minor units"),
            Some(amount) => return Some(amount),
        };
        self.refuse(value, reason);
        None
    }

    pub(super) fn timestamp(&mut self, value: Value) -> Option<String> {
        let given = self.text(value)?;
        match timestamps::normalize(&given) {
            Ok(time) => Some(time),
            Err(error) => {
                self.refuse(&Value::String(given), error.to_string());
                None
            }
        }
    }
}
