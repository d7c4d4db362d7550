//! The configuration: one small struct for each concern, read from five layers and validated as a whole
//! before anything binds.
//!
//! Later layers win: defaults, the TOML file, credentials of the service manager, variables named
//! `DOORBUSTER_<SECTION>_<KEY>`, flags. A new setting is one line in its struct's `read`: key, default
//! and help text, which `check`, the long `--help` and the errors take from there. Nothing here touches
//! the process environment or the file system: [`Sources`] carries what was found there.

mod cache;
mod catalog;
mod cors;
mod edge;
mod error;
mod file;
mod flags;
mod imports;
mod jobs;
mod limits;
mod mail;
mod node_url;
mod percent;
mod policies;
mod reader;
mod redis;
mod redis_url;
mod reviews;
mod secret;
mod server;
mod setting;
mod slo;
mod sources;
mod telemetry;
#[cfg(test)]
mod tests;
mod traces;
mod units;
mod unknown;
mod value;
mod webhooks;

pub use cache::CacheConfig;
pub use catalog::{CatalogConfig, CatalogUrl, PostgresUrl};
pub use cors::CorsOrigin;
pub use edge::EdgeConfig;
pub use error::{ConfigError, ConfigErrors};
pub use flags::FlagsConfig;
pub use imports::{ImportPrefix, ImportsConfig};
pub use jobs::JobsConfig;
pub use limits::LimitsConfig;
pub use mail::{MailAddress, MailConfig, MailUrl};
pub use node_url::NodeUrl;
pub use percent::Percent;
pub use redis::{RedisConfig, RedisTopology, RedisUrl};
pub use reviews::ReviewsConfig;
pub use secret::mask_password;
pub use server::ServerConfig;
pub use setting::{Setting, Source};
pub use slo::SloConfig;
pub use sources::{CREDENTIAL_PREFIX, ConfigFile, Flag, Sources, VARIABLE_PREFIX};
pub use telemetry::{AccessLog, LogFilter, LogFormat, TelemetryConfig};
pub use traces::{OtlpEndpoint, OtlpHeader, TracesConfig};
pub use units::{ByteSize, MAX_DURATION, format_duration, parse_duration};
pub use value::Value;
pub use webhooks::{WebhookSecret, WebhookUrl, WebhooksConfig};

use reader::Reader;

/// The whole configuration, valid in every field and across fields.
///
/// `Debug` shows no secret: types that may hold one mask it themselves.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[server]`
    pub server: ServerConfig,
    /// `[catalog]`
    pub catalog: CatalogConfig,
    /// `[cache]`
    pub cache: CacheConfig,
    /// `[redis]`
    pub redis: RedisConfig,
    /// `[limits]`
    pub limits: LimitsConfig,
    /// `[flags]`
    pub flags: FlagsConfig,
    /// `[jobs]`
    pub jobs: JobsConfig,
    /// `[reviews]`
    pub reviews: ReviewsConfig,
    /// `[webhooks]`
    pub webhooks: WebhooksConfig,
    /// `[edge]`
    pub edge: EdgeConfig,
    /// `[imports]`
    pub imports: ImportsConfig,
    /// `[mail]`
    pub mail: MailConfig,
    /// `[slo]`
    pub slo: SloConfig,
    /// `[telemetry]`
    pub telemetry: TelemetryConfig,
    settings: Vec<Setting>,
}

impl Config {
    /// Reads every setting from `sources`. The error lists everything that is wrong, not the first.
    pub fn load(sources: &Sources) -> Result<Self, ConfigErrors> {
        let mut reader = Reader::new(sources);
        let server = ServerConfig::read(&mut reader);
        let catalog = CatalogConfig::read(&mut reader, &server.data_dir);
        let cache = CacheConfig::read(&mut reader);
        let redis = RedisConfig::read(&mut reader);
        let limits = LimitsConfig::read(&mut reader, &redis);
        let flags = FlagsConfig::read(&mut reader, &server.data_dir);
        let jobs = JobsConfig::read(&mut reader);
        let reviews = ReviewsConfig::read(&mut reader);
        let webhooks = WebhooksConfig::read(&mut reader);
        let edge = EdgeConfig::read(&mut reader);
        let imports = ImportsConfig::read(&mut reader);
        let mail = MailConfig::read(&mut reader, &server.data_dir);
        let slo = SloConfig::read(&mut reader);
        let telemetry = TelemetryConfig::read(&mut reader);
        let settings = reader.finish()?;
        Ok(Self {
            server,
            catalog,
            cache,
            redis,
            limits,
            flags,
            jobs,
            reviews,
            webhooks,
            edge,
            imports,
            mail,
            slo,
            telemetry,
            settings,
        })
    }

    /// Every setting in the order of the sections, with its value in effect (secrets masked) and where
    /// that came from.
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }
}
