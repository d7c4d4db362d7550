//! One rule of a mapping: where the value of a field comes from and what is done with it.

use serde_json::Value;

use super::section::Section;
use super::text::Unit;
use crate::products::import::key_path::KeyPath;

/// What a field holds, which decides the keys its rule may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Html,
    Category,
    Tags,
    Amount,
    Weight,
    /// Numbers, times and fixed words.
    Other,
    Attribute,
}

impl Kind {
    /// Keys beyond those that every rule has.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Text => &["slug", "prefix", "max_length"],
            Self::Html => &["format"],
            Self::Category | Self::Tags => &["split"],
            Self::Amount => &["minor_units"],
            Self::Weight => &["unit", "unit_from"],
            Self::Other => &[],
            Self::Attribute => &["split", "prefix"],
        }
    }
}

/// A place in the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SourcePath {
    /// Counted from the record, not from the item of `each`.
    pub(super) from_record: bool,
    pub(super) path: KeyPath,
}

/// A piece of a template.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    Literal(String),
    Place(SourcePath),
}

#[derive(Debug, Clone)]
pub(super) enum Source {
    /// The first of these places that has a value.
    Places(Vec<SourcePath>),
    Constant(Value),
    Template(Vec<Piece>),
}

/// A compiled rule.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) source: Source,
    /// Values that count as absent.
    pub(super) ignore: Vec<String>,
    /// Pairs of a value in the file, in ASCII lower case, and what it means.
    pub(super) lookup: Option<Vec<(String, String)>>,
    pub(super) default: Option<String>,
    pub(super) slug: bool,
    pub(super) prefix: Option<String>,
    pub(super) max_length: Option<usize>,
    pub(super) split: Option<String>,
    /// The source is plain text where the field holds HTML.
    pub(super) plain: bool,
    pub(super) minor_units: bool,
    pub(super) unit: Unit,
    pub(super) unit_from: Option<SourcePath>,
}

/// Compiles paths, and keeps a list of them.
pub(super) struct Paths {
    /// A CSV file: a path is the name of a column, whatever signs it has in it.
    pub(super) columns: bool,
    /// The paths of each rule; one of each list has to exist.
    pub(super) used: Vec<Vec<SourcePath>>,
}

impl Paths {
    fn compile(&self, text: &str) -> Result<SourcePath, String> {
        let (from_record, text) = match text.strip_prefix("$.") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let path = if self.columns && text != "." && !text.is_empty() {
            KeyPath::key(text)
        } else {
            KeyPath::parse(text)?
        };
        Ok(SourcePath { from_record, path })
    }

    /// Compiles and remembers the path of a key, or notes what is wrong with it.
    pub(super) fn path(&mut self, section: &Section<'_>, key: &'static str) -> Option<SourcePath> {
        let paths = self.paths(section, key, &[section.string(key)?]);
        paths.into_iter().next()
    }

    pub(super) fn paths(
        &mut self,
        section: &Section<'_>,
        key: &str,
        texts: &[&str],
    ) -> Vec<SourcePath> {
        let compiled: Result<Vec<_>, _> = texts.iter().map(|text| self.compile(text)).collect();
        match compiled {
            Ok(paths) => {
                self.used.push(paths.clone());
                paths
            }
            Err(reason) => {
                section.mistake(key, reason);
                Vec::new()
            }
        }
    }

    /// The rule for `key`, which is a path or a table.
    pub(super) fn rule(
        &mut self,
        section: &Section<'_>,
        key: &'static str,
        kind: Kind,
    ) -> Option<Rule> {
        let value = section.get(key)?;
        self.rule_of(section, key, value, kind)
    }

    pub(super) fn rule_of(
        &mut self,
        section: &Section<'_>,
        key: &str,
        value: &toml::Value,
        kind: Kind,
    ) -> Option<Rule> {
        match value {
            toml::Value::String(path) => {
                let places = self.paths(section, key, &[path]);
                Some(Rule::from(Source::Places(places)))
            }
            toml::Value::Table(table) => {
                let section = section.child(key, table);
                let rule = self.table_rule(&section, kind);
                section.finish();
                rule
            }
            other => {
                section.mistake(
                    key,
                    format!("must be a path in quotes or a table, not `{other}`"),
                );
                None
            }
        }
    }

    fn table_rule(&mut self, section: &Section<'_>, kind: Kind) -> Option<Rule> {
        let mut rule = Rule::from(self.source(section)?);
        rule.ignore = owned(&section.strings("ignore"));
        rule.default = section.string("default").map(str::to_owned);
        rule.lookup = section.entries("lookup").map(|table| {
            let entry = |(from, to): (&String, &toml::Value)| {
                let Some(to) = to.as_str() else {
                    section.mistake(
                        &format!("lookup.{from}"),
                        format!("must be a text, not `{to}`"),
                    );
                    return None;
                };
                Some((from.trim().to_ascii_lowercase(), to.to_owned()))
            };
            table.iter().filter_map(entry).collect()
        });
        for key in kind.keys() {
            match *key {
                "slug" => rule.slug = section.flag("slug"),
                "prefix" => rule.prefix = section.string("prefix").map(str::to_owned),
                "max_length" => rule.max_length = section.count("max_length"),
                "split" => rule.split = separator(section),
                "minor_units" => rule.minor_units = section.flag("minor_units"),
                "unit" => rule.unit = section.word("unit", Unit::WORDS).unwrap_or(Unit::Gram),
                "unit_from" => rule.unit_from = self.path(section, "unit_from"),
                _ => {
                    let formats = [("html", false), ("plain", true)];
                    rule.plain = section.word("format", &formats).unwrap_or(false);
                }
            }
        }
        Some(rule)
    }

    fn source(&mut self, section: &Section<'_>) -> Option<Source> {
        let from = section.get("from").is_some();
        let constant = section.get("constant");
        let template = section.string("template");
        match (from, constant, template) {
            (true, None, None) => {
                let places = self.paths(section, "from", &section.strings("from"));
                Some(Source::Places(places))
            }
            (false, Some(constant), None) => {
                let value = constant_value(constant);
                if value.is_none() {
                    let reason = "must be a text, a number, true, false or a list";
                    section.mistake("constant", reason);
                }
                value.map(Source::Constant)
            }
            (false, None, Some(template)) => match self.template(template) {
                Ok(pieces) => {
                    for piece in &pieces {
                        if let Piece::Place(place) = piece {
                            self.used.push(vec![place.clone()]);
                        }
                    }
                    Some(Source::Template(pieces))
                }
                Err(reason) => {
                    section.mistake("template", reason);
                    None
                }
            },
            _ => {
                section.mistake("", "needs one of `from`, `constant` and `template`");
                None
            }
        }
    }

    /// Splits `{a}-{b.c}`; a brace itself is written twice.
    fn template(&self, text: &str) -> Result<Vec<Piece>, String> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(position) = rest.find(['{', '}']) {
            literal.push_str(&rest[..position]);
            let brace = &rest[position..=position];
            rest = &rest[position + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                literal.push_str(brace);
                rest = after;
            } else {
                let place = rest.split_once('}').filter(|_| brace == "{");
                let (path, after) =
                    place.ok_or_else(|| format!("`{brace}` has no partner in `{text}`"))?;
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                pieces.push(Piece::Place(self.compile(path)?));
                rest = after;
            }
        }
        literal.push_str(rest);
        pieces.push(Piece::Literal(literal));
        Ok(pieces)
    }
}

impl From<Source> for Rule {
    fn from(source: Source) -> Self {
        Self {
            source,
            ignore: Vec::new(),
            lookup: None,
            default: None,
            slug: false,
            prefix: None,
            max_length: None,
            split: None,
            plain: false,
            minor_units: false,
            unit: Unit::Gram,
            unit_from: None,
        }
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn separator(section: &Section<'_>) -> Option<String> {
    let separator = section.string("split")?;
    if separator.is_empty() {
        section.mistake(
            "split",
            "must not be empty; write the separator, such as \",\"",
        );
    }
    Some(separator.to_owned())
}

fn constant_value(value: &toml::Value) -> Option<Value> {
    match value {
        toml::Value::String(text) => Some(Value::from(text.as_str())),
        toml::Value::Integer(number) => Some(Value::from(*number)),
        toml::Value::Boolean(flag) => Some(Value::from(*flag)),
        toml::Value::Float(number) => serde_json::Number::from_f64(*number).map(Value::Number),
        toml::Value::Array(values) => values.iter().map(constant_value).collect(),
        toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}
