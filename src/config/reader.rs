//! Reads settings from the layers, remembers where each came from and collects what is wrong.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::error::{ConfigError, ConfigErrors};
use super::file::{FileLayer, RawValue};
use super::setting::{Setting, Source};
use super::sources::{STANDARD_VARIABLES, Sources, VARIABLE_PREFIX};
use super::value::Value;

/// Goes through all settings once. A value that cannot be read is noted as an error and replaced by
/// its default, so that the rest is checked as well.
pub(super) struct Reader<'a> {
    sources: &'a Sources,
    file: FileLayer,
    settings: Vec<Setting>,
    errors: Vec<ConfigError>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(sources: &'a Sources) -> Self {
        Self {
            sources,
            file: sources
                .file
                .as_ref()
                .map(FileLayer::parse)
                .unwrap_or_default(),
            settings: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Reads the settings of one section.
    pub(super) fn section(&mut self, name: &'static str) -> Section<'_, 'a> {
        Section { reader: self, name }
    }

    /// Notes an error against `setting` unless `holds`. A setting that already has one is let be.
    pub(super) fn require(&mut self, holds: bool, setting: &str, reason: &str) {
        if !holds && !self.is_wrong(setting) {
            self.refuse(setting, reason.to_owned());
        }
    }

    /// Notes an error against `setting` unless `holds` between it and `other`: what it is in relation
    /// to the other, and the mend.
    pub(super) fn require_between(
        &mut self,
        holds: bool,
        setting: &str,
        other: &str,
        relation: &str,
        mend: &str,
    ) {
        if !holds && !self.is_wrong(setting) && !self.is_wrong(other) {
            let other = self.find(other).map(Setting::to_string).unwrap_or_default();
            self.refuse(setting, format!("{relation} {other}; {mend}"));
        }
    }

    /// Ends the reading: every setting, or everything that is wrong, what nobody asked for included.
    pub(super) fn finish(mut self) -> Result<Vec<Setting>, ConfigErrors> {
        let mut errors = std::mem::take(&mut self.file.errors);
        errors.append(&mut self.errors);
        errors.extend(super::unknown::find(
            &self.settings,
            &self.file,
            self.sources,
        ));
        if errors.is_empty() {
            Ok(self.settings)
        } else {
            Err(ConfigErrors(errors))
        }
    }

    fn find(&self, name: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.name() == name)
    }

    fn is_wrong(&self, name: &str) -> bool {
        self.errors.iter().any(|error| error.setting == name)
    }

    fn refuse(&mut self, name: &str, reason: String) {
        let setting = self.find(name);
        let error = ConfigError {
            setting: name.to_owned(),
            value: setting.map(|setting| setting.value.clone()),
            source_layer: setting.map_or(Source::Default, |setting| setting.source.clone()),
            reason,
        };
        self.errors.push(error);
    }

    /// The highest layer that says something about a setting.
    fn find_raw(
        &self,
        section: &str,
        key: &str,
    ) -> Option<(Source, Result<RawValue, &'static str>)> {
        let name = format!("{section}.{key}");
        if let Some(flag) = self.sources.flags.iter().rfind(|flag| flag.setting == name) {
            return Some((
                Source::Flag(flag.flag),
                Ok(RawValue::Scalar(flag.value.clone())),
            ));
        }
        let standard = STANDARD_VARIABLES
            .iter()
            .filter(|(_, setting)| *setting == name);
        let standard = standard.map(|(variable, _)| (*variable).to_owned());
        for variable in [variable_name(section, key)].into_iter().chain(standard) {
            let Some(value) = self.sources.environment.get(&variable) else {
                continue;
            };
            let text = value
                .to_str()
                .ok_or("not valid UTF-8; write it as plain text");
            let raw = text.map(|text| RawValue::Scalar(text.to_owned()));
            return Some((Source::Variable(variable), raw));
        }
        if let Some(value) = self.sources.credentials.get(&name) {
            return Some((
                Source::Credential(name),
                Ok(RawValue::Scalar(value.clone())),
            ));
        }
        let mut entries = self.file.entries.iter();
        let entry = entries.find(|entry| entry.section == section && entry.key == key)?;
        Some((self.file.source(entry.line), Ok(entry.value.clone())))
    }
}

/// One section of the configuration while it is being read.
pub(super) struct Section<'r, 'a> {
    reader: &'r mut Reader<'a>,
    name: &'static str,
}

impl Section<'_, '_> {
    /// Reads a setting of one value.
    pub(super) fn value<T: Value>(
        &mut self,
        key: &'static str,
        default: T,
        help: &'static str,
    ) -> T {
        let read = |raw| match raw {
            RawValue::Scalar(text) => T::parse(&text).map_err(|reason| (Some(text), reason)),
            RawValue::List(_) => Err((None, "a list; write a single value".to_owned())),
            RawValue::Nested(_) => Err((None, "a table; write a single value".to_owned())),
        };
        self.setting(key, default, help, read, T::show, |text| {
            T::mask(text).into_owned()
        })
    }

    /// Reads a setting of one or more values, separated by commas or written as a TOML list.
    pub(super) fn list<T: Value>(
        &mut self,
        key: &'static str,
        default: Vec<T>,
        help: &'static str,
    ) -> Vec<T> {
        let parse = |text: String| T::parse(&text).map_err(|reason| (Some(text), reason));
        let read = |raw| match raw {
            RawValue::Scalar(text) => text
                .split(',')
                .map(|item| parse(item.trim().to_owned()))
                .collect(),
            RawValue::List(items) if items.is_empty() => {
                Err((None, "an empty list; write at least one value".to_owned()))
            }
            RawValue::List(items) => items.into_iter().map(parse).collect(),
            RawValue::Nested(_) => Err((None, "not a list of plain values".to_owned())),
        };
        let show = |values: &Vec<T>| {
            let shown: Vec<_> = values.iter().map(T::show).collect();
            shown.join(",")
        };
        self.setting(key, default, help, read, show, |text| {
            T::mask(text).into_owned()
        })
    }

    /// Reads a setting of several values or none, for which the word is `none`.
    pub(super) fn optional_list<T: Value>(
        &mut self,
        key: &'static str,
        help: &'static str,
    ) -> Vec<T> {
        const NONE: &str = "none";

        // A secret with a comma in it can be masked in the whole alone.
        let parse = |item: &str, whole: &str| {
            T::parse(item.trim()).map_err(|reason| (Some(whole.to_owned()), reason))
        };
        let read = |raw| match raw {
            RawValue::Scalar(text) if text == NONE => Ok(Vec::new()),
            RawValue::Scalar(text) => text.split(',').map(|item| parse(item, &text)).collect(),
            RawValue::List(items) => items.iter().map(|item| parse(item, item)).collect(),
            RawValue::Nested(_) => Err((None, "not a list of plain values".to_owned())),
        };
        let show = |values: &Vec<T>| match values.as_slice() {
            [] => NONE.to_owned(),
            values => values.iter().map(T::show).collect::<Vec<_>>().join(","),
        };
        self.setting(key, Vec::new(), help, read, show, |text| {
            T::mask(text).into_owned()
        })
    }

    /// Reads a setting of whatever form.
    pub(super) fn setting<T>(
        &mut self,
        key: &'static str,
        default: T,
        help: &'static str,
        read: impl FnOnce(RawValue) -> Result<T, (Option<String>, String)>,
        show: impl FnOnce(&T) -> String,
        mask: impl FnOnce(&str) -> String,
    ) -> T {
        let section = self.name;
        let (source, raw) = match self.reader.find_raw(section, key) {
            Some((source, raw)) => (source, Some(raw)),
            None => (Source::Default, None),
        };
        let fingerprint = raw.as_ref().map(|raw| {
            let mut hasher = DefaultHasher::new();
            raw.hash(&mut hasher);
            hasher.finish()
        });
        let outcome = raw.map(|raw| {
            raw.map_err(|reason| (None, reason.to_owned()))
                .and_then(read)
        });
        let value = match outcome {
            None => default,
            Some(Ok(value)) => value,
            Some(Err((text, reason))) => {
                self.reader.errors.push(ConfigError {
                    setting: format!("{section}.{key}"),
                    value: text.map(|text| mask(&text)),
                    source_layer: source.clone(),
                    reason,
                });
                default
            }
        };
        self.reader.settings.push(Setting {
            section,
            key,
            value: show(&value),
            source,
            help,
            fingerprint,
        });
        value
    }
}

/// The environment variable of a setting.
pub(super) fn variable_name(section: &str, key: &str) -> String {
    format!("{VARIABLE_PREFIX}{section}_{key}").to_ascii_uppercase()
}
