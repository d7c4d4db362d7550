//! `[limits]`: what a request may take, and how many there may be.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::reader::Reader;
use super::redis::RedisConfig;
use super::units::ByteSize;
use crate::limits::{Policy, ReplaceError, check_counting};

/// How much and how long.
#[derive(Debug, Clone)]
pub struct LimitsConfig {
    /// Longest body of a write of one product.
    pub body: ByteSize,
    /// How long a write may wait for others.
    pub write_wait: Duration,
    /// Whether what goes behind the caches is limited to what can be done in time.
    pub overload: bool,
    /// How long a request may wait for its turn behind the caches while there is too much to do.
    pub queue_wait: Duration,
    /// How long a client waits that does not say.
    pub request_timeout: Duration,
    /// Rate limits.
    pub policies: Vec<Policy>,
    /// Memory for what is remembered of clients.
    pub memory: ByteSize,
    /// Whether answers say what a client has left.
    pub show_remaining: bool,
    /// Nodes that share what is counted in Redis.
    pub nodes: NonZeroUsize,
    /// How long a request waits for a count in Redis.
    pub redis_timeout: Duration,
}

impl LimitsConfig {
    pub(super) fn read(reader: &mut Reader<'_>, redis: &RedisConfig) -> Self {
        /// No product needs more, and each is in memory while it is written.
        const MOST: ByteSize = ByteSize::mib(64);
        /// Below this a few hundred clients fill it, above it a start takes long to clear it.
        const SMALLEST: ByteSize = ByteSize(64 << 10);
        const LARGEST: ByteSize = ByteSize::mib(4096);
        const MOST_NODES: usize = 1_000;

        let mut section = reader.section("limits");
        let config = Self {
            body: section.value(
                "body",
                ByteSize::mib(1),
                "longest body of a write of one product",
            ),
            write_wait: section.value(
                "write_wait",
                Duration::from_secs(2),
                "time a write waits for others, an import perhaps, before it is told to come back",
            ),
            overload: section.value(
                "overload",
                true,
                "whether more misses than can be answered in time are refused, the least important first",
            ),
            queue_wait: section.value(
                "queue_wait",
                Duration::from_millis(50),
                "wait for a turn behind the caches under overload; five times as long in a burst",
            ),
            request_timeout: section.value(
                "request_timeout",
                Duration::from_secs(10),
                "time for reading, where a request has no X-Request-Timeout",
            ),
            policies: section.policies(
                "policy",
                "rate limits, each a table [[limits.policy]]; none limits nobody",
            ),
            memory: section.value(
                "memory",
                ByteSize::mib(8),
                "memory for what is remembered of clients; those beyond it share one count",
            ),
            show_remaining: section.value(
                "show_remaining",
                true,
                "whether answers say what a client has left (RateLimit), or refusals alone",
            ),
            nodes: section.value(
                "nodes",
                NonZeroUsize::MIN,
                "nodes that share a limit; each allows its part while Redis gives no answer",
            ),
            redis_timeout: section.value(
                "redis_timeout",
                Duration::from_millis(10),
                "wait for a count in Redis before this node counts its part",
            ),
        };
        reader.require(
            (1..=MOST.0).contains(&config.body.0),
            "limits.body",
            "not from 1B to 64MiB; write a size such as 1MiB",
        );
        reader.require(
            !config.write_wait.is_zero(),
            "limits.write_wait",
            "no write can begin in no time; write a duration above 0, such as 2s",
        );
        reader.require(
            config.queue_wait >= Duration::from_millis(1),
            "limits.queue_wait",
            "nobody gets a turn in no time; write a duration from 1ms, such as 50ms",
        );
        reader.require(
            !config.request_timeout.is_zero(),
            "limits.request_timeout",
            "nothing can be read in no time; write a duration above 0, such as 10s",
        );
        reader.require(
            (SMALLEST..=LARGEST).contains(&config.memory),
            "limits.memory",
            "not from 64KiB to 4GiB; write a size such as 8MiB",
        );
        reader.require(
            config.nodes.get() <= MOST_NODES,
            "limits.nodes",
            "more than 1000 nodes; write how many share the limits",
        );
        reader.require(
            !config.redis_timeout.is_zero(),
            "limits.redis_timeout",
            "no answer can come in no time; write a duration above 0, such as 10ms",
        );
        if let Err(error @ ReplaceError::NoRedis(_)) =
            check_counting(&config.policies, redis.url.is_some())
        {
            reader.require(false, "limits.policy", &error.to_string());
        }
        config
    }
}
