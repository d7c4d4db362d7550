//! Reading the vital signs of this process, for operators and for the ladder.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::runtime::Handle;

use super::jobs::Jobs;
use super::pressure;
use crate::cache::{Clock, SystemClock};
use crate::config::Config;
use crate::console::{self, Sources, Vitals, seconds_now};
use crate::http::{FlagAccess, Readiness, Views};
use crate::limits::RateLimits;
use crate::limits::overload::Overload;
use crate::products::catalog::Catalog;
use crate::slo::Slo;
use crate::telemetry::Requests;
use crate::telemetry::metrics::Exporter;
use crate::telemetry::traces::Tracer;

/// The history of the objectives, in the data directory.
const HISTORY: &str = "slo.json";

/// When everything that was committed had been heard of. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct CaughtUp(Arc<AtomicU64>);

impl Default for CaughtUp {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(SystemClock.now())))
    }
}

impl CaughtUp {
    /// It has, now.
    pub(super) fn now(&self) {
        self.0.store(SystemClock.now(), Ordering::Relaxed);
    }
}

/// Reads in the background, for as long as the runtime lives, and has the ladder look at what was read.
#[expect(clippy::too_many_arguments, reason = "it looks at everything there is")]
pub(super) fn start(
    config: &Config,
    catalog: &Catalog,
    limits: &RateLimits,
    flags: &FlagAccess,
    jobs: &Jobs,
    readiness: &Readiness,
    overload: &Overload,
    caught_up: CaughtUp,
    tracer: Option<&Tracer>,
    background: &Handle,
) -> Views {
    let history = config.server.data_dir.join(HISTORY);
    let slo = Slo::open(config.slo.objectives, Some(&history), seconds_now());
    let requests = Requests::default();
    let jobs = jobs.view();
    let readiness = readiness.clone();
    let vitals = Vitals::new(
        Sources {
            catalog: catalog.clone(),
            requests: requests.clone(),
            tracer: tracer.cloned(),
            limits: limits.clone(),
            overload: overload.clone(),
            flags: flags.flags.clone(),
            queue: jobs.queue.clone(),
            job_counters: Arc::clone(&jobs.counters),
            slo,
            not_ready: Box::new(move || readiness.refusal()),
        },
        caught_up.0,
    );
    background.spawn(vitals.clone().watch());
    let watched = overload.clone();
    pressure::start(
        config,
        catalog,
        flags,
        move || watched.pressure(),
        &vitals,
        background,
    );
    Views {
        jobs,
        requests,
        tracer: tracer.cloned(),
        vitals,
    }
}

/// Tells the collector the metrics, where there is one.
pub(super) fn export(config: &Config, vitals: &Vitals) -> io::Result<Option<Exporter>> {
    let (traces, node) = (&config.telemetry.traces, super::node_name());
    let read = {
        let vitals = vitals.clone();
        move || console::message(&vitals.read(), vitals.started())
    };
    Exporter::start(traces, &node, vitals.exports().clone(), read)
}
