//! The rate limits, as the configuration has them.

use std::num::NonZeroU32;

use tokio::runtime::Handle;

use super::second_tier;
use crate::config::Config;
use crate::limits::{RateLimits, RateOptions, SharedOptions};

pub(super) fn start(config: &Config, background: &Handle) -> RateLimits {
    let limits = &config.limits;
    let shared = config.redis.url.as_ref().map(|url| SharedOptions {
        server: second_tier::server(url),
        prefix: config.redis.prefix.clone(),
        patience: limits.redis_timeout,
    });
    let options = RateOptions {
        policies: limits.policies.clone(),
        memory: limits.memory.0,
        shows_always: limits.show_remaining,
        nodes: NonZeroU32::try_from(limits.nodes).unwrap_or(NonZeroU32::MAX),
        shared,
    };
    RateLimits::new(options, background)
}
