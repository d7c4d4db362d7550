//! Parsing one value strictly, with errors placed in the file.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use super::JsonText;
use crate::products::import::key_path::Step;
use crate::products::import::{Place, RecordError};

/// Parses a value. A key that occurs twice in an object is an error, as is nesting beyond 127 levels.
pub fn parse(json: JsonText<'_>) -> Result<Value, RecordError> {
    let mut deserializer = serde_json::Deserializer::from_str(json.text);
    let parsed = Strict.deserialize(&mut deserializer);
    parsed
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| {
            let offset = offset_of(json.text, &error).saturating_sub(1);
            let message = error.to_string();
            let reason = match message.rsplit_once(" at line ") {
                Some(("recursion limit exceeded", _)) => {
                    "nested more than 127 levels deep; flatten it"
                }
                Some((reason, _)) => reason,
                None => &message,
            };
            RecordError::new(
                place_of(json, offset),
                "",
                "",
                format!("not valid: {reason}"),
            )
        })
}

/// The place of the value that `path` leads to, inside `json` which has been parsed without error.
pub fn locate(json: JsonText<'_>, path: &[Step]) -> Place {
    let mut deserializer = serde_json::Deserializer::from_str(json.text);
    let offset = match Locate(path).deserialize(&mut deserializer) {
        Ok(()) => 0,
        Err(error) => offset_of(json.text, &error),
    };
    let rest = &json.text[offset..];
    let blank = rest.len() - rest.trim_start().len();
    place_of(json, offset + blank)
}

fn place_of(json: JsonText<'_>, offset: usize) -> Place {
    json.place.after(&json.text.as_bytes()[..offset])
}

/// The position of a parser error in bytes, moved back to the start of a character.
fn offset_of(text: &str, error: &serde_json::Error) -> usize {
    let line_start = match error.line().checked_sub(2) {
        None => 0,
        Some(newline) => text
            .match_indices('\n')
            .nth(newline)
            .map_or(0, |(index, _)| index + 1),
    };
    text.floor_char_boundary(line_start + error.column())
}

/// Deserializes any value, from any format, refusing keys that occur twice and numbers that JSON cannot
/// hold.
#[derive(Debug, Clone, Copy)]
pub struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom(format!("{value} is not a finite number")))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(self)? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            match object.entry(key) {
                Entry::Occupied(entry) => {
                    return Err(A::Error::custom(format!(
                        "the key {:?} occurs twice",
                        entry.key()
                    )));
                }
                Entry::Vacant(entry) => {
                    entry.insert(entries.next_value_seed(self)?);
                }
            }
        }
        Ok(Value::Object(object))
    }
}

/// Goes along a path and fails where it ends, because a parser tells its position with its errors only.
struct Locate<'a>(&'a [Step]);

impl<'de> DeserializeSeed<'de> for Locate<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.0.is_empty() {
            return Err(D::Error::custom("here"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Locate<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let mut index = 0;
        loop {
            let found = matches!(self.0, [Step::Index(wanted), ..] if *wanted == index);
            let more = if found {
                elements.next_element_seed(Locate(&self.0[1..]))?.is_some()
            } else {
                elements.next_element::<IgnoredAny>()?.is_some()
            };
            if !more {
                return Ok(());
            }
            index += 1;
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(key) = entries.next_key::<String>()? {
            if matches!(self.0, [Step::Key(wanted), ..] if *wanted == key) {
                entries.next_value_seed(Locate(&self.0[1..]))?;
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}
