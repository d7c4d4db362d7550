//! What a node heard of which key, for those who look for the reason of something old. Not a log: of each key the
//! newest of each kind, of some two thousand keys that were last heard of.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};

use super::clock::Millis;

const SHARDS: usize = 16;
const LINES: usize = 128;
const CAUSES: usize = 4;

/// How a node came to know that older versions of a key must not be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It wrote the version itself.
    OwnWrite,
    /// The store's journal told.
    Journal,
    /// Another node, or the fence in the second tier, told.
    Message,
    /// An operator, or the prover, had it dropped.
    Purge,
}

/// Something heard of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// From whom.
    pub cause: Cause,
    /// The lowest version allowed from then on.
    pub version: u64,
    /// When, on the tier's clock.
    pub at: Millis,
}

/// The newest words. A key that falls into the line of another takes its place.
#[derive(Debug)]
pub(super) struct Trace<K> {
    hasher: RandomState,
    shards: Vec<Mutex<Vec<Option<Line<K>>>>>,
}

#[derive(Debug)]
struct Line<K> {
    key: K,
    heard: [Option<Heard>; CAUSES],
}

impl<K> Default for Trace<K> {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            shards: std::iter::repeat_with(Mutex::default)
                .take(SHARDS)
                .collect(),
        }
    }
}

impl<K: Hash + Eq + Clone> Trace<K> {
    /// Takes note. Words of an older version than the last ones of their kind say nothing new.
    pub(super) fn note(&self, key: &K, heard: Heard) {
        let (shard, line) = self.place(key);
        let mut lines = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.is_empty() {
            lines.resize_with(LINES, || None);
        }
        let slot = &mut lines[line];
        let line = match slot {
            Some(line) if line.key == *key => line,
            _ => slot.insert(Line {
                key: key.clone(),
                heard: [None; CAUSES],
            }),
        };
        let last = &mut line.heard[heard.cause as usize];
        if last.is_none_or(|last| last.version <= heard.version) {
            *last = Some(heard);
        }
    }

    /// What was heard of a key, the newest first.
    pub(super) fn of(&self, key: &K) -> Vec<Heard> {
        let (shard, line) = self.place(key);
        let lines = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let line = lines.get(line).and_then(Option::as_ref);
        let line = line.filter(|line| line.key == *key);
        let mut heard: Vec<_> = line.map_or(Vec::new(), |line| {
            line.heard.iter().copied().flatten().collect()
        });
        heard.sort_by_key(|heard| std::cmp::Reverse(heard.at));
        heard
    }

    fn place(&self, key: &K) -> (&Mutex<Vec<Option<Line<K>>>>, usize) {
        let hash = usize::try_from(self.hasher.hash_one(key) >> 32).unwrap_or(0);
        (&self.shards[hash % SHARDS], hash / SHARDS % LINES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(cause: Cause, version: u64, at: Millis) -> Heard {
        Heard { cause, version, at }
    }

    #[test]
    fn the_newest_of_each_kind_is_remembered() {
        let trace = Trace::default();
        let (write, echo) = (heard(Cause::OwnWrite, 2, 10), heard(Cause::Journal, 2, 40));
        trace.note(&1, heard(Cause::Journal, 1, 5));
        trace.note(&1, write);
        trace.note(&1, echo);
        trace.note(&1, heard(Cause::Journal, 1, 50));
        assert_eq!(trace.of(&1), [echo, write]);
        assert_eq!(trace.of(&2), []);
    }

    #[test]
    fn it_does_not_grow() {
        let trace = Trace::default();
        for key in 0..100_000_u32 {
            trace.note(&key, heard(Cause::Journal, 1, u64::from(key)));
            assert_eq!(trace.of(&key).len(), 1);
        }
        let lines = trace.shards.iter().map(|shard| shard.lock().unwrap().len());
        assert_eq!(lines.sum::<usize>(), SHARDS * LINES);
    }
}
