//! What is wrong with a configuration.

use std::fmt::{self, Write as _};

use super::setting::Source;

/// One thing that is wrong: `setting = value (source): reason and mend`, on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// `section.key`, or what stands where a setting should be.
    pub setting: String,
    /// The offending value with secrets masked; none where the setting itself is at fault.
    pub value: Option<String>,
    /// The layer that the value came from.
    pub source_layer: Source,
    /// What is wrong with it and how to mend it.
    pub reason: String,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = OneLine(f);
        line.write_str(&self.setting)?;
        if let Some(value) = &self.value {
            write!(line, " = {value:?}")?;
        }
        write!(line, " ({}): {}", self.source_layer, self.reason)
    }
}

/// Escapes control characters: a name or a path may hold a line break, and a terminal obeys others.
struct OneLine<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for OneLine<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|character| {
            if character.is_control() {
                write!(self.0, "{}", character.escape_default())
            } else {
                self.0.write_char(character)
            }
        })
    }
}

/// Everything that is wrong, one line each, in the order of the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", Lines(.0))]
pub struct ConfigErrors(pub Vec<ConfigError>);

struct Lines<'a>(&'a [ConfigError]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}
