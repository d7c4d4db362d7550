//! What the process was told, before anybody interprets it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// How the names of our environment variables begin.
pub const VARIABLE_PREFIX: &str = "DOORBUSTER_";

/// The layers above the defaults. Deliberately without `Debug`: values may be secret.
#[derive(Clone, Default)]
pub struct Sources {
    /// The TOML file, if one was named.
    pub file: Option<ConfigFile>,
    /// Environment variables; those that do not begin with [`VARIABLE_PREFIX`] are ignored.
    pub environment: BTreeMap<String, OsString>,
    /// Flags that were given.
    pub flags: Vec<Flag>,
}

/// A configuration file that has been read.
#[derive(Clone)]
pub struct ConfigFile {
    /// As it was named; appears in errors and in `check`.
    pub path: PathBuf,
    /// Its content.
    pub text: String,
}

/// A command-line flag that sets a setting.
#[derive(Clone)]
pub struct Flag {
    /// With its dashes, such as `--listen`.
    pub flag: &'static str,
    /// The setting, such as `server.listen`.
    pub setting: &'static str,
    /// As it was given.
    pub value: String,
}

impl Sources {
    /// Takes our variables out of an environment such as [`std::env::vars_os`].
    #[must_use]
    pub fn with_environment(
        mut self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        self.environment = variables
            .into_iter()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| name.starts_with(VARIABLE_PREFIX))
            .collect();
        self
    }
}
