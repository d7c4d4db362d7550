//! Reads a node: what is cheap when somebody asks, what needs the database once a second.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::audit::Audit;
use super::board::Board;
use super::process::{Process, since_1970};
use super::readings::{JobsSeen, Readings};
use super::snapshot::Artist;
use super::trouble::{Trouble, troubles};
use crate::cache::{Clock, SystemClock};
use crate::flags::{Flags, pressure};
use crate::jobs::{Counters, Queue};
use crate::limits::RateLimits;
use crate::limits::overload::Overload;
use crate::products::catalog::Catalog;
use crate::slo::{Events, Slo};
use crate::telemetry::metrics::ExportCounts;
use crate::telemetry::traces::Tracer;
use crate::telemetry::{Requests, dropped_lines};

/// From one look to the next.
const PERIOD: Duration = Duration::from_secs(1);
/// Within that so many looks at whether something else is lost than is shown: that does not wait until the second is over.
const GLANCES: u32 = 4;
/// How long the catalogue may take for an answer to a look, which is later as good as none, and from one to the next.
const PATIENCE: Duration = Duration::from_millis(600);
const PAUSE: Duration = Duration::from_millis(300);
/// A look at the queue may take one part in so many of the time between two: one at a hundred thousand jobs takes long.
const LOOKING_PART: u32 = 20;
/// How often the history of the objectives is written down.
const SAVE_EVERY: Duration = Duration::from_mins(1);

/// What is read.
pub struct Sources {
    /// Caches and store.
    pub catalog: Catalog,
    /// Requests.
    pub requests: Requests,
    /// Where something is traced.
    pub tracer: Option<Tracer>,
    /// Rate limits.
    pub limits: RateLimits,
    /// Limits that are found while the program runs.
    pub overload: Overload,
    /// Flags.
    pub flags: Flags,
    /// The queue.
    pub queue: Queue,
    /// Set once this process does jobs.
    pub job_counters: Arc<OnceLock<Counters>>,
    /// Objectives.
    pub slo: Slo,
    /// Why the process wants no traffic.
    pub not_ready: Box<dyn Fn() -> Option<&'static str> + Send + Sync>,
}

/// The vital signs of a node. Clones share them.
#[derive(Clone)]
pub struct Vitals(Arc<Inner>);

struct Inner {
    sources: Sources,
    board: Board,
    audit: Audit,
    started: SystemTime,
    /// When everything that was committed had been heard of, on the clock that never goes back.
    caught_up: Arc<AtomicU64>,
    jobs: Mutex<JobsSeen>,
    catalog_answers: AtomicBool,
    pressure: Mutex<Option<pressure::Readings>>,
    exports: ExportCounts,
}

impl Vitals {
    /// Nothing is read before [`Vitals::watch`] or a question. `caught_up` is when the tail had heard of everything, in
    /// milliseconds of [`SystemClock`].
    pub fn new(sources: Sources, caught_up: Arc<AtomicU64>) -> Self {
        Self(Arc::new(Inner {
            sources,
            board: Board::default(),
            audit: Audit::default(),
            started: SystemTime::now(),
            caught_up,
            jobs: Mutex::default(),
            catalog_answers: AtomicBool::new(true),
            pressure: Mutex::default(),
            exports: ExportCounts::default(),
        }))
    }

    /// What pages of the console are told.
    pub fn board(&self) -> &Board {
        &self.0.board
    }

    /// What operators did.
    pub fn audit(&self) -> &Audit {
        &self.0.audit
    }

    /// The objectives.
    pub fn slo(&self) -> &Slo {
        &self.0.sources.slo
    }

    /// For whoever tells a collector the metrics.
    pub fn exports(&self) -> &ExportCounts {
        &self.0.exports
    }

    /// When the process was started, in seconds since 1970.
    pub fn started(&self) -> f64 {
        since_1970(self.0.started)
    }

    /// Takes note of what the ladder looked at.
    pub fn note_pressure(&self, readings: pressure::Readings) {
        *lock(&self.0.pressure) = Some(readings);
    }

    /// Everything, as of now. Waits for nobody.
    pub fn read(&self) -> Readings {
        let inner = &*self.0;
        let sources = &inner.sources;
        let trouble = sources.flags.trouble();
        let now = trouble.now().into_iter();
        let caught_up = inner.caught_up.load(Ordering::Relaxed);
        let counters = sources.job_counters.get();
        let job_counters = counters.map(Counters::read);
        let mut jobs = lock(&inner.jobs).clone();
        // A kind of which there are no jobs is one at zero.
        jobs.know(
            job_counters
                .iter()
                .flat_map(|counters| counters.keys().copied()),
        );
        Readings {
            at: Instant::now(),
            time: SystemTime::now(),
            requests: sources.requests.read(),
            cache: sources.catalog.cache_status(),
            redis_trouble: sources.catalog.l2_trouble(),
            lacks: sources.catalog.store_lacks(),
            servers: sources.catalog.store_servers(),
            catalog_answers: inner.catalog_answers.load(Ordering::Relaxed),
            tail_lag: Duration::from_millis(SystemClock.now().saturating_sub(caught_up)),
            limits: sources.limits.standing(),
            overload: sources.overload.signals(),
            retries: sources.catalog.retries(),
            flags: sources.flags.in_force(),
            features: sources.flags.features().now(),
            flag_trouble: (
                now.map(|(place, what)| (place.name(), what)).collect(),
                trouble.count(),
            ),
            pressure: *lock(&inner.pressure),
            jobs,
            job_counters,
            jobs_retaken: counters.map(Counters::retaken).unwrap_or_default(),
            slo: sources.slo.status(),
            process: Process::read().unwrap_or_default(),
            not_ready: (sources.not_ready)(),
            dropped_lines: dropped_lines(),
            spans: sources
                .tracer
                .as_ref()
                .map(Tracer::counts)
                .unwrap_or_default(),
            exports: inner.exports.clone(),
            clients: inner.board.clients(),
        }
    }

    /// Looks for as long as it is polled: feeds the objectives once a second, and draws what pages are shown.
    pub async fn watch(self) {
        tokio::join!(self.look_at_catalog(), self.look_at_jobs(), self.draw());
    }

    async fn draw(&self) {
        let mut ticks = interval(PERIOD / GLANCES);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut artist = Artist::new(self.started());
        let mut saved = Instant::now();
        let mut shown = Vec::new();
        for glance in (0..GLANCES).cycle() {
            ticks.tick().await;
            let is_due = glance == 0;
            if is_due {
                self.observe();
            }
            let now = self.read();
            let lost: Vec<_> = troubles(&now).iter().map(Trouble::kind).collect();
            if !is_due && lost == shown {
                continue;
            }
            shown = lost;
            let hottest = self.0.sources.catalog.hottest_products(HOTTEST);
            let (drawn, point) = artist.draw(&now, &hottest, &self.0.audit.recent());
            self.0.board.show(drawn);
            if !is_due {
                continue;
            }
            artist.remember(now, point);
            if saved.elapsed() >= SAVE_EVERY {
                saved = Instant::now();
                let slo = self.slo().clone();
                // One at a time: the next look is after it.
                let _ = tokio::task::spawn_blocking(move || slo.save()).await;
            }
        }
    }

    /// Has the objectives count what happened so far.
    pub fn observe(&self) {
        let sources = &self.0.sources;
        let counted = Events::count(&sources.requests.read(), sources.slo.objectives().fast);
        sources.slo.observe(seconds_now(), counted);
    }

    /// Asks the catalogue whether it is there. What is lost is to be on the page within two seconds.
    async fn look_at_catalog(&self) {
        loop {
            let answers = self.0.sources.catalog.is_ready();
            let answers = timeout(PATIENCE, answers).await.unwrap_or(false);
            self.0.catalog_answers.store(answers, Ordering::Relaxed);
            sleep(PAUSE).await;
        }
    }

    async fn look_at_jobs(&self) {
        loop {
            let began = Instant::now();
            let stats = timeout(PERIOD, self.0.sources.queue.store().stats()).await;
            let took = began.elapsed();
            let pause = match &stats {
                Ok(Ok(_)) => PERIOD.max(took * LOOKING_PART),
                // One that failed is no work for the database, and what comes back is to be seen soon.
                _ => PERIOD,
            };
            {
                let mut jobs = lock(&self.0.jobs);
                match stats {
                    Ok(Ok(kinds)) => *jobs = JobsSeen { kinds, error: None },
                    // What was seen last is better than nothing, and it is said that it is old.
                    Ok(Err(error)) => jobs.error = Some(error.to_string()),
                    Err(_) => jobs.error = Some("the queue gives no answer".to_owned()),
                }
            }
            sleep(pause.saturating_sub(took)).await;
        }
    }
}

/// Products that are named as read most.
const HOTTEST: usize = 8;

/// Seconds since 1970, by the clock of the machine.
pub(crate) fn seconds_now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Vitals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vitals")
            .field("slo", self.slo())
            .finish_non_exhaustive()
    }
}
