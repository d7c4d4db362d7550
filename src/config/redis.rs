//! `[redis]`: the second tier of the cache, shared by all nodes.

use std::time::Duration;

use super::reader::Reader;
pub use super::redis_url::{RedisTopology, RedisUrl};

/// Which Redis, and how patient to be with it.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// Where it is; without one there is no second tier.
    pub url: Option<RedisUrl>,
    /// Begins all names there.
    pub prefix: String,
    /// How long anybody waits for it.
    pub timeout: Duration,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
}

impl RedisConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        /// Longer than this, names cost more memory than many a value.
        const LONGEST_PREFIX: usize = 64;

        let mut section = reader.section("redis");
        let config = Self {
            url: section.value(
                "url",
                None,
                "Redis as a cache that all nodes share, such as redis://cache:6379; none goes without",
            ),
            prefix: section.value(
                "prefix",
                "doorbuster:".to_owned(),
                "beginning of every key and channel there; one of its own for each catalogue",
            ),
            timeout: section.value(
                "timeout",
                Duration::from_millis(20),
                "wait for Redis before a request goes on without it",
            ),
            connect_timeout: section.value(
                "connect_timeout",
                Duration::from_secs(1),
                "wait for a connection to Redis, made in the background",
            ),
        };
        let is_prefix = (1..=LONGEST_PREFIX).contains(&config.prefix.len())
            && config
                .prefix
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"{}".contains(&byte));
        reader.require(
            is_prefix,
            "redis.prefix",
            "not from 1 to 64 visible ASCII characters without { and }; write a word, such as shop:",
        );
        reader.require(
            !config.timeout.is_zero(),
            "redis.timeout",
            "no answer can come in no time; write a duration above 0, such as 20ms",
        );
        reader.require(
            config.connect_timeout >= config.timeout,
            "redis.connect_timeout",
            "a connection takes longer than an answer; write a duration of at least redis.timeout, such as 1s",
        );
        config
    }
}
