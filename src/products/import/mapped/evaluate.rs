//! Following a rule for one record.

use std::borrow::Cow;

use indexmap::IndexSet;
use serde_json::Value;

use super::rule::{Piece, Rule, Source, SourcePath};
use super::text::{Unit, html_of_plain, shorten, slug};
use crate::products::import::decimal::Decimal;
use crate::products::import::key_path::{KeyPath, Step};
use crate::products::import::timestamps;
use crate::products::money::{Currency, MAX_MINOR, MoneyError, parse_price};

/// A value that does not fit its field.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) field: String,
    /// Where the value is in the record; `None` for constants.
    pub(super) source: Option<KeyPath>,
    pub(super) value: String,
    pub(super) reason: String,
}

pub(super) type Read<T> = Result<T, Fault>;

/// What the paths of a rule start from: a record, or one item of a list in it.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) record: &'a Value,
    pub(super) item: &'a Value,
    /// Path of the list and index of the item.
    list: Option<(&'a SourcePath, usize)>,
}

impl<'a> Scope<'a> {
    pub(super) fn of(record: &'a Value) -> Self {
        Self {
            record,
            item: record,
            list: None,
        }
    }

    /// The value at a path. Null and blank texts count as absent.
    pub(super) fn value(&self, path: &SourcePath) -> Option<&'a Value> {
        let start = if path.from_record {
            self.record
        } else {
            self.item
        };
        path.path.of(start).filter(|value| match value {
            Value::Null => false,
            Value::String(text) => !text.trim().is_empty(),
            _ => true,
        })
    }

    /// The path from the record.
    fn absolute(&self, path: &SourcePath) -> KeyPath {
        match self.list {
            Some((list, index)) if !path.from_record => {
                let item = KeyPath(vec![Step::Index(index)]);
                list.path.join(&item).join(&path.path)
            }
            _ => path.path.clone(),
        }
    }

    /// The items of a list; a value that is no list is its own only item, and without `each` the scope
    /// itself is.
    pub(super) fn items(self, each: Option<&'a SourcePath>) -> Vec<Self> {
        let Some(each) = each else { return vec![self] };
        match self.value(each) {
            None => Vec::new(),
            Some(Value::Array(items)) => {
                let scope = |(index, item)| Self {
                    item,
                    list: Some((each, index)),
                    ..self
                };
                items.iter().enumerate().map(scope).collect()
            }
            Some(item) => vec![Self { item, ..self }],
        }
    }

    pub(super) fn has(&self, path: &SourcePath) -> bool {
        self.value(path).is_some()
    }
}

/// A rule about to be followed, with what an error needs to name.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) rule: &'a Rule,
    pub(super) scope: Scope<'a>,
    /// Name of our field.
    pub(super) field: &'a str,
}

impl<'a> Task<'a> {
    pub(super) fn fault(&self, value: impl Into<String>, reason: impl Into<String>) -> Fault {
        let source = match &self.rule.source {
            Source::Constant(_) => None,
            Source::Places(places) => {
                let given = places.iter().find(|path| self.scope.has(path));
                given
                    .or(places.first())
                    .map(|path| self.scope.absolute(path))
            }
            Source::Template(pieces) => pieces.iter().find_map(|piece| match piece {
                Piece::Place(path) => Some(self.scope.absolute(path)),
                Piece::Literal(_) => None,
            }),
        };
        Fault {
            field: self.field.to_owned(),
            source,
            value: value.into(),
            reason: reason.into(),
        }
    }

    fn source_value(&self) -> Option<&'a Value> {
        match &self.rule.source {
            Source::Places(places) => places.iter().find_map(|path| self.scope.value(path)),
            Source::Constant(value) => Some(value),
            Source::Template(_) => None,
        }
    }

    fn raw(&self) -> Read<Option<Cow<'a, str>>> {
        let Source::Template(pieces) = &self.rule.source else {
            return self
                .source_value()
                .map(|value| self.scalar(value))
                .transpose();
        };
        let mut filled = String::new();
        for piece in pieces {
            match piece {
                Piece::Literal(text) => filled.push_str(text),
                Piece::Place(path) => match self.scope.value(path) {
                    Some(value) => filled.push_str(self.scalar(value)?.trim()),
                    None => return Ok(None),
                },
            }
        }
        Ok(Some(Cow::Owned(filled)))
    }

    fn scalar(&self, value: &'a Value) -> Read<Cow<'a, str>> {
        match value {
            Value::String(text) => Ok(Cow::Borrowed(text)),
            Value::Number(number) => Ok(Cow::Owned(number.to_string())),
            Value::Bool(flag) => Ok(Cow::Borrowed(if *flag { "true" } else { "false" })),
            Value::Array(_) => Err(self.fault(
                value.to_string(),
                "is a list; name one of its elements, such as `x[0]`, or use `each`",
            )),
            Value::Object(_) | Value::Null => Err(self.fault(
                value.to_string(),
                "is an object; name one of its keys, such as `x.y`",
            )),
        }
    }

    /// The value in the words of our field: what `ignore`, `lookup` and `default` leave of it.
    fn word(&self, raw: Option<Cow<'a, str>>) -> Read<Option<Cow<'a, str>>> {
        let rule = self.rule;
        let default = rule.default.as_deref().map(Cow::Borrowed);
        let ignored = |text: &str| rule.ignore.iter().any(|word| word == text.trim());
        let Some(text) = raw.filter(|text| !ignored(text)) else {
            return Ok(default);
        };
        let Some(table) = &rule.lookup else {
            return Ok(Some(text));
        };
        let key = text.trim().to_ascii_lowercase();
        let found = table.iter().find(|(from, _)| *from == key);
        match found.map(|(_, to)| Cow::Borrowed(to.as_str())).or(default) {
            Some(meaning) => Ok(Some(meaning)),
            None => Err(self.fault(text, "not in the lookup table; add it, or a `default`")),
        }
    }

    /// The value as a text.
    pub(super) fn text(&self) -> Read<Option<String>> {
        let Some(text) = self.word(self.raw()?)? else {
            return Ok(None);
        };
        Ok(Some(self.finished(&text)))
    }

    fn finished(&self, text: &str) -> String {
        let rule = self.rule;
        let mut text = match (&rule.prefix, rule.slug) {
            (None, false) => text.trim().to_owned(),
            (None, true) => slug(text),
            (Some(prefix), false) => format!("{prefix}{}", text.trim()),
            (Some(prefix), true) => slug(&format!("{prefix}{text}")),
        };
        if let Some(length) = rule.max_length {
            shorten(&mut text, length, rule.slug);
        }
        text
    }

    /// The value as HTML.
    pub(super) fn html(&self) -> Read<Option<String>> {
        let text = self.text()?;
        Ok(if self.rule.plain {
            text.map(|text| html_of_plain(&text))
        } else {
            text
        })
    }

    /// The elements of a list, or the pieces of a text that `split` cuts, without duplicates.
    pub(super) fn list(&self) -> Read<Option<Vec<String>>> {
        let mut list = IndexSet::new();
        let mut add = |text: &str| {
            let pieces = match self.rule.split.as_deref() {
                Some(separator) => text.split(separator).collect(),
                None => vec![text],
            };
            for piece in pieces
                .into_iter()
                .map(str::trim)
                .filter(|piece| !piece.is_empty())
            {
                list.insert(self.finished(piece));
            }
        };
        if let Some(Value::Array(elements)) = self.source_value() {
            for element in elements.iter().filter(|element| !element.is_null()) {
                if let Some(text) = self.word(Some(self.scalar(element)?))? {
                    add(&text);
                }
            }
        } else {
            match self.word(self.raw()?)? {
                Some(text) => add(&text),
                None => return Ok(None),
            }
        }
        Ok(Some(list.into_iter().collect()))
    }

    /// The value as it is, unless the rule does something with it.
    pub(super) fn json(&self) -> Read<Option<Value>> {
        let rule = self.rule;
        if rule.split.is_some() {
            return Ok(self.list()?.map(Value::from));
        }
        let plain = rule.lookup.is_none() && rule.ignore.is_empty() && rule.prefix.is_none();
        match self.source_value() {
            Some(value) if plain || value.is_array() || value.is_object() => {
                Ok(Some(value.clone()))
            }
            _ => Ok(self.text()?.map(Value::from)),
        }
    }

    /// The value read by `read`, which says what is wrong with it.
    pub(super) fn parsed<T>(&self, read: impl Fn(&str) -> Result<T, String>) -> Read<Option<T>> {
        let Some(text) = self.word(self.raw()?)? else {
            return Ok(None);
        };
        read(text.trim())
            .map(Some)
            .map_err(|reason| self.fault(text, reason))
    }

    pub(super) fn integer(&self) -> Read<Option<i64>> {
        self.parsed(|text| {
            // Spreadsheets and floats write 15 as 15.0.
            let whole = text.trim_end_matches('0').strip_suffix('.');
            let number = whole.unwrap_or(text).parse();
            number.map_err(|_| "must be a whole number of at most 64 bits".to_owned())
        })
    }

    pub(super) fn boolean(&self) -> Read<Option<bool>> {
        self.parsed(|text| match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "y" | "1" => Ok(true),
            "false" | "no" | "n" | "0" => Ok(false),
            _ => Err("must be true or false; translate it with a `lookup`".to_owned()),
        })
    }

    pub(super) fn timestamp(&self) -> Read<Option<String>> {
        self.parsed(|text| timestamps::normalize_lenient(text).map_err(|error| error.to_string()))
    }

    /// An amount of money, in `currency` unless it names its own.
    pub(super) fn amount(&self, currency: Currency) -> Read<Option<(i64, Currency)>> {
        if let Some(Value::Number(number)) = self.source_value()
            && number.is_f64()
            && number
                .to_string()
                .bytes()
                .filter(u8::is_ascii_digit)
                .count()
                > MAX_FLOAT_DIGITS
        {
            let reason = "has more digits than a number keeps; write it as a text in quotes";
            return Err(self.fault(number.to_string(), reason));
        }
        self.parsed(|text| {
            if !self.rule.minor_units {
                return parse_price(text, Some(currency)).map_err(|error| error.to_string());
            }
            match text.parse::<i64>() {
                Ok(minor) if minor < 0 => Err(MoneyError::Negative.to_string()),
                Ok(minor) if minor > MAX_MINOR => Err(MoneyError::TooLarge.to_string()),
                Ok(minor) => Ok((minor, currency)),
                Err(_) => Err("must be a whole number of minor units, such as 1999".to_owned()),
            }
        })
    }

    pub(super) fn grams(&self) -> Read<Option<i64>> {
        let mut unit = self.rule.unit;
        if let Some(value) = self
            .rule
            .unit_from
            .as_ref()
            .and_then(|path| self.scope.value(path))
        {
            let word = self.scalar(value)?;
            let reason = "not a unit of weight; known are g, kg, oz, lb";
            unit = Unit::parse(&word).ok_or_else(|| self.fault(word, reason))?;
        }
        let (factor, scale) = unit.grams();
        self.parsed(|text| {
            let grams = Decimal::parse(text).and_then(|decimal| decimal.times(factor, scale));
            grams.ok_or_else(|| "not a plain decimal; write it like 0.25".to_owned())
        })
    }
}

/// Decimal digits that survive a double (IEEE 754 binary64).
const MAX_FLOAT_DIGITS: usize = 15;
