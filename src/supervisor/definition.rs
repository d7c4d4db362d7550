//! What is to run, as a process file says it: TOML, with the ideas and names of PM2.

mod instances;
mod text;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use croner::Cron;
use serde::{Deserialize, Serialize};

use super::listen::Listen;
use crate::config::ByteSize;
pub use instances::Instances;

/// The beginnings of variables that the supervisor sets.
const RESERVED: [&str; 3] = ["LISTEN_", "NOTIFY_SOCKET", "WATCHDOG_"];

/// One program, and how it is kept running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// What it is called.
    pub name: String,
    /// The program; relative to `cwd` where it has a slash, else looked for in `PATH`.
    pub command: String,
    /// Its arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// Where it runs; the folder of the process file unless something is said.
    #[serde(default)]
    pub cwd: Option<PathBuf>,
    /// Sockets that all instances share.
    #[serde(default)]
    pub listen: Vec<Listen>,
    /// Sockets of which each instance has its own: the first one this address, the next one the next port.
    #[serde(default)]
    pub listen_each: Vec<Listen>,
    /// How many.
    #[serde(default)]
    pub instances: Instances,
    /// Whether it says over `NOTIFY_SOCKET` that it is ready. Else it is when it has run for `min_uptime`.
    #[serde(default = "yes")]
    pub wait_ready: bool,
    /// How long it may take to be ready.
    #[serde(default = "half_a_minute", with = "text")]
    pub listen_timeout: Duration,
    /// How long it may take to end before it is killed.
    #[serde(default = "half_a_minute", with = "text")]
    pub kill_timeout: Duration,
    /// How long without a sign of life (`WATCHDOG=1`) before it is killed.
    #[serde(default, with = "text::optional")]
    pub watchdog: Option<Duration>,
    /// Whether it is started again when it ends.
    #[serde(default = "yes")]
    pub autorestart: bool,
    /// An end before that counts as unstable.
    #[serde(default = "second", with = "text")]
    pub min_uptime: Duration,
    /// So many unstable ends in a row, and it is given up.
    #[serde(default = "sixteen")]
    pub max_restarts: u32,
    /// Before it is started again after an unstable end; half as long again each time, up to 15 s.
    #[serde(default = "tenth", with = "text")]
    pub exp_backoff_restart_delay: Duration,
    /// An instance that takes more memory is replaced.
    #[serde(default, with = "text::optional")]
    pub max_memory_restart: Option<ByteSize>,
    /// When all instances are replaced: five fields as `cron` knows them, in UTC.
    #[serde(default)]
    pub cron_restart: Option<String>,
    /// Where its standard output goes.
    #[serde(default)]
    pub out_file: Option<PathBuf>,
    /// Where its standard error goes.
    #[serde(default)]
    pub error_file: Option<PathBuf>,
    /// A log that is longer becomes `NAME.1`, and so on.
    #[serde(default = "ten_mebibytes", with = "text")]
    pub log_max_size: ByteSize,
    /// How many of those are kept.
    #[serde(default = "five")]
    pub log_keep: u32,
    /// Its environment, beside PATH and the like.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// More of it, by the name of an environment, for `--env NAME`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environments: BTreeMap<String, BTreeMap<String, String>>,
}

/// Every `[[process]]` of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessFile {
    /// In the order of the file.
    pub process: Vec<Definition>,
}

/// Why a process file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// It is not there, or not readable.
    #[error("cannot read {path}: {error}")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// It is no such file.
    #[error("{path}: {reason}")]
    Syntax {
        /// The file.
        path: String,
        /// Where, and what is wrong.
        reason: String,
    },
    /// What it says makes no sense.
    #[error("process {name}: {reason}")]
    Invalid {
        /// Which process.
        name: String,
        /// What is wrong, and the mend.
        reason: String,
    },
}

/// Reads a process file, with the overrides of one environment.
pub fn read_process_file(
    path: &Path,
    environment: Option<&str>,
) -> Result<Vec<Definition>, DefinitionError> {
    let shown = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| DefinitionError::Read {
        path: shown.clone(),
        error,
    })?;
    let file: ProcessFile = toml::from_str(&text).map_err(|error| DefinitionError::Syntax {
        path: shown,
        reason: error.to_string().trim_end().to_owned(),
    })?;
    let folder = std::path::absolute(path)
        .ok()
        .and_then(|path| Some(path.parent()?.to_owned()))
        .unwrap_or_default();
    let mut names = Vec::new();
    let mut definitions = Vec::new();
    for definition in file.process {
        let definition = definition.in_environment(environment)?.in_folder(&folder);
        definition.check(&names)?;
        names.push(definition.name.clone());
        definitions.push(definition);
    }
    Ok(definitions)
}

impl Definition {
    fn invalid(&self, reason: impl Into<String>) -> DefinitionError {
        DefinitionError::Invalid {
            name: self.name.clone(),
            reason: reason.into(),
        }
    }

    fn in_environment(mut self, name: Option<&str>) -> Result<Self, DefinitionError> {
        let mut environments = std::mem::take(&mut self.environments);
        if let Some(name) = name {
            // One that is said nothing of is as it is.
            let known: Vec<_> = environments.keys().cloned().collect();
            match environments.remove(name) {
                Some(overrides) => self.env.extend(overrides),
                None if known.is_empty() => {}
                None => {
                    let known = known.join(", ");
                    return Err(
                        self.invalid(format!("has no environment {name:?}; it has {known}"))
                    );
                }
            }
        }
        Ok(self)
    }

    fn in_folder(mut self, folder: &Path) -> Self {
        let cwd = self.cwd.unwrap_or_default();
        let cwd = folder.join(cwd);
        for file in [&mut self.out_file, &mut self.error_file] {
            *file = file.take().map(|file| cwd.join(file));
        }
        self.cwd = Some(cwd);
        self
    }

    fn check(&self, others: &[String]) -> Result<(), DefinitionError> {
        let is_name = !self.name.is_empty()
            && !self.name.starts_with('-')
            && self
                .name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if !is_name || self.name == "all" {
            return Err(self.invalid("name it with letters, digits, - and _, and not all"));
        }
        if others.contains(&self.name) {
            return Err(self.invalid("there are two of that name"));
        }
        if self.command.is_empty() {
            return Err(self.invalid("no command; write the program to run"));
        }
        if let Some(pattern) = &self.cron_restart {
            Cron::from_str(pattern)
                .map_err(|error| self.invalid(format!("cron_restart = {pattern:?}: {error}")))?;
        }
        let reserved = self
            .env
            .keys()
            .find(|name| RESERVED.iter().any(|beginning| name.starts_with(beginning)));
        if let Some(name) = reserved {
            return Err(self.invalid(format!("env.{name} is the supervisor's to set")));
        }
        Ok(())
    }
}

fn yes() -> bool {
    true
}

fn half_a_minute() -> Duration {
    Duration::from_secs(30)
}

fn second() -> Duration {
    Duration::from_secs(1)
}

fn tenth() -> Duration {
    Duration::from_millis(100)
}

fn sixteen() -> u32 {
    16
}

fn five() -> u32 {
    5
}

fn ten_mebibytes() -> ByteSize {
    ByteSize::mib(10)
}

#[cfg(test)]
mod tests;
