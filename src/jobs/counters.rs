//! What the workers of this process did, by kind.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

/// Counts since the start of the process. Times are sums, in microseconds.
#[derive(Debug, Default)]
struct Counts {
    begun: AtomicU64,
    done: AtomicU64,
    failed: AtomicU64,
    dead: AtomicU64,
    lost: AtomicU64,
    returned: AtomicU64,
    waited: AtomicU64,
    ran: AtomicU64,
}

/// What was done of a kind, by this process since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct KindCounters {
    /// Begun.
    pub begun: u64,
    /// Done.
    pub done: u64,
    /// Failed, to be begun again or not.
    pub failed: u64,
    /// Given up as dead letters.
    pub dead: u64,
    /// Whose lease was lost, to another worker perhaps.
    pub lost: u64,
    /// Given back when the process stopped.
    pub returned: u64,
    /// How long jobs were ready before they were begun, in milliseconds, all together.
    pub waited_ms: u64,
    /// How long they took, in milliseconds, all together.
    pub ran_ms: u64,
}

/// Jobs of any kind that this process took from workers who said nothing for longer than their lease.
#[derive(Debug, Clone, Copy, Default)]
pub struct Retaken {
    /// Since the start of the process.
    pub count: u64,
    /// When there was the last one.
    pub last: Option<Instant>,
}

/// The counters of all kinds. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Counters(Arc<All>);

#[derive(Debug, Default)]
struct All {
    kinds: BTreeMap<&'static str, Counts>,
    retaken: Mutex<Retaken>,
}

/// How a beginning ended, to be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    Done,
    Failed,
    Dead,
    Lost,
    Returned,
}

impl Counters {
    pub(super) fn of(kinds: impl Iterator<Item = &'static str>) -> Self {
        Self(Arc::new(All {
            kinds: kinds.map(|kind| (kind, Counts::default())).collect(),
            retaken: Mutex::default(),
        }))
    }

    pub(super) fn begun(&self, kind: &str, waited: u64) {
        if let Some(counts) = self.0.kinds.get(kind) {
            counts.begun.fetch_add(1, Ordering::Relaxed);
            counts
                .waited
                .fetch_add(waited.saturating_mul(1_000), Ordering::Relaxed);
        }
    }

    pub(super) fn ended(&self, kind: &str, how: Counted, ran: Duration) {
        let Some(counts) = self.0.kinds.get(kind) else {
            return;
        };
        let ran = u64::try_from(ran.as_micros()).unwrap_or(u64::MAX);
        counts.ran.fetch_add(ran, Ordering::Relaxed);
        if how == Counted::Dead {
            counts.failed.fetch_add(1, Ordering::Relaxed);
        }
        let counter = match how {
            Counted::Done => &counts.done,
            Counted::Failed => &counts.failed,
            Counted::Dead => &counts.dead,
            Counted::Lost => &counts.lost,
            Counted::Returned => &counts.returned,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// As they stand, by kind.
    pub fn read(&self) -> BTreeMap<&'static str, KindCounters> {
        let read = |counts: &Counts| {
            let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
            KindCounters {
                begun: get(&counts.begun),
                done: get(&counts.done),
                failed: get(&counts.failed),
                dead: get(&counts.dead),
                lost: get(&counts.lost),
                returned: get(&counts.returned),
                waited_ms: get(&counts.waited) / 1_000,
                ran_ms: get(&counts.ran) / 1_000,
            }
        };
        let kinds = self.0.kinds.iter();
        kinds.map(|(kind, counts)| (*kind, read(counts))).collect()
    }

    pub(super) fn took(&self, jobs: u64) {
        let mut retaken = self
            .0
            .retaken
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        retaken.count += jobs;
        retaken.last = Some(Instant::now());
    }

    /// What was taken from workers that are gone.
    pub fn retaken(&self) -> Retaken {
        *self
            .0
            .retaken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
