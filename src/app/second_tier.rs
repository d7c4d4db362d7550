//! The second tier of the cache, as the configuration has it.

use std::time::Duration;

use tokio::runtime::Handle;

use crate::cache::l2::{self, RedisFacts, Server};
use crate::cache::{L2, L2Options};
use crate::config::{Config, RedisTopology, RedisUrl};
use crate::products::document::Document;

/// How long fences are kept in Redis, beside what a load may take and a copy of the store may be behind: not so long that
/// those of an import fill its memory.
const FENCE: Duration = Duration::from_mins(1);

/// Begins to connect to Redis, if one is configured.
pub fn connect(config: &Config, background: Handle) -> Option<L2<i64, Document>> {
    let redis = &config.redis;
    let url = redis.url.as_ref()?;
    let cache = &config.cache;
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let options = L2Options {
        prefix: redis.prefix.clone(),
        timeout: redis.timeout,
        connect_timeout: redis.connect_timeout,
        keep: millis(cache.fresh + cache.stale),
        fence: millis(FENCE + cache.hard_timeout + config.catalog.max_replica_lag),
        negative: millis(cache.negative),
        load_deadline: cache.hard_timeout,
    };
    Some(L2::connect(server(url), options, background))
}

/// Whether a Redis can be used, in a few words, or why not. Blocks.
pub fn redis_status(config: &Config, url: &RedisUrl) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no thread to ask it: {error}"))?;
    let limit = config.redis.connect_timeout;
    let described = runtime.block_on(l2::describe(&server(url), limit));
    described
        .map_err(|error| format!("{error}; serve will go on without it and keep trying to connect"))
}

/// Facts about a Redis, for the doctor. Blocks.
pub fn examine_redis(config: &Config, url: &RedisUrl) -> Result<RedisFacts, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no thread to ask it: {error}"))?;
    let server = server(url);
    let examining = l2::examine(&server, &config.redis.prefix, config.redis.connect_timeout);
    runtime
        .block_on(examining)
        .map_err(|error| error.to_string())
}

/// Where a Redis is, as whoever connects to it needs it.
pub(super) fn server(url: &RedisUrl) -> Server {
    // Fails where it has been done already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match url.topology().clone() {
        RedisTopology::Single(server) => Server::Single(server),
        RedisTopology::Sentinel {
            sentinels,
            service,
            data,
        } => Server::Sentinel {
            sentinels,
            service,
            data,
        },
        RedisTopology::Cluster(nodes) => Server::Cluster(nodes),
    }
}
