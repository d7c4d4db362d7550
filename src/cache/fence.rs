//! Fences: for a key, the lowest version that may still enter the cache.
//!
//! A load that began before an invalidation may end after it, with the version from before. The fence the
//! invalidation left refuses it. A fence is a maximum, so raising it twice, or out of order, is harmless.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};

use super::clock::Millis;
use super::sync::{Mutex, MutexGuard, PoisonError};

const SHARDS: usize = 64;

/// The fences of recently invalidated keys. Each lives at least `lifetime` and at most twice that.
#[derive(Debug)]
pub(super) struct Fences<K> {
    hasher: RandomState,
    shards: Vec<Mutex<Shard<K>>>,
    lifetime: Millis,
}

/// Two generations: fences are raised in the young one, and when it is `lifetime` old it replaces the old
/// one, which is forgotten whole. So expiry costs nothing per fence.
#[derive(Debug)]
pub(super) struct Shard<K> {
    young: HashMap<K, u64>,
    old: HashMap<K, u64>,
    turned_at: Millis,
}

impl<K: Hash + Eq + Clone> Fences<K> {
    /// `lifetime` must exceed the longest time a load can take plus the lag of what it reads from.
    pub(super) fn new(lifetime: Millis, now: Millis) -> Self {
        let shard = || {
            Mutex::new(Shard {
                young: HashMap::new(),
                old: HashMap::new(),
                turned_at: now,
            })
        };
        Self {
            hasher: RandomState::new(),
            shards: std::iter::repeat_with(shard).take(SHARDS).collect(),
            lifetime,
        }
    }

    /// Locks the shard of `key`. Whoever changes the cached value of a key holds this lock meanwhile, so
    /// that checking the fence and storing the value are one step. Readers never take it.
    pub(super) fn lock(&self, key: &K, now: Millis) -> MutexGuard<'_, Shard<K>> {
        let index = self.hasher.hash_one(key) % SHARDS as u64;
        let shard = &self.shards[usize::try_from(index).unwrap_or(0)];
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= shard.turned_at + self.lifetime {
            // Idle for two lifetimes: what is young has expired as well.
            let all_expired = now >= shard.turned_at + 2 * self.lifetime;
            let young = std::mem::take(&mut shard.young);
            shard.old = if all_expired { HashMap::new() } else { young };
            shard.turned_at = now;
        }
        shard
    }

    /// Forgets all of them.
    pub(super) fn clear(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.young.clear();
            shard.old.clear();
        }
    }
}

impl<K: Hash + Eq + Clone> Shard<K> {
    /// The lowest version allowed; 0 where there is no fence.
    pub(super) fn get(&self, key: &K) -> u64 {
        let in_generation = |fences: &HashMap<K, u64>| fences.get(key).copied().unwrap_or(0);
        in_generation(&self.young).max(in_generation(&self.old))
    }

    /// Allows only `version` and above from now on.
    pub(super) fn raise(&mut self, key: &K, version: u64) {
        let fence = self.young.entry(key.clone()).or_insert(0);
        *fence = (*fence).max(version);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_lives_at_least_its_lifetime_and_at_most_twice_that() {
        for raised_at in [0, 1, 50, 99, 100, 101, 150, 250] {
            let fences = Fences::new(100, 0);
            fences.lock(&"key", raised_at).raise(&"key", 7);
            for now in raised_at..raised_at + 100 {
                assert_eq!(
                    fences.lock(&"key", now).get(&"key"),
                    7,
                    "{raised_at} at {now}"
                );
            }
            assert_eq!(fences.lock(&"key", raised_at + 200).get(&"key"), 0);
        }
    }

    #[test]
    fn an_idle_shard_forgets_both_generations() {
        let fences = Fences::new(100, 0);
        fences.lock(&"key", 99).raise(&"key", 7);
        assert_eq!(fences.lock(&"key", 1_000).get(&"key"), 0);
    }

    #[test]
    fn a_fence_never_falls() {
        let fences = Fences::new(100, 0);
        let mut shard = fences.lock(&"key", 0);
        shard.raise(&"key", 7);
        shard.raise(&"key", 3);
        assert_eq!(shard.get(&"key"), 7);
    }
}
