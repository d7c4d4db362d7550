//! The flags that set settings. Their values are not interpreted here: the configuration checks them
//! together with those of the other layers and names them all in one go.

use std::path::PathBuf;

use clap::Args;

use super::credentials;
use crate::config::{ConfigError, ConfigErrors, ConfigFile, Flag, Source, Sources};

// No doc comment: clap would take it for the description of the command. No `Debug`: a URL may hold a
// password.
#[expect(missing_docs, reason = "see above")]
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Configuration options")]
pub struct ConfigFlags {
    /// Read settings from this TOML file
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Keep everything that is written in this directory
    #[arg(long, value_name = "DIR", global = true)]
    pub data_dir: Option<String>,
    /// Use this catalogue, such as sqlite:shop.db
    #[arg(long, value_name = "URL", global = true)]
    pub catalog_url: Option<String>,
    #[arg(
        long,
        value_name = "URL",
        global = true,
        help = "Read from this replica of a catalogue in PostgreSQL, too; several with commas or by repeating the flag"
    )]
    pub replica_url: Vec<String>,
    #[arg(
        long,
        value_name = "URL",
        global = true,
        help = "Share a cache in this Redis, such as redis://cache:6379"
    )]
    pub redis_url: Option<String>,
}

impl ConfigFlags {
    /// Adds the flags that were given, the file that `--config` names, and credentials.
    pub fn add_to(&self, mut sources: Sources) -> Result<Sources, ConfigErrors> {
        if let Some(directory) = &sources.credentials_directory {
            sources.credentials = credentials::read(directory)?;
        }
        if let Some(path) = &self.config {
            sources.file = Some(read(path.clone())?);
        }
        sources.flags.extend(flag(
            "--data-dir",
            "server.data_dir",
            self.data_dir.as_ref(),
        ));
        sources.flags.extend(flag(
            "--catalog-url",
            "catalog.url",
            self.catalog_url.as_ref(),
        ));
        let replicas = (!self.replica_url.is_empty()).then(|| self.replica_url.join(","));
        sources
            .flags
            .extend(flag("--replica-url", "catalog.replicas", replicas.as_ref()));
        sources
            .flags
            .extend(flag("--redis-url", "redis.url", self.redis_url.as_ref()));
        Ok(sources)
    }
}

#[expect(missing_docs, reason = "as above")]
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Configuration options")]
pub struct ListenFlags {
    /// Listen on this address, such as 0.0.0.0:80; several with commas or by repeating the flag
    #[arg(long, value_name = "ADDR")]
    pub listen: Vec<String>,
    /// Listen for operators on this address
    #[arg(long, value_name = "ADDR")]
    pub admin_listen: Option<String>,
}

impl ListenFlags {
    /// Adds the flags that were given.
    pub fn add_to(&self, mut sources: Sources) -> Sources {
        let listen = (!self.listen.is_empty()).then(|| self.listen.join(","));
        sources
            .flags
            .extend(flag("--listen", "server.listen", listen.as_ref()));
        sources.flags.extend(flag(
            "--admin-listen",
            "server.admin_listen",
            self.admin_listen.as_ref(),
        ));
        sources
    }
}

fn flag(flag: &'static str, setting: &'static str, value: Option<&String>) -> Option<Flag> {
    value.map(|value| Flag {
        flag,
        setting,
        value: value.clone(),
    })
}

fn read(path: PathBuf) -> Result<ConfigFile, ConfigErrors> {
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(ConfigFile { path, text }),
        Err(error) => Err(ConfigErrors(vec![ConfigError {
            setting: "configuration file".to_owned(),
            value: Some(path.display().to_string()),
            source_layer: Source::Flag("--config"),
            reason: format!("cannot be read: {error}; name a TOML file that this user may read"),
        }])),
    }
}
