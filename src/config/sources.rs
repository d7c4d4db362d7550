//! What the process was told, before anybody interprets it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// How the names of our environment variables begin.
pub const VARIABLE_PREFIX: &str = "DOORBUSTER_";

/// Variables of OpenTelemetry that say the same as a setting, for where ours says nothing.
pub(super) const STANDARD_VARIABLES: [(&str, &str); 3] = [
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "telemetry.otlp_endpoint"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "telemetry.otlp_headers"),
    ("OTEL_SERVICE_NAME", "telemetry.service_name"),
];

/// How the names of our credentials begin; the rest is a setting.
pub const CREDENTIAL_PREFIX: &str = "doorbuster.";

/// The layers above the defaults. Deliberately without `Debug`: values may be secret.
#[derive(Clone, Default)]
pub struct Sources {
    /// The TOML file, if one was named.
    pub file: Option<ConfigFile>,
    /// Where a service manager put secrets, a file for each (`$CREDENTIALS_DIRECTORY`, systemd.exec(5)).
    pub credentials_directory: Option<PathBuf>,
    /// What lies there, by the setting: `catalog.url` for the file `doorbuster.catalog.url`.
    pub credentials: BTreeMap<String, String>,
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
    /// Takes our variables out of an environment such as [`std::env::vars_os`], and the directory of credentials.
    #[must_use]
    pub fn with_environment(
        mut self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        let named = variables
            .into_iter()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        for (name, value) in named {
            let is_standard = STANDARD_VARIABLES.iter().any(|(it, _)| *it == name);
            // One that is empty is as good as none (OpenTelemetry, "Environment Variable Specification").
            if name.starts_with(VARIABLE_PREFIX) || is_standard && !value.is_empty() {
                self.environment.insert(name, value);
            } else if name == "CREDENTIALS_DIRECTORY" {
                self.credentials_directory = Some(value.into());
            }
        }
        self
    }
}
