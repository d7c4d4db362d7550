//! Counting on the hot path: an atomic exchange of one word, of a table that the thread shares with few others. No lock, no
//! allocation, and the memory is bounded whatever is read.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Tables, so that threads which read the same product seldom meet.
const TABLES: usize = 8;
/// Words of a table, a power of two: products that can be counted between two collections.
const WORDS: usize = 8_192;
/// Words that are looked at for a product.
const PROBES: usize = 8;
/// The lower bits of a word are the count, the upper ones the product; a word of zero is free.
const COUNT_BITS: u32 = 24;
const LARGEST_ID: i64 = (1 << (u64::BITS - COUNT_BITS)) - 1;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;

static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static TABLE: usize = NEXT.fetch_add(1, Ordering::Relaxed) % TABLES;
}

/// Views that have not been collected yet.
#[derive(Debug)]
pub struct ViewCounts {
    words: Box<[AtomicU64]>,
    /// Views for which there was no room.
    missed: AtomicU64,
}

impl Default for ViewCounts {
    fn default() -> Self {
        let words = std::iter::repeat_with(AtomicU64::default).take(TABLES * WORDS);
        Self {
            words: words.collect(),
            missed: AtomicU64::new(0),
        }
    }
}

impl ViewCounts {
    /// Counts a view of a product.
    pub fn count(&self, product_id: i64) {
        let is_counted =
            (1..=LARGEST_ID).contains(&product_id) && self.add(product_id.unsigned_abs());
        if !is_counted {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The word of a product holds its id and its count, so that they are taken out together, and nothing is counted for
    /// the product that comes after it.
    fn add(&self, id: u64) -> bool {
        // A thread that ends counts in the first.
        let table = TABLE.try_with(|table| *table).unwrap_or(0) * WORDS;
        // Fibonacci hashing (Knuth, TAOCP 6.4).
        let hash = id.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - WORDS.ilog2());
        let first = usize::try_from(hash).unwrap_or(0);
        for probe in 0..PROBES {
            let word = &self.words[table + (first + probe) % WORDS];
            let mut known = word.load(Ordering::Relaxed);
            loop {
                let counted = if known == 0 {
                    id << COUNT_BITS | 1
                } else if known >> COUNT_BITS == id && known & COUNT_MASK < COUNT_MASK {
                    known + 1
                } else {
                    break;
                };
                let order = Ordering::Relaxed;
                match word.compare_exchange_weak(known, counted, order, order) {
                    Ok(_) => return true,
                    Err(now) => known = now,
                }
            }
        }
        false
    }

    /// Takes out what was counted and adds it to `sums`, of which there are at most `most`. Returns how many views were
    /// missed.
    pub(super) fn collect(&self, sums: &mut HashMap<i64, u64>, most: usize) -> u64 {
        let mut missed = self.missed.swap(0, Ordering::Relaxed);
        for word in &self.words {
            if word.load(Ordering::Relaxed) == 0 {
                continue;
            }
            let counted = word.swap(0, Ordering::Relaxed);
            let (id, count) = ((counted >> COUNT_BITS).cast_signed(), counted & COUNT_MASK);
            if sums.len() < most || sums.contains_key(&id) {
                *sums.entry(id).or_default() += count;
            } else {
                missed += count;
            }
        }
        missed
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn nothing_is_lost_or_counted_twice_while_it_is_collected() {
        const THREADS: u64 = 4;
        const VIEWS: u64 = 50_000;
        let counts = Arc::<ViewCounts>::default();
        let readers: Vec<_> = (0..THREADS)
            .map(|of| {
                let counts = Arc::clone(&counts);
                thread::spawn(move || {
                    (0..VIEWS)
                        .for_each(|view| counts.count((1 + (view * 7 + of) % 900).cast_signed()));
                })
            })
            .collect();
        let (mut sums, mut missed) = (HashMap::new(), 0);
        while !readers.iter().all(thread::JoinHandle::is_finished) {
            missed += counts.collect(&mut sums, usize::MAX);
        }
        for reader in readers {
            reader.join().unwrap();
        }
        missed += counts.collect(&mut sums, usize::MAX);
        assert_eq!(sums.values().sum::<u64>() + missed, THREADS * VIEWS);
        // There is room for all of them but where many meet in one place.
        assert!(missed < THREADS * VIEWS / 100, "{missed}");
        assert!(sums.keys().all(|id| (1..=900).contains(id)));
    }

    #[test]
    fn what_has_no_room_is_missed_and_told() {
        let counts = ViewCounts::default();
        let (mut sums, products) = (HashMap::new(), 3 * TABLES * WORDS);
        for id in 1..=i64::try_from(products).unwrap() {
            counts.count(id);
        }
        counts.count(0);
        counts.count(i64::MAX);
        let missed = counts.collect(&mut sums, 100);
        assert_eq!(sums.len(), 100);
        assert_eq!(missed, products as u64 + 2 - 100);
        assert_eq!(counts.collect(&mut sums, 100), 0);
    }
}
