//! A setting as `check` and `--help` show it.

use std::fmt;
use std::path::PathBuf;

use super::secret::MASK;
use super::sources::CREDENTIAL_PREFIX;

/// One setting in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Section of the TOML file, such as `server`.
    pub section: &'static str,
    /// Key within the section, such as `listen`.
    pub key: &'static str,
    /// The value in effect, written as the file would write it; secrets masked.
    pub value: String,
    /// The layer that `value` came from.
    pub source: Source,
    /// One line that says what the setting does.
    pub help: &'static str,
    /// Of what was said in whichever layer, so that two secrets which look the same when masked are told apart within one
    /// process; none where nothing was said.
    pub(super) fingerprint: Option<u64>,
}

impl Setting {
    /// Whether another reading of the same setting says something else.
    pub fn differs_from(&self, other: &Self) -> bool {
        // Two ways to write a value are one, unless something is masked: then what was written decides.
        let is_masked = self.value.contains(MASK);
        self.value != other.value || (is_masked && self.fingerprint != other.fingerprint)
    }

    /// `section.key`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.section, self.key)
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            section,
            key,
            value,
            source,
            ..
        } = self;
        write!(f, "{section}.{key} = {value} ({source})")
    }
}

/// Where a value came from, lowest layer first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nothing was said about it.
    Default,
    /// The TOML file.
    File {
        /// The file as it was named.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// A credential of the service manager, by the setting.
    Credential(String),
    /// An environment variable, by name.
    Variable(String),
    /// A command-line flag, with its dashes.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Credential(setting) => write!(f, "credential {CREDENTIAL_PREFIX}{setting}"),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}
