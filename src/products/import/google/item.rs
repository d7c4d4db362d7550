//! One item of a feed, however it was written.

use std::fmt;

use serde_json::Value;

use super::super::{Place, RecordError};

/// The attributes of one item, in the order of the file.
#[derive(Debug)]
pub(super) struct Item {
    /// Where it begins.
    pub(super) place: Place,
    /// Its length in the file, in bytes.
    pub(super) bytes: usize,
    pub(super) fields: Vec<Field>,
    /// Why it cannot be used.
    pub(super) fault: Option<RecordError>,
    /// Whether its group cannot be told, because its cells stand in columns that are not theirs.
    pub(super) is_doubtful: bool,
}

/// One attribute.
#[derive(Debug)]
pub(super) struct Field {
    /// In Google's spelling, such as `image_link`.
    pub(super) name: String,
    /// A string, or an object where it has parts, such as `shipping`.
    pub(super) value: Value,
    pub(super) place: Place,
    /// Whether it is one of Google's (`g:title`) rather than the plain element of RSS or Atom, over which
    /// it wins.
    pub(super) google: bool,
}

/// The text of an attribute, without surrounding space.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) value: &'a str,
    name: &'a str,
    place: Place,
}

impl Text<'_> {
    /// An error about this attribute.
    pub(super) fn error(self, reason: impl fmt::Display) -> RecordError {
        RecordError::new(self.place, self.name, self.value, reason)
    }
}

impl Field {
    fn text(&self) -> Result<Text<'_>, RecordError> {
        match &self.value {
            Value::String(text) => Ok(Text {
                value: text.trim(),
                name: &self.name,
                place: self.place,
            }),
            _ => Err(RecordError::new(
                self.place,
                &self.name,
                "",
                "has elements within; it must hold text alone",
            )),
        }
    }
}

impl Item {
    /// All attributes called `name`: Google's where there are any, else the plain ones.
    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Field> {
        let called = move |field: &&Field| field.name == name;
        let google = self.fields.iter().filter(called).any(|field| field.google);
        self.fields
            .iter()
            .filter(called)
            .filter(move |field| field.google == google)
    }

    /// The text of an attribute that may be given once; empty where it is given but blank.
    pub(super) fn text<'a>(&'a self, name: &'a str) -> Result<Option<Text<'a>>, RecordError> {
        let mut fields = self.named(name);
        let Some(first) = fields.next() else {
            return Ok(None);
        };
        let text = first.text()?;
        match fields.next() {
            Some(second) if second.value != first.value => Err(RecordError::new(
                second.place,
                name,
                second.value.as_str().unwrap_or_default(),
                format_args!("given twice, first as {:?}; keep one", text.value),
            )),
            _ => Ok(Some(text)),
        }
    }

    /// The text of an attribute where something stands in it.
    pub(super) fn filled<'a>(&'a self, name: &'a str) -> Result<Option<Text<'a>>, RecordError> {
        Ok(self.text(name)?.filter(|text| !text.value.is_empty()))
    }

    /// The texts of an attribute that may be given often.
    pub(super) fn texts<'a>(&'a self, name: &'a str) -> Result<Vec<Text<'a>>, RecordError> {
        self.named(name).map(Field::text).collect()
    }

    /// An attribute that must be there.
    pub(super) fn required<'a>(&'a self, name: &'a str) -> Result<Text<'a>, RecordError> {
        self.filled(name)?.ok_or_else(|| {
            let reason = format_args!(
                "missing; every item must have it (in XML as `g:{name}`, where xmlns:g is \
                 \"http://base.google.com/ns/1.0\")"
            );
            RecordError::new(self.place, name, "", reason)
        })
    }
}
