//! What a node has of a key, and what it did so far. Looking loads nothing.

use std::hash::Hash;

use super::{Count, ReadThrough};
use crate::cache::clock::Millis;
use crate::cache::l1::{Inspected, L1, Weigh};
use crate::cache::trace::Heard;

/// A node's view of a key.
#[derive(Debug, Clone)]
pub struct View<V> {
    /// What L1 has; `None` where it is switched off.
    pub l1: Option<Inspected<V>>,
    /// Whether the key is being loaded.
    pub is_loading: bool,
    /// What was heard of the key, the newest first, with the milliseconds since.
    pub heard: Vec<(Heard, Millis)>,
}

/// What happened so far, and what there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "said where they are shown")]
pub struct ReadCounts {
    pub fresh: u64,
    pub stale: u64,
    pub absent: u64,
    pub misses: u64,
    pub bypassed: u64,
    pub joined: u64,
    pub loads: u64,
    pub loads_failed: u64,
    pub refused: u64,
    pub invalidations: u64,
    pub loading: usize,
    pub values: usize,
    pub bytes: u64,
    pub bytes_allowed: u64,
    pub absences: usize,
}

impl<K, V> ReadThrough<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Weigh + Send + Sync + 'static,
{
    /// What there is of a key.
    pub fn inspect(&self, key: &K) -> View<V> {
        let now = self.shared.clock.now();
        let heard = self.shared.trace.of(key).into_iter();
        View {
            l1: self.shared.l1.as_ref().map(|l1| l1.inspect(key, now)),
            is_loading: self.shared.flights.is_under_way(key),
            heard: heard
                .map(|heard| (heard, now.saturating_sub(heard.at)))
                .collect(),
        }
    }

    /// What happened so far.
    pub fn counts(&self) -> ReadCounts {
        let counts = self.shared.tally.read();
        let count = |count: Count| counts[count as usize];
        let l1 = self.shared.l1.as_ref();
        let (bytes, bytes_allowed) = l1.map_or((0, 0), L1::weight);
        ReadCounts {
            fresh: count(Count::Fresh),
            stale: count(Count::Stale),
            absent: count(Count::Absent),
            misses: count(Count::Miss),
            bypassed: count(Count::Bypass),
            joined: count(Count::Joined),
            loads: count(Count::Load),
            loads_failed: count(Count::LoadFailed),
            refused: count(Count::Refused),
            invalidations: count(Count::Invalidation),
            loading: self.shared.flights.len(),
            values: l1.map_or(0, L1::len),
            bytes,
            bytes_allowed,
            absences: l1.map_or(0, L1::absences),
        }
    }
}
