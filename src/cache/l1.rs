//! The first tier: values in this process's memory, ready to be sent.

use std::hash::{BuildHasher, Hash, RandomState};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::clock::{Millis, jittered};
use super::fence::Fences;
use super::sync::{AtomicU64, Ordering};
pub use inspect::{EpochParts, Inspected, Kept, Standing};
pub use purge::Depth;

mod inspect;
mod purge;

/// What `quick_cache` and the allocator add to a value, measured over a million entries
/// (`examples/l1_memory.rs`); charged to each entry so that the byte budget is about real memory.
pub(super) const ENTRY_OVERHEAD: u64 = 200;

/// What the tier asks of a value.
pub trait Weigh {
    /// Bytes on the heap.
    fn weight(&self) -> usize;

    /// Takes over from `kept`, which this value is about to replace, what was derived from it and holds
    /// for this one as well. By default nothing is derived.
    fn inherit(&mut self, _kept: &Self) {}

    /// How long this value may be served, where that is its own affair. By default the tier's times hold.
    fn lifetime(&self) -> Option<Lifetime> {
        None
    }
}

/// The lifetime of a value that was true at a time and is promised to be no older than a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// When what it says was read, on the tier's clock.
    pub since: Millis,
    /// How long after that it is served without a look at the store, jittered as the tier's own.
    pub fresh: Millis,
    /// How long after that it is still served while it is refreshed. No jitter moves the end.
    pub stale: Millis,
}

impl Lifetime {
    fn end(self) -> Millis {
        self.since
            .saturating_add(self.fresh)
            .saturating_add(self.stale)
    }
}

/// Sizes and times.
#[derive(Debug, Clone, Copy)]
pub struct L1Options {
    /// Budget for values, in bytes.
    pub bytes: u64,
    /// Budget of its own for "there is nothing", in bytes, so that a scan of ids evicts no value.
    pub negative_bytes: u64,
    /// How long a value is served without a look at the store. Jittered by ±10 % per key and version, so
    /// that what was filled together does not expire together.
    pub fresh: Millis,
    /// How long after that it is still served while it is refreshed.
    pub stale: Millis,
    /// How long "there is nothing" is believed; never served stale.
    pub negative: Millis,
    /// How long fences live; longer than any load can take.
    pub fence_lifetime: Millis,
    /// Whether what was let in is a fence as well, so that nothing older follows when it has been evicted. Needed where
    /// loads are answered from several places, and one of them may be behind another.
    pub fences_fills: bool,
}

/// How an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Serve it.
    Fresh,
    /// Serve it, and refresh it.
    Stale,
    /// It would be refreshed soon, or be stale, if values were not served for longer now. Serve it.
    Stretched,
}

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// There is none, or none to be shown.
    Unknown,
    /// There was one, and it was taken away for good.
    Removed,
}

/// What the tier knows of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup<V> {
    /// The value, or why there is known to be none.
    pub value: Result<V, Absence>,
    /// Version of the value, or of its absence.
    pub version: u64,
    /// Fresh or stale.
    pub freshness: Freshness,
    /// Milliseconds until it turns stale; negative once it has.
    pub ttl: i64,
}

/// A fill that was too old to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("version below the lowest allowed, {fence}")]
pub struct Refused {
    /// The lowest version allowed.
    pub fence: u64,
}

/// When something was loaded, counted in doubts, purges and questions, from the upper bits to the lower ones. So one
/// number tells whether there were any since. A count that runs over is one more of the graver kind, which is harmless.
pub type Epoch = u64;

const ONE_QUESTION: Epoch = 1;
const ONE_PURGE: Epoch = 1 << 20;
const ONE_DOUBT: Epoch = 1 << 40;

/// True where nothing was put in doubt between the two.
fn without_doubt(one: Epoch, other: Epoch) -> bool {
    one / ONE_DOUBT == other / ONE_DOUBT
}

/// True where nothing was purged, nor put in doubt, between the two.
fn without_purge(one: Epoch, other: Epoch) -> bool {
    one / ONE_PURGE == other / ONE_PURGE
}

/// True where nothing was questioned between the two.
fn without_question(one: Epoch, other: Epoch) -> bool {
    one % ONE_PURGE == other % ONE_PURGE
}

#[derive(Debug, Clone)]
struct Entry<V> {
    value: V,
    version: u64,
    fresh_until: Millis,
    epoch: Epoch,
}

#[derive(Debug, Clone)]
struct ByBytes;

impl<K, V: Weigh> Weighter<K, Entry<V>> for ByBytes {
    fn weight(&self, _key: &K, entry: &Entry<V>) -> u64 {
        entry.value.weight() as u64 + ENTRY_OVERHEAD
    }
}

/// Absence weighs nothing of its own.
impl Weigh for Absence {
    fn weight(&self) -> usize {
        0
    }
}

/// The tier. A hit takes one shared lock of one shard for the length of a hash lookup and a clone.
#[derive(Debug)]
pub struct L1<K, V> {
    options: L1Options,
    values: Cache<K, Entry<V>, ByBytes>,
    absences: Cache<K, Entry<Absence>, ByBytes>,
    fences: Fences<K>,
    /// Entries from before a doubt are not served, those from before a question are stale.
    epoch: AtomicU64,
    /// For how much longer than its time a value is served without a look at the store.
    stretch: AtomicU64,
    /// Spreads lifetimes.
    hasher: RandomState,
}

impl<K: Hash + Eq + Clone, V: Clone + Weigh> L1<K, V> {
    /// An empty tier.
    pub fn new(options: L1Options, now: Millis) -> Self {
        Self {
            values: bounded(options.bytes, 2_000),
            absences: bounded(options.negative_bytes, 0),
            fences: Fences::new(options.fence_lifetime, now),
            epoch: AtomicU64::new(0),
            stretch: AtomicU64::new(0),
            hasher: RandomState::new(),
            options,
        }
    }

    /// Looks a key up. `None` where nothing is known, or nothing that may still be served.
    pub fn get(&self, key: &K, now: Millis) -> Option<Lookup<V>> {
        let epoch = self.epoch();
        let entry = self.values.get(key);
        if let Some(entry) = entry.filter(|entry| without_doubt(entry.epoch, epoch)) {
            let end = match entry.value.lifetime() {
                Some(lifetime) => lifetime.end(),
                None => entry.fresh_until.saturating_add(self.options.stale),
            };
            let left = entry.fresh_until.cast_signed() - now.cast_signed();
            let is_sure = without_question(entry.epoch, epoch);
            let stretch = self.stretch.load(Ordering::Relaxed);
            let (freshness, ttl) =
                if stretch > 0 && now < entry.fresh_until.saturating_add(stretch) && is_sure {
                    (Freshness::Stretched, left)
                } else if now < entry.fresh_until && is_sure {
                    (Freshness::Fresh, left)
                } else if now < end.saturating_add(stretch) {
                    (Freshness::Stale, left.min(-1))
                } else {
                    return None;
                };
            return Some(Lookup {
                ttl,
                value: Ok(entry.value),
                version: entry.version,
                freshness,
            });
        }
        let absence = self.absences.get(key)?;
        let is_sure = without_doubt(absence.epoch, epoch) && without_question(absence.epoch, epoch);
        let believed = is_sure && now < absence.fresh_until;
        believed.then(|| Lookup {
            ttl: absence.fresh_until.cast_signed() - now.cast_signed(),
            value: Err(absence.value),
            version: absence.version,
            freshness: Freshness::Fresh,
        })
    }

    /// Has values served for so much longer, in milliseconds, without a look at the store, unless one is heard of that
    /// replaces them; 0 has them served as usual.
    pub fn stretch(&self, by: Millis) {
        self.stretch.store(by, Ordering::Relaxed);
    }

    /// The present epoch; note it before a load starts and hand it to [`L1::fill`].
    pub fn epoch(&self) -> Epoch {
        self.epoch.load(Ordering::Acquire)
    }

    /// Keeps what a load found, and returns the milliseconds it will be fresh for. Refused where the
    /// fence or a newer entry forbids it, or where something was purged, or everything put in doubt, after `epoch`,
    /// noted before the load began.
    pub fn fill(
        &self,
        key: &K,
        value: Result<V, Absence>,
        version: u64,
        epoch: Epoch,
        now: Millis,
    ) -> Result<Millis, Refused> {
        let mut shard = self.fences.lock(key, now);
        let fence = shard.get(key).max(self.kept_version(key).unwrap_or(0));
        if version < fence || !without_purge(epoch, self.epoch()) {
            return Err(Refused { fence });
        }
        if self.options.fences_fills && version > fence {
            shard.raise(key, version);
        }
        let fresh_until = match value.as_ref().map(Weigh::lifetime) {
            Err(_) => now.saturating_add(self.options.negative),
            Ok(None) => now.saturating_add(self.jittered(self.options.fresh, key, version)),
            Ok(Some(lifetime)) => {
                let fresh = self.jittered(lifetime.fresh, key, version);
                lifetime.since.saturating_add(fresh).min(lifetime.end())
            }
        };
        match value {
            Ok(mut value) => {
                if let Some(kept) = self.values.peek(key) {
                    value.inherit(&kept.value);
                }
                self.absences.remove(key);
                let entry = Entry {
                    value,
                    version,
                    fresh_until,
                    epoch,
                };
                self.values.insert(key.clone(), entry);
            }
            Err(absence) => {
                self.values.remove(key);
                let entry = Entry {
                    value: absence,
                    version,
                    fresh_until,
                    epoch,
                };
                self.absences.insert(key.clone(), entry);
            }
        }
        Ok(fresh_until.saturating_sub(now))
    }

    /// The value of a key as it is kept, be it too old to be served.
    pub fn peek(&self, key: &K) -> Option<V> {
        self.values.peek(key).map(|entry| entry.value)
    }

    /// Replaces a value by what `amend` makes of it: for what is derived from a value after it was kept.
    /// Version, lifetime and the chance to be evicted stay as they are, the weight is taken anew. Nothing
    /// happens where there is no value or `amend` makes none.
    pub fn amend(&self, key: &K, now: Millis, amend: impl FnOnce(&V) -> Option<V>) {
        let _no_one_else_changes_it = self.fences.lock(key, now);
        let Some(entry) = self.values.peek(key) else {
            return;
        };
        if let Some(value) = amend(&entry.value) {
            // An error says that it was evicted meanwhile.
            let _ = self
                .values
                .replace(key.clone(), Entry { value, ..entry }, true);
        }
    }

    /// Allows only `version` and above of `key` from now on, and drops what is older.
    pub fn invalidate(&self, key: &K, version: u64, now: Millis) {
        let mut shard = self.fences.lock(key, now);
        shard.raise(key, version);
        self.values.remove_if(key, |entry| entry.version < version);
        self.absences
            .remove_if(key, |entry| entry.version < version);
    }

    /// True where `version` of `key` may still be served.
    pub fn admits(&self, key: &K, version: u64, now: Millis) -> bool {
        version >= self.fences.lock(key, now).get(key)
    }

    /// Puts everything cached in doubt: nothing is served before it is loaded again, be it of an older version: the
    /// store may have been put back from a backup.
    pub fn doubt_everything(&self) {
        // Before the epoch: what is invalidated from then on is for loads that begin then.
        self.fences.clear();
        self.epoch.fetch_add(ONE_DOUBT, Ordering::AcqRel);
    }

    /// Questions everything cached: values are served as stale ones until they are loaded again, and what there is
    /// not is looked for again. Words about them may have been missed.
    pub fn question_everything(&self) {
        self.epoch.fetch_add(ONE_QUESTION, Ordering::AcqRel);
    }

    /// The keys of all values, in any order.
    pub fn keys(&self) -> impl Iterator<Item = K> {
        self.values.iter().map(|(key, _)| key)
    }

    /// Number of values kept.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// True when no value is kept.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Version of the entry, unless it is in doubt: a store put back from a backup has older versions,
    /// and they are the truth then.
    fn kept_version(&self, key: &K) -> Option<u64> {
        let epoch = self.epoch();
        let value = self.values.peek(key).map(|e| (e.version, e.epoch));
        let kept = value.or_else(|| self.absences.peek(key).map(|e| (e.version, e.epoch)));
        kept.filter(|(_, of)| without_doubt(*of, epoch))
            .map(|(version, _)| version)
    }

    /// The same for a version of a key each time, so that its age can be told from its end.
    fn jittered(&self, span: Millis, key: &K, version: u64) -> Millis {
        jittered(span, self.hasher.hash_one((key, version)))
    }
}

fn bounded<K: Hash + Eq, V: Weigh + Clone>(
    bytes: u64,
    typical: u64,
) -> Cache<K, Entry<V>, ByBytes> {
    // An estimate only sizes the queue that remembers recently evicted keys.
    let items = bytes / (typical + ENTRY_OVERHEAD);
    Cache::with_weighter(usize::try_from(items).unwrap_or(usize::MAX), bytes, ByBytes)
}

#[cfg(all(test, feature = "models"))]
mod models;
#[cfg(test)]
mod tests;
