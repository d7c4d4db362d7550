//! Which keys are read most, by a sample: one hit in 32, so that hits pay a multiplication.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// One hit in so many is noted.
const ONE_IN: u64 = 32;
/// Keys that are counted at most. Beyond it counts are halved, and what nobody reads any more is forgotten.
const MOST: usize = 65_536;

/// Counts of reads.
#[derive(Debug)]
pub(super) struct HotKeys<K> {
    counts: Mutex<HashMap<K, u32>>,
}

impl<K> Default for HotKeys<K> {
    fn default() -> Self {
        Self {
            counts: Mutex::default(),
        }
    }
}

/// Whether the hit with this number is one of the sample. Spread by Fibonacci hashing (Knuth, TAOCP 6.4), so that
/// readers who go round in circles do not meet it at the same key each time.
pub(super) fn is_sampled(number: u64) -> bool {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15) < u64::MAX / ONE_IN
}

impl<K: Hash + Eq + Clone> HotKeys<K> {
    /// Takes note of a read, unless somebody else is at it: no reader waits.
    pub(super) fn note(&self, key: &K) {
        let Ok(mut counts) = self.counts.try_lock() else {
            return;
        };
        if let Some(count) = counts.get_mut(key) {
            *count = count.saturating_add(1);
            return;
        }
        if counts.len() >= MOST {
            counts.retain(|_, count| {
                *count /= 2;
                *count > 0
            });
        }
        if counts.len() < MOST {
            counts.insert(key.clone(), 1);
        }
    }

    /// At most so many keys that were read most, the first the most, each with about how often.
    pub(super) fn most(&self, limit: usize) -> Vec<(K, u64)> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever asks may ask for more than any machine has room for.
        let limit = limit.min(counts.len());
        let mut most = BinaryHeap::with_capacity(limit + 1);
        // By places, since keys need have no order.
        for (at, count) in counts.values().enumerate() {
            most.push(Reverse((*count, at)));
            if most.len() > limit {
                most.pop();
            }
        }
        let places: HashMap<usize, u32> = most
            .into_iter()
            .map(|Reverse((count, at))| (at, count))
            .collect();
        let keys = counts.keys().enumerate();
        let mut found: Vec<_> = keys
            .filter_map(|(at, key)| Some((key.clone(), u64::from(*places.get(&at)?) * ONE_IN)))
            .collect();
        drop(counts);
        found.sort_by_key(|(_, count)| Reverse(*count));
        found
    }

    /// The keys that were read most, the first the most.
    pub(super) fn top(&self, limit: usize) -> Vec<K> {
        let most = self.most(limit).into_iter();
        most.map(|(key, _)| key).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_most_comes_first() {
        let hot = HotKeys::default();
        for (key, reads) in [("b", 2), ("a", 3), ("c", 1)] {
            (0..reads).for_each(|_| hot.note(&key));
        }
        assert_eq!(hot.top(2), ["a", "b"]);
        assert_eq!(hot.top(9), ["a", "b", "c"]);
        assert_eq!(hot.top(usize::MAX), ["a", "b", "c"]);
        assert_eq!(hot.most(2), [("a", 3 * ONE_IN), ("b", 2 * ONE_IN)]);
    }

    #[test]
    fn it_is_bounded_and_forgets_the_past() {
        let hot = HotKeys::default();
        (0..50).for_each(|_| hot.note(&u64::MAX));
        for key in 0..200_000 {
            hot.note(&key);
        }
        assert!(hot.counts.lock().unwrap().len() <= MOST);
        assert_eq!(hot.top(1), [u64::MAX]);
        for _ in 0..5 {
            (200_000..400_000).for_each(|key| hot.note(&key));
        }
        assert!(!hot.top(MOST).contains(&u64::MAX));
    }

    #[test]
    fn the_sample_is_fair_to_readers_in_circles() {
        for circle in [1, 2, 16, 31, 32, 33, 64, 97] {
            let mut sampled = vec![0_u32; circle];
            for number in 0..320_000 {
                let key = usize::try_from(number).unwrap() % circle;
                sampled[key] += u32::from(is_sampled(number));
            }
            let expected = 10_000 / u32::try_from(circle).unwrap();
            for count in sampled {
                assert!(
                    (expected / 2..=expected * 2).contains(&count),
                    "{circle}: {count}"
                );
            }
        }
    }
}
