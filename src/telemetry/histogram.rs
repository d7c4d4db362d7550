//! How long things take, by a fixed set of bounds that fits a hit of some microseconds as well as a load of a second.

use std::time::Duration;

/// Steps of a decade, each half as far again or nearly so: whoever reads a percentile off them is wrong by a quarter at
/// most. 150 and 200 ms, for which promises are made, are among them.
const STEPS: [u64; 6] = [1_000, 1_500, 2_000, 3_000, 5_000, 7_000];
const DECADES: usize = 7;

/// Upper bounds of the buckets, in nanoseconds: six a decade from 1 µs to 10 s. What takes longer is in one more bucket.
pub const BOUNDS: [u64; STEPS.len() * DECADES + 1] = bounds();
/// Buckets, the one without a bound included.
pub(super) const BUCKETS: usize = BOUNDS.len() + 1;

const fn bounds() -> [u64; STEPS.len() * DECADES + 1] {
    let mut bounds = [0; STEPS.len() * DECADES + 1];
    let mut factor = 1;
    let mut at = 0;
    while at < bounds.len() {
        bounds[at] = STEPS[at % STEPS.len()] * factor;
        at += 1;
        if at.is_multiple_of(STEPS.len()) {
            factor *= 10;
        }
    }
    bounds
}

/// The bucket of a duration in nanoseconds. What is asked most is in the first few, so they are gone through in order.
pub(super) fn bucket(nanos: u64) -> usize {
    let fits = BOUNDS.iter().position(|bound| nanos <= *bound);
    fits.unwrap_or(BOUNDS.len())
}

/// How many durations fell into which bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Durations {
    /// By bucket: up to and including [`BOUNDS`], then all others.
    pub buckets: [u64; BUCKETS],
    /// All together, in nanoseconds.
    pub sum: u64,
}

impl Default for Durations {
    fn default() -> Self {
        Self {
            buckets: [0; BUCKETS],
            sum: 0,
        }
    }
}

impl Durations {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// How many took longer than this. Exact for each of [`BOUNDS`]; what lies between two counts as the lower one.
    pub fn over(&self, limit: Duration) -> u64 {
        let limit = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        let within = BOUNDS.iter().take_while(|bound| **bound <= limit).count();
        self.buckets[within..].iter().sum()
    }

    /// The duration that this share of all is within, interpolated inside its bucket as Prometheus's
    /// `histogram_quantile` does; `None` where there are none. What is beyond the last bound is told as that.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        clippy::cast_possible_truncation,
        reason = "an estimate"
    )]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let rank = share * count as f64;
        let mut below = 0;
        for (at, in_bucket) in self.buckets.iter().enumerate() {
            if *in_bucket > 0 && (below + in_bucket) as f64 >= rank {
                let Some(upper) = BOUNDS.get(at) else { break };
                let lower = at.checked_sub(1).map_or(0, |at| BOUNDS[at]);
                let part = (rank - below as f64) / *in_bucket as f64;
                let nanos = lower as f64 + (upper - lower) as f64 * part.clamp(0.0, 1.0);
                return Some(Duration::from_nanos(nanos as u64));
            }
            below += in_bucket;
        }
        BOUNDS.last().map(|bound| Duration::from_nanos(*bound))
    }

    /// What was added since an earlier state of the same.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let since = |at: usize| self.buckets[at].saturating_sub(earlier.buckets[at]);
        Self {
            buckets: std::array::from_fn(since),
            sum: self.sum.saturating_sub(earlier.sum),
        }
    }

    /// Both together.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        Self {
            buckets: std::array::from_fn(|at| self.buckets[at] + other.buckets[at]),
            sum: self.sum + other.sum,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(millis: &[u64]) -> Durations {
        let mut durations = Durations::default();
        for millis in millis {
            durations.buckets[bucket(millis * 1_000_000)] += 1;
            durations.sum += millis * 1_000_000;
        }
        durations
    }

    #[test]
    fn bounds_go_from_a_microsecond_to_ten_seconds_and_have_those_of_the_promises() {
        assert_eq!((BOUNDS[0], BOUNDS[1]), (1_000, 1_500));
        assert_eq!(BOUNDS.last(), Some(&10_000_000_000));
        assert!(BOUNDS.is_sorted());
        for millis in [150, 200] {
            assert!(BOUNDS.contains(&(millis * 1_000_000)), "{millis}");
        }
    }

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        assert_eq!((bucket(0), bucket(1_000), bucket(1_001)), (0, 0, 1));
        assert_eq!(bucket(10_000_000_000), BOUNDS.len() - 1);
        assert_eq!(bucket(u64::MAX), BOUNDS.len());
    }

    #[test]
    fn what_took_longer_is_counted_exactly_at_a_bound() {
        let durations = of(&[100, 150, 151, 200, 201]);
        assert_eq!(durations.over(Duration::from_millis(150)), 3);
        assert_eq!(durations.over(Duration::from_millis(200)), 1);
        assert_eq!(durations.over(Duration::from_secs(20)), 0);
    }

    #[test]
    fn a_quantile_lies_in_the_bucket_of_its_rank() {
        let millis: Vec<_> = (1..=100).collect();
        let durations = of(&millis);
        let at = |share| durations.quantile(share).unwrap().as_millis();
        assert!((45..=55).contains(&at(0.5)), "{}", at(0.5));
        assert!((90..=100).contains(&at(0.95)), "{}", at(0.95));
        assert_eq!(Durations::default().quantile(0.5), None);
        assert_eq!(of(&[60_000]).quantile(0.5), Some(Duration::from_secs(10)));
    }

    #[test]
    fn states_are_told_apart_and_put_together() {
        let (before, after) = (of(&[1, 2]), of(&[1, 2, 300]));
        assert_eq!(after.since(&before), of(&[300]));
        assert_eq!(before.with(&of(&[300])), after);
    }
}
