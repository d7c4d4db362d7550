//! How long to wait before something is tried again: exponentially longer each time, and never two at the same moment.

use std::time::Duration;

/// Doubles from `first` to `longest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// However often it failed.
    pub longest: Duration,
}

impl Backoff {
    /// The wait after this many failures, from 1, less up to half of it by lot.
    pub fn after(self, failures: u32) -> Duration {
        let doubled = self
            .first
            .saturating_mul(1 << failures.saturating_sub(1).min(20));
        jittered(doubled.min(self.longest))
    }
}

/// From half of `longest` to all of it, by lot: what failed together does not come back together.
pub(super) fn jittered(longest: Duration) -> Duration {
    // Without randomness everybody waits equally long, which is no failure.
    let dice = getrandom::u32().unwrap_or(u32::MAX);
    longest.mul_f64(0.5 + 0.5 * f64::from(dice) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_is_at_most_twice_the_one_before_and_no_longer_than_the_longest() {
        let backoff = Backoff {
            first: Duration::from_secs(1),
            longest: Duration::from_mins(1),
        };
        for (failures, most) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (400, 60)] {
            let most = Duration::from_secs(most);
            for _ in 0..50 {
                let wait = backoff.after(failures);
                assert!(wait >= most / 2 && wait <= most, "{failures}: {wait:?}");
            }
        }
        let waits: std::collections::HashSet<_> = (0..20).map(|_| backoff.after(5)).collect();
        assert!(waits.len() > 1);
    }
}
