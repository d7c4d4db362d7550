//! Refreshing a value before it turns stale, the earlier the longer a load takes, and at a random moment, so that
//! nodes and readers do not do it together: `XFetch`, from A. Vattani, F. Chierichetti, K. Lowenstein, "Optimal
//! Probabilistic Cache Stampede Prevention", PVLDB 8 (2015). It is asked at each read, so what nobody reads is not
//! refreshed.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The share of the newest load in the mean, as a divisor.
const WEIGHT: u64 = 8;
/// Farther from its end than so many loads, a value is refreshed with a chance below one in a hundred thousand, and no
/// dice are thrown.
const FARTHEST: u64 = 12;

/// When to refresh, by what loads took so far.
#[derive(Debug, Default)]
pub(super) struct RefreshAhead {
    /// Mean time of a load, in microseconds; 0 as long as none took any.
    load: AtomicU64,
    throws: AtomicU64,
    hasher: RandomState,
}

impl RefreshAhead {
    /// A load took so long.
    pub(super) fn measured(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        // Of two at a time one may be lost.
        let mean = self.load.load(Ordering::Relaxed);
        let next = match mean {
            0 => took,
            mean => (mean - mean / WEIGHT).saturating_add(took / WEIGHT),
        };
        self.load.store(next, Ordering::Relaxed);
    }

    /// Whether to refresh a value that turns stale in `ttl` milliseconds.
    pub(super) fn is_due(&self, ttl: i64) -> bool {
        let load = self.load.load(Ordering::Relaxed);
        let left = u64::try_from(ttl).unwrap_or(0).saturating_mul(1_000);
        left < load.saturating_mul(FARTHEST) && self.throw(load) >= left
    }

    /// `load` × −ln(random): exponentially distributed with that mean.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a random number of microseconds, not negative"
    )]
    fn throw(&self, load: u64) -> u64 {
        let throw = self.throws.fetch_add(1, Ordering::Relaxed);
        let bits = self.hasher.hash_one(throw) >> 11;
        // From above 0 to 1.
        let random = (bits + 1) as f64 / (1_u64 << 53) as f64;
        (load as f64 * -random.ln()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(ahead: &RefreshAhead, ttl: i64) -> f64 {
        const THROWS: u32 = 20_000;
        let due = (0..THROWS).filter(|_| ahead.is_due(ttl)).count();
        f64::from(u32::try_from(due).unwrap()) / f64::from(THROWS)
    }

    #[test]
    fn the_chance_falls_exponentially_with_the_time_left() {
        let ahead = RefreshAhead::default();
        ahead.measured(Duration::from_millis(100));
        for (ttl, expected) in [(0, 1.0), (50, 0.607), (100, 0.368), (300, 0.050)] {
            let share = share(&ahead, ttl);
            assert!((share - expected).abs() < 0.02, "{ttl}: {share}");
        }
        assert!(!ahead.is_due(1_200));
    }

    #[test]
    fn loads_that_take_no_time_need_no_refresh_ahead() {
        let ahead = RefreshAhead::default();
        assert!(!ahead.is_due(0));
        assert!(!ahead.is_due(-1));
    }

    #[test]
    fn the_mean_follows_the_loads() {
        let ahead = RefreshAhead::default();
        ahead.measured(Duration::from_millis(1));
        assert!(!ahead.is_due(20));
        (0..50).for_each(|_| ahead.measured(Duration::from_millis(100)));
        assert!(share(&ahead, 20) > 0.7);
    }
}
