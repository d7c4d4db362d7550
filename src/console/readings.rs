//! Everything that is read of a node at one moment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::process::Process;
use crate::db::ServerStanding;
use crate::flags::pressure;
use crate::flags::{Deviations, Layer, Snapshot};
use crate::jobs::{KindCounters, KindStats, Retaken};
use crate::limits::Standing;
use crate::limits::overload::{RetryCounts, Signals};
use crate::products::catalog::status::CacheStatus;
use crate::products::store::Lacks;
use crate::slo::Status;
use crate::telemetry::metrics::ExportCounts;
use crate::telemetry::traces::SpanCounts;
use crate::telemetry::{Route, RouteCounts};

/// The queue, as it was last looked at.
#[derive(Debug, Clone, Default)]
pub struct JobsSeen {
    /// By kind.
    pub kinds: Vec<KindStats>,
    /// Why it could not be looked at.
    pub error: Option<String>,
}

impl JobsSeen {
    /// Adds those of these kinds of which nothing is kept.
    pub(super) fn know<'k>(&mut self, kinds: impl Iterator<Item = &'k str>) {
        for kind in kinds {
            if !self.kinds.iter().any(|stats| stats.kind == kind) {
                self.kinds.push(KindStats {
                    kind: kind.to_owned(),
                    ..KindStats::default()
                });
            }
        }
        self.kinds.sort_by(|one, other| one.kind.cmp(&other.kind));
    }
}

/// A node at one moment. Numbers are counted from the start of the process.
#[derive(Debug, Clone)]
pub struct Readings {
    /// When.
    pub at: Instant,
    /// When, for people.
    pub time: SystemTime,
    /// Requests, in the order of [`Route::ALL`].
    pub requests: [RouteCounts; Route::ALL.len()],
    /// The caches.
    pub cache: CacheStatus,
    /// Why Redis is not used, where it should be.
    pub redis_trouble: Option<&'static str>,
    /// What the store has to do without.
    pub lacks: Lacks,
    /// Its servers.
    pub servers: Vec<ServerStanding>,
    /// Whether the catalogue answered when it was asked last.
    pub catalog_answers: bool,
    /// Since when everything that was committed had been heard of.
    pub tail_lag: Duration,
    /// The rate limits.
    pub limits: Standing,
    /// The limits that are found while the program runs.
    pub overload: Signals,
    /// How many reads were tried again elsewhere; `None` where there is no other place.
    pub retries: Option<RetryCounts>,
    /// Flags in force.
    pub flags: Arc<Snapshot>,
    /// Features that are not as they are built to be.
    pub features: Deviations,
    /// What is wrong with the layers of the flags, and how often something was.
    pub flag_trouble: (Vec<(String, String)>, u64),
    /// What the ladder looked at last.
    pub pressure: Option<pressure::Readings>,
    /// The queue.
    pub jobs: JobsSeen,
    /// What this process did of it; `None` where it does no jobs.
    pub job_counters: Option<BTreeMap<&'static str, KindCounters>>,
    /// What this process took from workers that are gone.
    pub jobs_retaken: Retaken,
    /// The objectives.
    pub slo: Arc<Status>,
    /// The process.
    pub process: Process,
    /// Why it wants no traffic; `None` where it does.
    pub not_ready: Option<&'static str>,
    /// Lines of the log that were dropped.
    pub dropped_lines: u64,
    /// What became of spans of traces.
    pub spans: SpanCounts,
    /// What became of messages of metrics.
    pub exports: ExportCounts,
    /// Pages of the console that are open.
    pub clients: usize,
}

impl Readings {
    /// The features that are given up under pressure.
    pub(super) fn given_up(&self) -> impl Iterator<Item = &str> {
        let entries = self.flags.iter();
        let given_up = entries.filter(|(_, entry)| entry.layer == Layer::Pressure);
        given_up.map(|(key, _)| key)
    }
}
