//! `[limits]`: what a request may take.

use std::time::Duration;

use super::reader::Reader;
use super::units::ByteSize;

/// How much and how long.
#[derive(Debug, Clone)]
pub struct LimitsConfig {
    /// Longest body of a write of one product.
    pub body: ByteSize,
    /// How long a write may wait for others.
    pub write_wait: Duration,
}

impl LimitsConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        /// No product needs more, and each is in memory while it is written.
        const MOST: ByteSize = ByteSize::mib(64);

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
        config
    }
}
