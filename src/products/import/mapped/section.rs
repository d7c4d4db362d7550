//! Reading a mapping file so that every mistake in it is found, not the first one only.

use std::cell::RefCell;

use toml::{Table, Value};

use crate::products::import::key_path::nearest;

/// The mistakes found so far, each one line that begins with the key.
pub(super) type Mistakes = RefCell<Vec<String>>;

/// A table of the file. It remembers which keys were asked for, so that the others can be refused.
pub(super) struct Section<'a> {
    path: String,
    table: &'a Table,
    asked: RefCell<Vec<&'static str>>,
    mistakes: &'a Mistakes,
}

impl<'a> Section<'a> {
    pub(super) fn root(table: &'a Table, mistakes: &'a Mistakes) -> Self {
        Self::new(String::new(), table, mistakes)
    }

    fn new(path: String, table: &'a Table, mistakes: &'a Mistakes) -> Self {
        Self {
            path,
            table,
            asked: RefCell::default(),
            mistakes,
        }
    }

    /// The whole path of a key, as in `variants.price`.
    pub(super) fn path_of(&self, key: &str) -> String {
        match (self.path.as_str(), key) {
            ("", key) => key.to_owned(),
            (path, "") => path.to_owned(),
            (path, key) => format!("{path}.{key}"),
        }
    }

    /// Notes that `key` (or, with an empty key, the section itself) is wrong.
    pub(super) fn mistake(&self, key: &str, reason: impl AsRef<str>) {
        let line = format!("{}: {}", self.path_of(key), reason.as_ref());
        self.mistakes.borrow_mut().push(line);
    }

    pub(super) fn get(&self, key: &'static str) -> Option<&'a Value> {
        self.asked.borrow_mut().push(key);
        self.table.get(key)
    }

    fn typed<T>(
        &self,
        key: &'static str,
        wanted: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.get(key)?;
        let read = read(value);
        if read.is_none() {
            self.mistake(key, format!("must be {wanted}, not `{value}`"));
        }
        read
    }

    pub(super) fn string(&self, key: &'static str) -> Option<&'a str> {
        self.typed(key, "a text in quotes", Value::as_str)
    }

    pub(super) fn flag(&self, key: &'static str) -> bool {
        self.typed(key, "true or false", Value::as_bool)
            .unwrap_or(false)
    }

    pub(super) fn count(&self, key: &'static str) -> Option<usize> {
        self.typed(key, "a whole number from 2", |value| {
            usize::try_from(value.as_integer()?)
                .ok()
                .filter(|count| *count > 1)
        })
    }

    /// A text or a list of texts.
    pub(super) fn strings(&self, key: &'static str) -> Vec<&'a str> {
        let read = |value: &'a Value| match value {
            Value::String(text) => Some(vec![text.as_str()]),
            Value::Array(texts) => texts.iter().map(Value::as_str).collect(),
            _ => None,
        };
        self.typed(key, "a text in quotes or a list of texts", read)
            .unwrap_or_default()
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let given = self.string(key)?;
        let meaning = words
            .iter()
            .find(|(word, _)| *word == given)
            .map(|(_, meaning)| *meaning);
        if meaning.is_none() {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.mistake(
                key,
                format!("must be one of {}, not `{given}`", words.join(", ")),
            );
        }
        meaning
    }

    /// The entries of a table, whatever their keys.
    pub(super) fn entries(&self, key: &'static str) -> Option<&'a Table> {
        self.typed(key, "a table", Value::as_table)
    }

    pub(super) fn section(&self, key: &'static str) -> Option<Section<'a>> {
        let table = self.entries(key)?;
        Some(Section::new(self.path_of(key), table, self.mistakes))
    }

    /// A section for an entry whose key is not fixed.
    pub(super) fn child(&self, key: &str, table: &'a Table) -> Section<'a> {
        Section::new(self.path_of(key), table, self.mistakes)
    }

    /// A list of tables, `[[key]]`.
    pub(super) fn sections(&self, key: &'static str) -> Vec<Section<'a>> {
        let read = |value: &'a Value| {
            let tables = value.as_array()?.iter().map(Value::as_table);
            tables.collect::<Option<Vec<_>>>()
        };
        let wanted = format!("a list of tables, written as [[{}]]", self.path_of(key));
        let tables = self.typed(key, &wanted, read).unwrap_or_default();
        let section = |(index, table)| {
            Section::new(
                format!("{}[{index}]", self.path_of(key)),
                table,
                self.mistakes,
            )
        };
        tables.into_iter().enumerate().map(section).collect()
    }

    /// Refuses the keys nobody asked for.
    pub(super) fn finish(self) {
        let asked = self.asked.borrow();
        for key in self
            .table
            .keys()
            .filter(|key| !asked.contains(&key.as_str()))
        {
            match nearest(key, asked.iter().copied()) {
                Some(meant) => self.mistake(key, format!("unknown key; did you mean `{meant}`?")),
                None => self.mistake(key, format!("unknown key; known are {}", asked.join(", "))),
            }
        }
    }
}
