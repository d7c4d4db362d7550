//! How much may be tried again: a tenth of what is asked, so that a dependency that fails is not asked several times as
//! much as one that does not (Google, "Site Reliability Engineering", chapter 21).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What counts is what was within so many seconds, counted for each of them.
const STEPS: usize = 10;
/// Of a hundred, so many may be tried again.
const PERCENT: u64 = 10;
/// So many may be tried again in that time however little is asked, or a quiet shop would notice each lost
/// connection: ten a second, as Finagle's `RetryBudget` has it.
const FEW: u64 = 100;

/// Shared by all that asks one dependency. Clones share it.
#[derive(Debug, Clone)]
pub struct RetryBudget {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    origin: Instant,
    window: Mutex<Window>,
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct RetryCounts {
    /// Asked for the first time, within the last ten seconds.
    pub asked: u64,
    /// Asked again, in the same time.
    pub retried: u64,
    /// How many more may be asked again now.
    pub left: u64,
    /// How many were not, since the start.
    pub refused: u64,
}

/// Steps of a second, the one that is and those before.
#[derive(Debug, Default)]
struct Window {
    asked: [u64; STEPS],
    retried: [u64; STEPS],
    /// Which second the newest step is.
    second: u64,
    refused: u64,
}

impl Window {
    /// Makes the step of this second the newest, and forgets those that are too old. Returns its place.
    fn step(&mut self, second: u64) -> usize {
        let steps = STEPS as u64;
        let place = |second: u64| usize::try_from(second % steps).unwrap_or_default();
        let passed = second.saturating_sub(self.second).min(steps);
        for ago in 0..passed {
            let forgotten = place(second - ago);
            self.asked[forgotten] = 0;
            self.retried[forgotten] = 0;
        }
        self.second = self.second.max(second);
        place(self.second)
    }

    fn totals(&self) -> (u64, u64) {
        (self.asked.iter().sum(), self.retried.iter().sum())
    }
}

fn allowed(asked: u64) -> u64 {
    (asked * PERCENT / 100).max(FEW)
}

impl RetryBudget {
    /// Something is asked for the first time.
    pub fn asked(&self) {
        self.asked_at(self.shared.origin.elapsed());
    }

    /// Whether it may be asked again. Counts it if so.
    pub fn may_retry(&self) -> bool {
        self.may_retry_at(self.shared.origin.elapsed())
    }

    /// How it stands.
    pub fn counts(&self) -> RetryCounts {
        let mut window = self.lock();
        window.step(self.shared.origin.elapsed().as_secs());
        let (asked, retried) = window.totals();
        RetryCounts {
            asked,
            retried,
            left: allowed(asked).saturating_sub(retried),
            refused: window.refused,
        }
    }

    fn asked_at(&self, now: Duration) {
        let mut window = self.lock();
        let step = window.step(now.as_secs());
        window.asked[step] += 1;
    }

    fn may_retry_at(&self, now: Duration) -> bool {
        let mut window = self.lock();
        let step = window.step(now.as_secs());
        let (asked, retried) = window.totals();
        let may = retried < allowed(asked);
        if may {
            window.retried[step] += 1;
        } else {
            window.refused += 1;
        }
        may
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Window> {
        self.shared
            .window
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self {
            shared: Arc::new(Shared {
                origin: Instant::now(),
                window: Mutex::default(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_that_fail_a_tenth_is_tried_again() {
        let budget = RetryBudget::default();
        let mut retried = 0_u64;
        let mut all = 0_u64;
        // For a minute, a thousand each second.
        for millisecond in 0..60_000 {
            let now = Duration::from_millis(millisecond);
            budget.asked_at(now);
            all += 1;
            // Each would be tried three times more.
            retried += (0..3)
                .map(|_| u64::from(budget.may_retry_at(now)))
                .sum::<u64>();
        }
        assert!(retried <= all / 10 + FEW, "{retried} of {all}");
        assert!(retried >= all / 11, "{retried} of {all}");
    }

    #[test]
    fn a_few_may_always_be_and_what_is_old_counts_no_more() {
        let budget = RetryBudget::default();
        let at = Duration::from_secs;
        budget.asked_at(at(0));
        let tried = (0..999).filter(|_| budget.may_retry_at(at(0))).count();
        assert_eq!(tried as u64, FEW);
        assert!(!budget.may_retry_at(at(9)));
        assert!(budget.may_retry_at(at(STEPS as u64)));
        // After a long pause nothing is left of before.
        for _ in 0..5_000 {
            budget.asked_at(at(100));
        }
        let tried = (0..999).filter(|_| budget.may_retry_at(at(103))).count();
        assert_eq!(tried, 500);
        assert_eq!(budget.lock().totals(), (5_000, 500));
    }
}
