//! What is wrong with a configuration.

use std::fmt;

use super::setting::Source;

/// One thing that is wrong: `setting = value (source): reason and mend`, on one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting}{value} ({source_layer}): {reason}", value = Assigned(.value.as_deref()))]
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

struct Assigned<'a>(Option<&'a str>);

impl fmt::Display for Assigned<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => Ok(()),
            Some(value) => write!(f, " = {value:?}"),
        }
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
