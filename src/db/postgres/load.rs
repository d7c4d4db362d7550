//! What a server has to do, for choosing between two.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The share of the newest measurement in the mean, as a shift: an eighth.
const WEIGHT: u32 = 3;
/// What a read is taken to last before one was measured, in microseconds.
const UNMEASURED: u64 = 1_000;

/// Reads under way, and how long they last: an exponentially weighted moving average, in microseconds.
#[derive(Debug)]
pub(super) struct Load {
    in_flight: AtomicUsize,
    latency: AtomicU64,
    answered: AtomicU64,
}

impl Load {
    pub(super) fn new() -> Self {
        Self {
            in_flight: AtomicUsize::new(0),
            latency: AtomicU64::new(UNMEASURED),
            answered: AtomicU64::new(0),
        }
    }

    /// How long one more read would have to wait here, more or less.
    pub(super) fn cost(&self) -> u64 {
        let in_flight = self.in_flight.load(Ordering::Relaxed) as u64;
        (in_flight + 1).saturating_mul(self.latency.load(Ordering::Relaxed).max(1))
    }

    /// Reads that were answered so far, and those under way.
    pub(super) fn counts(&self) -> (u64, usize) {
        (
            self.answered.load(Ordering::Relaxed),
            self.in_flight.load(Ordering::Relaxed),
        )
    }

    /// A read begins.
    pub(super) fn begin(&self) -> Flight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Flight {
            load: self,
            started: Instant::now(),
        }
    }

    fn measured(&self, latency: Duration) {
        let newest = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX) >> WEIGHT;
        let mean = |mean: u64| (mean - (mean >> WEIGHT)).saturating_add(newest);
        // A measurement that is lost to another one of the same moment is no loss.
        let latency = mean(self.latency.load(Ordering::Relaxed));
        self.latency.store(latency, Ordering::Relaxed);
    }
}

/// A read under way. What ends without [`Flight::landed`] is not measured.
pub(super) struct Flight<'l> {
    load: &'l Load,
    started: Instant,
}

impl Flight<'_> {
    /// It was answered.
    pub(super) fn landed(self) {
        self.load.answered.fetch_add(1, Ordering::Relaxed);
        self.load.measured(self.started.elapsed());
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.load.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_less_to_do_or_is_quicker_costs_less() {
        let (one, other) = (Load::new(), Load::new());
        assert_eq!(one.cost(), other.cost());
        let flight = one.begin();
        assert!(one.cost() > other.cost());
        drop(flight);
        assert_eq!(one.cost(), other.cost());
        for _ in 0..50 {
            one.measured(Duration::from_micros(100));
            other.measured(Duration::from_millis(9));
        }
        assert!((90..120).contains(&one.cost()), "{}", one.cost());
        assert!((8_900..9_100).contains(&other.cost()), "{}", other.cost());
        let _flights: Vec<_> = (0..10).map(|_| one.begin()).collect();
        assert!(one.cost() < other.cost());
    }
}
