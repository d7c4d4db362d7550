//! Dropping what is kept because somebody says so, whatever its version.

use std::hash::Hash;

use super::super::sync::Ordering;
use super::{Entry, L1, Millis, ONE_DOUBT, ONE_PURGE, ONE_QUESTION, Weigh};

/// How much a purge leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Values are served as stale ones once more, while they are loaded again. No reader waits, and a purge of
    /// everything is no stampede.
    Soft,
    /// Nothing is served that was there before.
    Hard,
}

impl<K: Hash + Eq + Clone, V: Clone + Weigh> L1<K, V> {
    /// Refuses what is being loaded at this moment: it may have been read before the purge that is about to begin.
    pub fn begin_purge(&self) {
        self.epoch.fetch_add(ONE_PURGE, Ordering::AcqRel);
    }

    /// Purges a key; true where something was kept of it. [`L1::begin_purge`] comes first.
    pub fn purge(&self, key: &K, depth: Depth, now: Millis) -> bool {
        let _no_one_else_changes_it = self.fences.lock(key, now);
        let is_absent = self.absences.remove(key).is_some();
        let is_kept = match (depth, self.values.peek(key)) {
            (_, None) => false,
            (Depth::Hard, Some(_)) => self.values.remove(key).is_some(),
            (Depth::Soft, Some(entry)) => {
                let questioned = Entry {
                    epoch: self.questioned(entry.epoch),
                    ..entry
                };
                // An error says that it was evicted meanwhile.
                self.values.replace(key.clone(), questioned, true).is_ok()
            }
        };
        is_absent || is_kept
    }

    /// Purges every value that is meant; returns how many there were. [`L1::begin_purge`] comes first.
    pub fn purge_where(
        &self,
        depth: Depth,
        now: Millis,
        is_meant: impl Fn(&K, &V) -> bool,
    ) -> usize {
        // Collected first: a value that is put back may come up again.
        let meant = self.values.iter();
        let meant = meant.filter(|(key, entry)| is_meant(key, &entry.value));
        let meant: Vec<K> = meant.map(|(key, _)| key).collect();
        for key in &meant {
            self.purge(key, depth, now);
        }
        meant.len()
    }

    /// Purges everything. Fences stay: nothing older follows what was shown.
    pub fn purge_everything(&self, depth: Depth) {
        match depth {
            Depth::Soft => {
                let purge = ONE_PURGE + ONE_QUESTION;
                self.epoch.fetch_add(purge, Ordering::AcqRel);
            }
            Depth::Hard => {
                self.epoch.fetch_add(ONE_DOUBT, Ordering::AcqRel);
                self.values.clear();
            }
        }
        self.absences.clear();
    }

    /// An epoch like this one, but for a question that comes after it and before any other.
    fn questioned(&self, of: super::Epoch) -> super::Epoch {
        let questions = self.epoch().wrapping_sub(ONE_QUESTION) % ONE_PURGE;
        of - of % ONE_PURGE + questions
    }
}
