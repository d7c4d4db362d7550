//! Finds names that no setting has: most are typing errors, and a setting that silently does nothing is
//! found out on the wrong day.

use super::error::ConfigError;
use super::file::FileLayer;
use super::reader::variable_name;
use super::setting::{Setting, Source};
use super::sources::{Sources, VARIABLE_PREFIX};

/// Similarity from which on a name is worth suggesting (Jaro-Winkler, 1 is equal).
const SIMILAR: f64 = 0.8;

/// Every section, key, variable and flag that is not among `settings`.
pub(super) fn find(settings: &[Setting], file: &FileLayer, sources: &Sources) -> Vec<ConfigError> {
    let mut errors = unknown_in_file(settings, file);
    errors.extend(unknown_variables(settings, sources));
    errors.extend(unknown_credentials(settings, sources));
    errors.extend(unknown_flags(settings, sources));
    errors
}

fn unknown_in_file(settings: &[Setting], file: &FileLayer) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    let is_section = |name: &str| settings.iter().any(|setting| setting.section == name);
    for (name, line) in &file.sections {
        if !is_section(name) {
            let mut known: Vec<_> = settings.iter().map(|setting| setting.section).collect();
            known.dedup();
            let reason = unknown("section", name, &known);
            errors.push(error(format!("[{name}]"), file.source(*line), reason));
        }
    }
    for entry in file
        .entries
        .iter()
        .filter(|entry| is_section(&entry.section))
    {
        let keys = settings
            .iter()
            .filter(|setting| setting.section == entry.section);
        let known: Vec<_> = keys.map(|setting| setting.key).collect();
        if !known.contains(&entry.key.as_str()) {
            let elsewhere = settings.iter().find(|setting| setting.key == entry.key);
            let reason = match elsewhere {
                Some(setting) => format!("unknown setting; did you mean {}?", setting.name()),
                None => unknown("setting", &entry.key, &known),
            };
            let name = format!("{}.{}", entry.section, entry.key);
            errors.push(error(name, file.source(entry.line), reason));
        }
    }
    errors
}

fn unknown_variables(settings: &[Setting], sources: &Sources) -> Vec<ConfigError> {
    let known: Vec<String> = settings
        .iter()
        .map(|setting| variable_name(setting.section, setting.key))
        .collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let ours = sources
        .environment
        .keys()
        .filter(|name| name.starts_with(VARIABLE_PREFIX));
    ours.filter(|name| !known.contains(&name.as_str()))
        .map(|name| {
            let reason = unknown("variable", name, &known);
            error(
                name.clone(),
                Source::Variable("environment".to_owned()),
                reason,
            )
        })
        .collect()
}

fn unknown_credentials(settings: &[Setting], sources: &Sources) -> Vec<ConfigError> {
    let known: Vec<String> = settings.iter().map(Setting::name).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let names = sources.credentials.keys();
    names
        .filter(|name| !known.contains(&name.as_str()))
        .map(|name| {
            let reason = unknown("setting", name, &known);
            error(name.clone(), Source::Credential(name.clone()), reason)
        })
        .collect()
}

fn unknown_flags(settings: &[Setting], sources: &Sources) -> Vec<ConfigError> {
    let is_known = |name: &str| settings.iter().any(|setting| setting.name() == name);
    let flags = sources.flags.iter().filter(|flag| !is_known(flag.setting));
    flags
        .map(|flag| {
            let reason = "this flag sets no setting of this version".to_owned();
            error(flag.setting.to_owned(), Source::Flag(flag.flag), reason)
        })
        .collect()
}

fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let similar = known
        .iter()
        .map(|candidate| (similarity(name, candidate), candidate))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    match similar {
        Some((_, candidate)) => format!("unknown {what}; did you mean {candidate}?"),
        None => format!("unknown {what}; this version knows {}", known.join(", ")),
    }
}

/// Compares what follows the prefix that all variables share: it would make any two look alike.
fn similarity(one: &str, other: &str) -> f64 {
    let [one, other] =
        [one, other].map(|name| name.trim_start_matches(VARIABLE_PREFIX).to_lowercase());
    strsim::jaro_winkler(&one, &other)
}

fn error(setting: String, source_layer: Source, reason: String) -> ConfigError {
    ConfigError {
        setting,
        value: None,
        source_layer,
        reason,
    }
}
