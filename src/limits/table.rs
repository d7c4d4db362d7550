//! What is remembered of clients, in memory whose size is fixed at the start.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};

/// Nanoseconds on the clock of the limits.
pub(super) type Nanos = u64;

/// Entries that are looked through for a key.
const WAYS: usize = 6;

/// What is remembered of a key.
pub(super) trait Memory: Copy + Default {
    /// True where it says no more than if there were nothing.
    fn is_over(&self, now: Nanos) -> bool;
}

/// A set-associative table: the hash of a key names a set, in which it may have any place. An entry that is over makes
/// room; where all places of a set are taken by entries that still say something, a newcomer has none. So whoever is
/// known stays known, however many strangers come, and forgetting changes no decision.
///
/// Keys are known by 64 bits of a hash with a secret of the process: nobody can choose a key that meets another one's.
pub(super) struct Table<M> {
    sets: Box<[Mutex<Set<M>>]>,
    hasher: RandomState,
}

#[derive(Clone, Copy, Default)]
struct Entry<M> {
    /// 0 for a free place.
    key: u64,
    memory: M,
}

type Set<M> = [Entry<M>; WAYS];

impl<M: Memory> Table<M> {
    /// Takes as much of `bytes` as whole sets fill, and one set at least.
    pub(super) fn new(bytes: u64) -> Self {
        let sets = bytes / size_of::<Mutex<Set<M>>>() as u64;
        let sets = usize::try_from(sets).unwrap_or(usize::MAX).max(1);
        Self {
            sets: (0..sets).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Does something with what is remembered of a key; `None` where there is no room to remember anything. The set is
    /// locked meanwhile.
    pub(super) fn with<T>(
        &self,
        key: impl Hash,
        now: Nanos,
        work: impl FnOnce(&mut M) -> T,
    ) -> Option<T> {
        let key = self.hasher.hash_one(key).max(1);
        // The upper half chooses the set, as in Lemire's "fast alternative to the modulo reduction".
        let at = (u128::from(key) * self.sets.len() as u128) >> u64::BITS;
        let set = self.sets.get(usize::try_from(at).ok()?)?;
        let mut set = set.lock().unwrap_or_else(PoisonError::into_inner);
        let known = set.iter().position(|entry| entry.key == key);
        let at = if let Some(at) = known {
            at
        } else {
            let is_free = |entry: &Entry<M>| entry.key == 0 || entry.memory.is_over(now);
            let at = set.iter().position(is_free)?;
            set[at] = Entry {
                key,
                memory: M::default(),
            };
            at
        };
        Some(work(&mut set[at].memory))
    }

    /// Keys there is room for.
    pub(super) fn capacity(&self) -> usize {
        self.sets.len() * WAYS
    }

    /// Memory taken, in bytes: all of it from the start.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.sets)
    }

    /// Keys of which something is remembered. Looks at every set.
    pub(super) fn live(&self, now: Nanos) -> usize {
        let live = |set: &Mutex<Set<M>>| {
            let set = set.lock().unwrap_or_else(PoisonError::into_inner);
            let is_live = |entry: &&Entry<M>| entry.key != 0 && !entry.memory.is_over(now);
            set.iter().filter(is_live).count()
        };
        self.sets.iter().map(live).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Default)]
    struct Until(Nanos);

    impl Memory for Until {
        fn is_over(&self, now: Nanos) -> bool {
            self.0 <= now
        }
    }

    #[test]
    fn strangers_never_push_out_who_is_known() {
        let table = Table::<Until>::new(64 * 1024);
        let bytes = table.bytes();
        assert!(bytes <= 64 * 1024 && table.capacity() > 1_000, "{bytes}");
        for known in 0..100_u32 {
            table.with(known, 0, |memory| memory.0 = 1_000).unwrap();
        }
        let mut refused = 0;
        for stranger in 100..100_000_u32 {
            let room = table.with(stranger, 10, |memory| memory.0 = 20);
            refused += u32::from(room.is_none());
        }
        assert!(refused > 90_000, "{refused}");
        assert_eq!(table.bytes(), bytes);
        for known in 0..100_u32 {
            assert_eq!(table.with(known, 10, |memory| memory.0), Some(1_000));
        }
        // Theirs is over, and so they make room.
        assert_eq!(table.live(500), 100);
        for stranger in 0..100 {
            assert!(table.with((stranger, "x"), 500, |_| ()).is_some());
        }
        for known in 0..100_u32 {
            assert_eq!(table.with(known, 500, |memory| memory.0), Some(1_000));
        }
    }

    #[test]
    fn what_is_over_is_forgotten_only_where_room_is_needed() {
        let table = Table::<Until>::new(0);
        assert_eq!(table.capacity(), WAYS);
        for key in 0..WAYS as u64 {
            table.with(key, 0, |memory| memory.0 = 5 + key).unwrap();
        }
        assert!(table.with(99_u64, 4, |_| ()).is_none());
        assert_eq!(table.with(0_u64, 5, |memory| memory.0), Some(5));
        assert_eq!(table.with(99_u64, 5, |memory| memory.0), Some(0));
    }
}
