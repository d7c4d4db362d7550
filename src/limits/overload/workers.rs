//! How late the threads are that answer requests.
//!
//! A timer on each of them asks to be woken every [`TICK`] and notes how much later it is: so long would a request have
//! waited for its turn. It costs nothing per request.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval};

/// From one look to the next.
const TICK: Duration = Duration::from_millis(50);
/// The kernel and the runtime wake a timer up to so late when nothing is to be done.
const IDLE_LATENESS: Duration = Duration::from_millis(2);
/// What is left of a lateness a tick later, in hundredths: half of it after 150 ms.
const FADING: u32 = 80;

/// All of them. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Workers {
    all: Arc<Mutex<Vec<Arc<Worker>>>>,
}

/// One of them.
#[derive(Debug)]
struct Worker {
    origin: Instant,
    /// The lateness shown, in microseconds.
    lag: AtomicU64,
    /// When its timer was last woken, in microseconds since the origin.
    seen: AtomicU64,
}

/// A worker, for operators.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct WorkerSignals {
    /// How late it is lately, in milliseconds.
    pub loop_lag_ms: f64,
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl Workers {
    /// Measures the thread that polls this, for as long as it is polled.
    pub async fn watch(&self) {
        let worker = Arc::new(Worker {
            origin: Instant::now(),
            lag: AtomicU64::new(0),
            seen: AtomicU64::new(0),
        });
        self.lock().push(Arc::clone(&worker));
        let _leaving = Leaving {
            workers: self,
            worker: &worker,
        };
        let mut timer = interval(TICK);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        timer.tick().await;
        let mut due = Instant::now() + TICK;
        loop {
            timer.tick().await;
            let now = Instant::now();
            let late = now.saturating_duration_since(due);
            due = now + TICK;
            worker.note(late.saturating_sub(IDLE_LATENESS), now);
        }
    }

    /// How late the latest of them is lately.
    #[must_use]
    pub fn loop_lag(&self) -> Duration {
        let now = Instant::now();
        let workers = self.lock();
        let lags = workers.iter().map(|worker| worker.lag(now));
        lags.max().unwrap_or_default()
    }

    /// Each of them.
    #[must_use]
    pub fn signals(&self) -> Vec<WorkerSignals> {
        let now = Instant::now();
        let workers = self.lock();
        let signals = workers.iter().map(|worker| WorkerSignals {
            loop_lag_ms: worker.lag(now).as_secs_f64() * 1_000.0,
        });
        signals.collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Worker>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Worker {
    fn note(&self, late: Duration, now: Instant) {
        let before = Duration::from_micros(self.lag.load(Ordering::Relaxed));
        let shown = late.max(before * FADING / 100);
        self.lag.store(micros(shown), Ordering::Relaxed);
        let seen = micros(now.saturating_duration_since(self.origin));
        self.seen.store(seen, Ordering::Relaxed);
    }

    /// One that is held up now has noted nothing yet.
    fn lag(&self, now: Instant) -> Duration {
        let noted = Duration::from_micros(self.lag.load(Ordering::Relaxed));
        let seen = Duration::from_micros(self.seen.load(Ordering::Relaxed));
        let since = now
            .saturating_duration_since(self.origin)
            .saturating_sub(seen);
        noted.max(since.saturating_sub(TICK + IDLE_LATENESS))
    }
}

/// Takes a worker out that ends.
struct Leaving<'w> {
    workers: &'w Workers,
    worker: &'w Arc<Worker>,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let mut workers = self.workers.lock();
        workers.retain(|worker| !Arc::ptr_eq(worker, self.worker));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_worker_that_is_held_up_is_seen_before_and_after_and_forgotten() {
        let workers = Workers::default();
        let watched = workers.clone();
        let watching = tokio::spawn(async move { watched.watch().await });
        while workers.signals().is_empty() {
            tokio::task::yield_now().await;
        }
        // This thread is the worker: holding it up is what is measured.
        let held = 6 * TICK;
        std::thread::sleep(held);
        let during = workers.loop_lag();
        assert!(during + TICK + IDLE_LATENESS >= held, "{during:?}");
        while workers.signals()[0].loop_lag_ms < 1.0 {
            tokio::task::yield_now().await;
        }
        watching.abort();
        assert!(watching.await.is_err());
        assert_eq!(workers.signals(), []);
        assert_eq!(workers.loop_lag(), Duration::ZERO);
    }

    #[test]
    fn a_lateness_fades() {
        let origin = Instant::now();
        let worker = Worker {
            origin,
            lag: AtomicU64::new(0),
            seen: AtomicU64::new(0),
        };
        let mut now = origin + TICK;
        worker.note(Duration::from_millis(100), now);
        assert_eq!(worker.lag(now), Duration::from_millis(100));
        for _ in 0..4 {
            now += TICK;
            worker.note(Duration::ZERO, now);
        }
        assert!(worker.lag(now) < Duration::from_millis(50));
        // Nothing is noted while it is held up.
        let later = now + Duration::from_secs(1);
        assert!(worker.lag(later) > Duration::from_millis(900));
    }
}
