//! The TOML layer: sections and keys with the lines they stand on.

use std::path::PathBuf;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::ConfigError;
use super::setting::Source;
use super::sources::ConfigFile;

/// A file taken apart. Values keep their text; what they mean is for the setting to say.
#[derive(Default)]
pub(super) struct FileLayer {
    path: PathBuf,
    /// Every `[section]` with its line, also empty ones.
    pub(super) sections: Vec<(String, usize)>,
    pub(super) entries: Vec<Entry>,
    /// Syntax errors and values outside any section.
    pub(super) errors: Vec<ConfigError>,
}

/// One `key = value` of a section.
pub(super) struct Entry {
    pub(super) section: String,
    pub(super) key: String,
    pub(super) value: RawValue,
    pub(super) line: usize,
}

/// A value before it is interpreted.
#[derive(Clone, Hash)]
pub(super) enum RawValue {
    Scalar(String),
    List(Vec<String>),
    /// A table, or a list of something else than plain values, as JSON has it.
    Nested(Value),
}

impl FileLayer {
    pub(super) fn parse(file: &ConfigFile) -> Self {
        let ConfigFile { path, text } = file;
        let line_of = |offset: usize| {
            let before = text.bytes().take(offset);
            before.filter(|byte| *byte == b'\n').count() + 1
        };
        let (document, syntax_errors) = DeTable::parse_recoverable(text);
        let mut layer = Self {
            path: path.clone(),
            ..Self::default()
        };
        for error in syntax_errors {
            let line = error.span().map_or(1, |span| line_of(span.start));
            let what = error.message().replace('\n', ", ");
            layer.refuse(
                "configuration file",
                line,
                format!("not valid TOML: {what}"),
            );
        }
        for (name, value) in document.get_ref() {
            layer.read_section(name, value, &line_of);
        }
        // The parser sorts by name; people read files from the top.
        layer.sections.sort_by_key(|(_, line)| *line);
        layer.entries.sort_by_key(|entry| entry.line);
        layer
    }

    fn read_section(
        &mut self,
        name: &Spanned<toml::de::DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
        line_of: &dyn Fn(usize) -> usize,
    ) {
        let line = line_of(name.span().start);
        let DeValue::Table(table) = value.get_ref() else {
            let reason = "stands outside any section; put it below a line such as [server]";
            self.refuse(name.get_ref(), line, reason.to_owned());
            return;
        };
        self.sections.push((name.get_ref().to_string(), line));
        self.entries.extend(table.iter().map(|(key, value)| Entry {
            section: name.get_ref().to_string(),
            key: key.get_ref().to_string(),
            value: raw_value(value.get_ref()),
            line: line_of(key.span().start),
        }));
    }

    fn refuse(&mut self, what: &str, line: usize, reason: String) {
        self.errors.push(ConfigError {
            setting: what.to_owned(),
            value: None,
            source_layer: self.source(line),
            reason,
        });
    }

    pub(super) fn source(&self, line: usize) -> Source {
        Source::File {
            path: self.path.clone(),
            line,
        }
    }
}

fn raw_value(value: &DeValue<'_>) -> RawValue {
    if let Some(text) = scalar_text(value) {
        return RawValue::Scalar(text);
    }
    value
        .as_array()
        .and_then(|items| {
            let texts: Option<_> = items
                .iter()
                .map(|item| scalar_text(item.get_ref()))
                .collect();
            texts.map(RawValue::List)
        })
        .unwrap_or_else(|| RawValue::Nested(json(value)))
}

/// The same in JSON. What that has no form for is a text.
fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::Boolean(flag) => Value::from(*flag),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Table(table) => {
            let members = table.iter();
            let member = |(key, value): (&Spanned<_>, &Spanned<_>)| {
                let key: &toml::de::DeString<'_> = key.get_ref();
                (key.to_string(), json(value.get_ref()))
            };
            Value::Object(members.map(member).collect())
        }
        DeValue::Integer(_) => {
            let text = scalar_text(value).unwrap_or_default();
            text.parse::<i64>().map_or(Value::String(text), Value::from)
        }
        _ => scalar_text(value).into(),
    }
}

/// The text of anything that is not a list or a table. Numbers in another base become decimal.
fn scalar_text(value: &DeValue<'_>) -> Option<String> {
    Some(match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| number.as_str().to_owned(), |number| number.to_string()),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(moment) => moment.to_string(),
        DeValue::Array(_) | DeValue::Table(_) => return None,
    })
}
