//! `[jobs]`: what is done behind the requests, and how.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::reader::Reader;

/// How jobs are done.
#[derive(Debug, Clone)]
pub struct JobsConfig {
    /// Whether `serve` does jobs, too.
    pub serve: bool,
    /// Threads that do them.
    pub threads: NonZeroUsize,
    /// Connections to PostgreSQL for them.
    pub pool_size: NonZeroUsize,
    /// How long a worker may say nothing before its jobs are taken from it.
    pub lease: Duration,
    /// How often it is looked for jobs that nobody told of.
    pub poll: Duration,
    /// How long jobs may take that are being done when the process is to stop.
    pub drain: Duration,
    /// How long is remembered what was done.
    pub keep: Duration,
    /// How long dead letters are kept.
    pub keep_dead: Duration,
}

impl JobsConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        /// A heartbeat each third of it has to get through on a busy machine.
        const SHORTEST_LEASE: Duration = Duration::from_secs(1);

        let mut section = reader.section("jobs");
        let config = Self {
            serve: section.value(
                "serve",
                true,
                "whether serve does jobs, too; else doorbuster work does them",
            ),
            threads: section.value(
                "threads",
                NonZeroUsize::MIN,
                "threads for jobs, beside those for requests",
            ),
            pool_size: section.value(
                "pool_size",
                NonZeroUsize::MIN.saturating_add(3),
                "connections to PostgreSQL for jobs, beside those of the catalogue",
            ),
            lease: section.value(
                "lease",
                Duration::from_secs(30),
                "time after which a worker that says nothing is taken for dead; the same in all processes",
            ),
            poll: section.value(
                "poll",
                Duration::from_secs(1),
                "longest time until a job is seen that another process enqueued, or whose time has come",
            ),
            drain: section.value(
                "drain",
                Duration::from_secs(5),
                "time for jobs that are being done when the process is told to stop",
            ),
            keep: section.value(
                "keep",
                Duration::from_hours(24),
                "time for which is remembered what was done or cancelled",
            ),
            keep_dead: section.value(
                "keep_dead",
                Duration::from_hours(14 * 24),
                "time for which is kept what was given up",
            ),
        };
        reader.require(
            config.lease >= SHORTEST_LEASE,
            "jobs.lease",
            "too short to be extended in time; write a duration of at least 1s, such as 30s",
        );
        reader.require(
            !config.poll.is_zero(),
            "jobs.poll",
            "nobody can look all the time; write a duration above 0, such as 1s",
        );
        config
    }
}
