//! Elements within an item.

use std::borrow::Cow;
use std::fmt::Display;

use quick_xml::XmlVersion;
use quick_xml::events::BytesStart;
use quick_xml::name::{Namespace, ResolveResult};
use serde_json::{Map, Value};

use super::super::super::{Place, RecordError};
use super::super::item::Field;

const GOOGLE: &[&str] = &[
    "http://base.google.com/ns/1.0",
    "http://base.google.com/cns/1.0",
];
const ATOM: &str = "http://www.w3.org/2005/Atom";

/// The plain elements of RSS and Atom that say something about a product, and Google's names for them.
const PLAIN: &[(&str, &str)] = &[
    ("id", "id"),
    ("title", "title"),
    ("link", "link"),
    ("description", "description"),
    ("summary", "description"),
    ("content", "description"),
];

/// An element within an item that is still open.
pub(super) struct Open {
    pub(super) name: String,
    kind: Kind,
    pub(super) place: Place,
    pub(super) text: String,
    children: Map<String, Value>,
}

/// Whose element it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Google,
    Plain,
    Other,
}

impl Open {
    /// Reads a start tag.
    pub(super) fn read(
        place: Place,
        namespace: &ResolveResult<'_>,
        start: &BytesStart<'_>,
    ) -> Result<Self, RecordError> {
        let name = start.local_name().as_ref().to_owned();
        let mut kind = kind(place, namespace)?;
        // Atom gives links as attributes, and has links to other things than the page.
        let mut text = String::new();
        if kind == Kind::Plain && name == "link" {
            text = attribute(place, start, "href")?.unwrap_or_default();
            if attribute(place, start, "rel")?.is_some_and(|relation| relation != "alternate") {
                kind = Kind::Other;
            }
        }
        Ok(Self {
            name,
            kind,
            place,
            text,
            children: Map::new(),
        })
    }

    /// Gives the finished element to the one around it or, at the top, to the item.
    pub(super) fn close(self, parent: Option<&mut Open>, fields: &mut Vec<Field>) {
        let value = if self.children.is_empty() {
            Value::String(self.text.trim().to_owned())
        } else {
            Value::Object(self.children)
        };
        if let Some(parent) = parent {
            push(&mut parent.children, self.name, value);
            return;
        }
        let google = self.kind == Kind::Google;
        let name = if google {
            Some(self.name)
        } else {
            plain(self.kind, &self.name)
        };
        // Of Atom's summary and content, the first is the description.
        let another = |name: &String| {
            google
                || !fields
                    .iter()
                    .any(|field| !field.google && field.name == *name)
        };
        if let Some(name) = name.filter(another) {
            fields.push(Field {
                name,
                value,
                place: self.place,
                google,
            });
        }
    }
}

fn kind(place: Place, namespace: &ResolveResult<'_>) -> Result<Kind, RecordError> {
    match namespace {
        ResolveResult::Bound(Namespace(name)) if GOOGLE.contains(name) => Ok(Kind::Google),
        ResolveResult::Bound(Namespace(ATOM)) | ResolveResult::Unbound => Ok(Kind::Plain),
        ResolveResult::Bound(_) => Ok(Kind::Other),
        ResolveResult::Unknown(prefix) => Err(RecordError::fatal(
            place,
            format_args!(
                "the prefix {prefix:?} is not declared; add xmlns:{prefix}=\"{}\" to the root element",
                GOOGLE[0]
            ),
        )),
    }
}

/// Google's name of a plain element; `None` for what says nothing about a product (`pubDate`).
fn plain(kind: Kind, name: &str) -> Option<String> {
    PLAIN
        .iter()
        .find(|(plain, _)| kind == Kind::Plain && *plain == name)
        .map(|(_, google)| (*google).to_owned())
}

/// Adds a part; one that is there already makes an array.
fn push(parts: &mut Map<String, Value>, name: String, value: Value) {
    match parts.get_mut(&name) {
        None => {
            parts.insert(name, value);
        }
        Some(Value::Array(values)) => values.push(value),
        Some(first) => *first = Value::Array(vec![first.take(), value]),
    }
}

fn attribute(
    place: Place,
    start: &BytesStart<'_>,
    name: &str,
) -> Result<Option<String>, RecordError> {
    let broken =
        |error: &dyn Display| RecordError::fatal(place, format_args!("broken XML: {error}"));
    let attribute = start
        .try_get_attribute(name)
        .map_err(|error| broken(&error))?;
    attribute
        .map(|attribute| attribute.normalized_value(XmlVersion::Implicit1_0))
        .transpose()
        .map(|value| value.map(Cow::into_owned))
        .map_err(|error| broken(&error))
}
