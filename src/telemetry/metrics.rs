//! Every metric of the program: its name, unit, labels, how many values those can have, and what it tells. Nothing is
//! exposed that is not in this table, and `docs/metrics.md` is made of it.
//!
//! Names follow Prometheus: base units, `_total` for what only rises. A collector is told the same names by OTLP, so that
//! rules and dashboards fit, whichever way the numbers came.

mod exporter;
mod otlp;
mod text;

use std::fmt::{self, Display, Formatter, Write as _};

use super::histogram::Durations;
pub use exporter::{ExportCounts, Exporter};
pub use otlp::Message;
pub use text::{CONTENT_TYPE, Exposition};

/// What kind of number it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only rises, until the process ends.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Durations by bucket.
    Histogram,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A label, and what bounds its values.
#[derive(Debug, Clone, Copy)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// How many values there may be, in words.
    pub values: &'static str,
}

/// A metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name, with its unit.
    pub name: &'static str,
    /// What kind of number it is.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static [Label],
    /// What it tells, in one line.
    pub help: &'static str,
}

macro_rules! metrics {
    ($($constant:ident $kind:ident $name:literal [$($label:ident: $values:literal),*] $help:literal;)*) => {
        $(#[doc = $help]
        pub const $constant: Metric = Metric {
            name: $name,
            kind: Kind::$kind,
            labels: &[$(Label { name: stringify!($label), values: $values }),*],
            help: $help,
        };)*

        /// All of them, in the order of the exposition.
        pub const ALL: &[Metric] = &[$($constant),*];
    };
}

metrics! {
    BUILD_INFO Gauge "doorbuster_build_info" [version: "1", node: "1"]
        "1, with what runs here.";
    START_TIME Gauge "process_start_time_seconds" []
        "When the process was started, in seconds since 1970.";
    CPU Counter "process_cpu_seconds_total" []
        "Processor time that the process used.";
    MEMORY Gauge "process_resident_memory_bytes" []
        "Memory of the process that is in RAM.";
    OPEN_FILES Gauge "process_open_fds" []
        "Open files and connections of the process.";
    READY Gauge "doorbuster_ready" []
        "1 while the node wants traffic, 0 while it warms up, drains, or has no catalogue.";
    DEGRADED Gauge "doorbuster_degraded" [part: "6: primary, replicas, database, redis, limits, flags"]
        "1 while this part is not what it should be.";

    HTTP_REQUESTS Counter "doorbuster_http_requests_total" [route: "13, by the program", code: "7: 2xx, 3xx, 4xx, 429, 5xx, 503, cancelled"]
        "Requests to the public listener that ended. 4xx is without 429, 5xx without 503; cancelled: the client left.";
    HTTP_DURATION Histogram "doorbuster_http_request_duration_seconds" [route: "13, by the program"]
        "Time until the head of an answer (2xx, 3xx, 4xx but 429) was ready. Refusals and failures are not among them.";

    CACHE_LOOKUPS Counter "doorbuster_cache_lookups_total" [cache: "2: products, pages", result: "5: fresh, stale, absent, miss, bypass"]
        "Lookups in memory (L1). absent: it is known that there is nothing; bypass: the tier is switched off.";
    CACHE_LOADS Counter "doorbuster_cache_loads_total" [cache: "2: products, pages", result: "3: loaded, failed, refused"]
        "Loads into memory. refused: an invalidation overtook it, so it was not kept.";
    CACHE_JOINED Counter "doorbuster_cache_joined_total" [cache: "2: products, pages"]
        "Readers who waited for the load of another.";
    CACHE_INVALIDATIONS Counter "doorbuster_cache_invalidations_total" [cache: "2: products, pages"]
        "Words of new versions.";
    CACHE_ENTRIES Gauge "doorbuster_cache_entries" [cache: "2: products, pages"]
        "Values in memory.";
    CACHE_BYTES Gauge "doorbuster_cache_bytes" [cache: "2: products, pages"]
        "Bytes they take.";
    CACHE_BYTES_ALLOWED Gauge "doorbuster_cache_allowed_bytes" [cache: "2: products, pages"]
        "Bytes they may take.";

    REDIS_LOOKUPS Counter "doorbuster_redis_lookups_total" [result: "4: hit, lease, held, unanswered"]
        "Questions to Redis (L2). lease: the right to load; held: another node has it; unanswered: down, slow, not to be trusted.";
    REDIS_FILLS Counter "doorbuster_redis_fills_total" [result: "2: kept, refused"]
        "Values for Redis. refused: its fence forbade it, or the lease was gone.";
    REDIS_INVALIDATIONS Counter "doorbuster_redis_invalidations_total" [result: "2: taken, failed"]
        "Invalidations for Redis.";
    REDIS_BREAKER Gauge "doorbuster_redis_breaker_open" []
        "1 while Redis is not asked, since it gives no answers.";
    REDIS_TRUSTED Gauge "doorbuster_redis_used" []
        "1 while Redis answers and has been told of everything.";

    STORE_QUERIES Counter "doorbuster_store_queries_total" [result: "2: answered, failed"]
        "Queries for products that the caches asked the database.";
    STORE_PRODUCTS Counter "doorbuster_store_products_total" []
        "Products that those asked for.";
    DATABASE_READS Counter "doorbuster_database_reads_total" [server: "1 each configured", role: "2: primary, replica"]
        "Reads of any kind that a server of PostgreSQL answered.";
    DATABASE_IN_FLIGHT Gauge "doorbuster_database_reads_in_flight" [server: "1 each configured", role: "2: primary, replica"]
        "Reads that a server is at.";
    DATABASE_USED Gauge "doorbuster_database_server_used" [server: "1 each configured", role: "2: primary, replica"]
        "1 while the server is asked: a primary that answers, a replica that is not too far behind.";
    REPLICA_LAG Gauge "doorbuster_replica_lag_seconds" [server: "1 each configured"]
        "How long a replica has been lacking what the primary wrote; absent while it gives no answer.";
    TAIL_LAG Gauge "doorbuster_outbox_tail_lag_seconds" []
        "Time since everything that was committed had been heard of.";

    RATE_DECISIONS Counter "doorbuster_rate_limit_requests_total" [policy: "32 at most, by the configuration", decision: "6: allowed, limited, shadow, overflow, fallback, remembered"]
        "What became of requests, by the rate limits. limited: refused with 429; shadow: would have been.";
    RATE_CLIENTS Gauge "doorbuster_rate_limit_clients" []
        "Clients that are remembered.";

    OVERLOAD_LIMIT Gauge "doorbuster_overload_limit" [dependency: "by the program"]
        "Questions that a dependency is asked at once at most, as found while the program runs.";
    OVERLOAD_IN_FLIGHT Gauge "doorbuster_overload_in_flight" [dependency: "by the program"]
        "Questions that it is at.";
    OVERLOAD_WAITING Gauge "doorbuster_overload_waiting" [dependency: "by the program"]
        "Questions that wait for a place.";
    OVERLOAD_BREAKER Gauge "doorbuster_overload_breaker_open" [dependency: "by the program"]
        "1 while it is not asked, since it failed.";
    OVERLOAD_ASKED Counter "doorbuster_overload_questions_total" [dependency: "by the program", priority: "by the program", decision: "2: admitted, shed"]
        "Questions that asked for a place. shed: turned away, so that others go first.";
    LOOP_LAG Gauge "doorbuster_event_loop_lag_seconds" []
        "How late the latest of the threads is that answer requests.";
    RETRIES_REFUSED Counter "doorbuster_retries_refused_total" []
        "Reads that were not tried again elsewhere, since too many were.";

    LADDER_STEP Gauge "doorbuster_ladder_step" []
        "How many features are given up under pressure.";
    FEATURE_ON Gauge "doorbuster_feature_on" [feature: "by the program"]
        "1 while the feature is on.";
    FLAG_ERRORS Counter "doorbuster_flag_errors_total" []
        "How often something new was wrong with a layer of the flags.";

    JOBS Gauge "doorbuster_jobs" [kind: "64 at most", state: "4: ready, scheduled, running, dead"]
        "Jobs that are kept. dead: dead letters.";
    JOBS_OLDEST Gauge "doorbuster_jobs_oldest_ready_seconds" [kind: "64 at most"]
        "For how long the oldest job that is to be done now has waited.";
    JOBS_ENDED Counter "doorbuster_jobs_ended_total" [kind: "by the program", result: "5: done, failed, dead, lost, returned"]
        "Beginnings of jobs that ended, by this process. dead ones are among the failed.";
    JOBS_RUNNING_TIME Counter "doorbuster_jobs_run_seconds_total" [kind: "by the program"]
        "How long jobs took, all together, by this process.";
    JOBS_WAITING_TIME Counter "doorbuster_jobs_wait_seconds_total" [kind: "by the program"]
        "How long jobs were ready before they were begun, all together, by this process.";
    JOBS_RETAKEN Counter "doorbuster_jobs_retaken_total" []
        "Jobs that this process took from workers who said nothing for longer than their lease.";

    LOG_LINES_DROPPED Counter "doorbuster_log_lines_dropped_total" []
        "Lines of the log that were dropped because nobody took them.";
    TRACE_SPANS Counter "doorbuster_trace_spans_total" [result: "4: exported, queue_full, not_taken, trace_full"]
        "Spans of traces that are kept. All but exported are dropped: too many waited, the collector took them not, or a request had too many.";
    TRACES_OVER_RATE Counter "doorbuster_traces_over_rate_total" []
        "Traces that were not kept, since too many were beside the sample.";
    METRIC_EXPORTS Counter "doorbuster_metric_exports_total" [result: "2: taken, dropped"]
        "Messages of metrics for the collector. dropped: it did not take it, and the next one tells all of it.";

    SLO_OBJECTIVE Gauge "doorbuster_slo_objective_ratio" [slo: "3: availability, latency, errors"]
        "Which share of events has to be good.";
    SLO_EVENTS Counter "doorbuster_slo_events_total" [slo: "3: availability, latency, errors"]
        "Events that an objective counts, since the start of the process.";
    SLO_BAD_EVENTS Counter "doorbuster_slo_bad_events_total" [slo: "3: availability, latency, errors"]
        "Those that spent its budget.";
    SLO_BUDGET_LEFT Gauge "doorbuster_slo_error_budget_left_ratio" [slo: "3: availability, latency, errors"]
        "What is left of the budget of 30 days, of this node; below 0 where more was spent than there was.";
    SLO_BURN Gauge "doorbuster_slo_burn_rate" [slo: "3: availability, latency, errors", window: "8: 5m, 30m, 1h, 2h, 6h, 1d, 3d, 30d"]
        "How fast the budget is spent, of this node: at 1 it lasts for 30 days exactly.";
    SLO_FROZEN Gauge "doorbuster_slo_frozen" []
        "1 while a budget is gone, and risky flags may not be switched on.";

    CONSOLE_CLIENTS Gauge "doorbuster_console_clients" []
        "Pages of the console that are open.";
}

impl Metric {
    /// By UCUM, as OTLP has it: what its name ends with.
    fn unit(&self) -> &'static str {
        let name = self.name.strip_suffix("_total").unwrap_or(self.name);
        match name.rsplit('_').next() {
            Some("seconds") => "s",
            Some("bytes") => "By",
            _ => "1",
        }
    }
}

/// A number of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A count.
    Whole(u64),
    /// A measure.
    Real(f64),
}

impl Display for Number {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(f),
            Self::Real(number) => number.fmt(f),
        }
    }
}

impl From<u8> for Number {
    fn from(number: u8) -> Self {
        Self::Whole(number.into())
    }
}

impl From<u32> for Number {
    fn from(number: u32) -> Self {
        Self::Whole(number.into())
    }
}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        Self::Whole(number)
    }
}

impl From<usize> for Number {
    fn from(number: usize) -> Self {
        Self::Whole(number as u64)
    }
}

impl From<f64> for Number {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

/// Takes samples, metric by metric, in whatever form they are told.
pub trait Samples {
    /// Samples are of this metric from here on. Each is begun once.
    fn begin(&mut self, metric: &'static Metric) -> &mut Self;

    /// A sample, with the values of the labels in the order of the table.
    fn sample(&mut self, labels: &[&str], value: impl Into<Number>) -> &mut Self;

    /// A histogram.
    fn durations(&mut self, labels: &[&str], durations: &Durations) -> &mut Self;
}

/// Of nanoseconds: the number that is nearest, which prints as one expects.
#[expect(clippy::cast_precision_loss, reason = "bounds are small")]
pub fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

/// All metrics as a table in Markdown, which is the better part of `docs/metrics.md`.
pub fn table() -> String {
    let mut text =
        "| metric | kind | labels, and how many values | |\n|---|---|---|---|\n".to_owned();
    for metric in ALL {
        let labels = metric.labels.iter();
        let labels: Vec<_> = labels
            .map(|label| format!("`{}` ({})", label.name, label.values))
            .collect();
        let (name, kind) = (metric.name, metric.kind.name());
        let _ = writeln!(
            text,
            "| `{name}` | {kind} | {} | {} |",
            labels.join("; "),
            metric.help
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_say_their_kind_and_are_told_once() {
        let names: HashSet<_> = ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), ALL.len());
        for metric in ALL {
            let is_counter = metric.name.ends_with("_total");
            assert_eq!(is_counter, metric.kind == Kind::Counter, "{}", metric.name);
            assert!(metric.help.ends_with('.') && !metric.help.contains('|'));
        }
    }

    #[test]
    fn the_documentation_has_this_table() {
        let documentation = include_str!("../../docs/metrics.md");
        assert!(
            documentation.contains(&table()),
            "docs/metrics.md should have:\n{}",
            table()
        );
    }
}
