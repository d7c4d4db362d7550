//! How many traces are kept beside the sample: errors of an outage, or what a client wishes, could be any number.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// So many in each second.
#[derive(Debug)]
pub(super) struct Allowance {
    each_second: AtomicU32,
    /// The second, in the upper half, and how many it had.
    spent: AtomicU64,
}

impl Allowance {
    pub(super) fn new(each_second: u32) -> Self {
        Self {
            each_second: each_second.into(),
            spent: AtomicU64::new(0),
        }
    }

    /// So many from here on.
    pub(super) fn set(&self, each_second: u32) {
        self.each_second.store(each_second, Ordering::Relaxed);
    }

    /// Takes one, if there is one left.
    pub(super) fn take(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        self.take_in(now.unwrap_or_default().as_secs())
    }

    fn take_in(&self, second: u64) -> bool {
        let second = second & u64::from(u32::MAX);
        let each_second = u64::from(self.each_second.load(Ordering::Relaxed));
        let next = |spent: u64| {
            let count = if spent >> 32 == second {
                spent & u64::from(u32::MAX)
            } else {
                0
            };
            (count < each_second).then_some(second << 32 | (count + 1))
        };
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        self.spent.fetch_update(set, fetch, next).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_has_its_own() {
        let allowance = Allowance::new(2);
        let taken = [7, 7, 7, 8, 8, 8].map(|second| allowance.take_in(second));
        assert_eq!(taken, [true, true, false, true, true, false]);
        assert!(!Allowance::new(0).take());
    }
}
