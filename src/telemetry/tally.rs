//! Counting on the hot path. Each thread has a row of counters of its own, so that counting is a load and a store of a
//! line that no other core writes. Measured on a busy machine that is a seventh of an atomic addition (3.6 ns to 25),
//! and less than a thousandth of a hit.

use std::sync::atomic::{AtomicU64, Ordering};

/// Threads with a row of their own: one bit each in [`TAKEN`]. More share the last row.
const ROWS: usize = 64;

static TAKEN: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static PLACE: Place = Place::take();
}

/// The row of a thread, the same in every tally. Given back when the thread ends.
struct Place(usize);

impl Place {
    fn take() -> Self {
        let mut taken = TAKEN.load(Ordering::Relaxed);
        loop {
            let row = (!taken).trailing_zeros();
            if row as usize >= ROWS {
                return Self(ROWS);
            }
            // Acquire: what the last owner of the row counted is seen before anything is added to it.
            match TAKEN.compare_exchange_weak(
                taken,
                taken | 1 << row,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Self(row as usize),
                Err(now) => taken = now,
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.0 < ROWS {
            TAKEN.fetch_and(!(1 << self.0), Ordering::Release);
        }
    }
}

/// Two lines of a cache, since processors fetch them in pairs.
#[derive(Debug)]
#[repr(align(128))]
struct Row<const N: usize>([AtomicU64; N]);

impl<const N: usize> Default for Row<N> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

/// `N` counters.
#[derive(Debug)]
pub(crate) struct Tally<const N: usize> {
    /// One for each thread that has one, and the one of all others.
    rows: Box<[Row<N>]>,
}

impl<const N: usize> Default for Tally<N> {
    fn default() -> Self {
        Self {
            rows: std::iter::repeat_with(Row::default)
                .take(ROWS + 1)
                .collect(),
        }
    }
}

impl<const N: usize> Tally<N> {
    /// Adds one, and returns how many this thread has counted, more or less.
    pub(crate) fn count(&self, counter: usize) -> u64 {
        let [count] = self.add([(counter, 1)]);
        count
    }

    /// Adds an amount to each of some counters, and returns what this thread has in them, more or less.
    pub(crate) fn add<const M: usize>(&self, amounts: [(usize, u64); M]) -> [u64; M] {
        // A thread that is being taken down has no place any more.
        let place = PLACE.try_with(|place| place.0).unwrap_or(ROWS);
        let row = &self.rows[place].0;
        amounts.map(|(counter, amount)| {
            let cell = &row[counter];
            if place == ROWS {
                return cell.fetch_add(amount, Ordering::Relaxed) + amount;
            }
            let count = cell.load(Ordering::Relaxed) + amount;
            cell.store(count, Ordering::Relaxed);
            count
        })
    }

    /// The sums over all threads.
    pub(crate) fn read(&self) -> [u64; N] {
        std::array::from_fn(|counter| {
            let cells = self.rows.iter().map(|row| &row.0[counter]);
            cells.map(|cell| cell.load(Ordering::Relaxed)).sum()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// More threads than there are rows, at once and one after the other.
    #[test]
    fn no_count_is_lost_whoever_counts() {
        const EACH: usize = 1_000;
        let tally = Tally::<2>::default();
        for threads in [2, ROWS + 20, 1] {
            thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| {
                        for _ in 0..EACH {
                            tally.count(1);
                        }
                    });
                }
            });
        }
        assert_eq!(tally.read(), [0, ((ROWS + 23) * EACH) as u64]);
    }
}
