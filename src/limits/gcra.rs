//! One window: the generic cell rate algorithm (ITU-T I.371, annex A), as governor has it.
//!
//! All there is to remember of a client is when it will have its whole quota again, the theoretical arrival time.

use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos as GovernorNanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};

use super::policy::Window;
use super::table::Nanos;

/// When a client has its whole quota again; in the past for one that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arrival(Cell<Nanos>);

impl Arrival {
    pub(super) fn new(at: Nanos) -> Self {
        Self(Cell::new(at))
    }

    pub(super) fn get(&self) -> Nanos {
        self.0.get()
    }
}

/// governor asks it of whatever is a key; nothing here looks one up by it.
impl Hash for Arrival {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.get().hash(state);
    }
}

/// How a window stands for a client after it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// So many requests are left.
    Allowed { remaining: u32 },
    /// There is one again after this time.
    Refused { wait: Duration },
}

/// A window's arithmetic. Keeps no state of clients.
pub(super) struct Gcra {
    limiter: RateLimiter<Arrival, InPlace, Told, StateInformationMiddleware>,
    /// In which one request comes back.
    interval: Duration,
    quota: NonZeroU32,
}

impl Gcra {
    pub(super) fn new(window: &Window, quota: NonZeroU32) -> Self {
        // The clock of governor starts here: arrivals are those of ours.
        NOW.set(0);
        let interval = window.length / quota.get();
        let interval = interval.max(Duration::from_nanos(1));
        let cells = Quota::with_period(interval).unwrap_or(Quota::per_second(NonZeroU32::MIN));
        Self {
            limiter: RateLimiter::new(cells.allow_burst(quota), InPlace, Told),
            interval,
            quota,
        }
    }

    /// Takes one request's allowance, if there is one.
    pub(super) fn take(&self, arrival: &Arrival, now: Nanos) -> Outcome {
        NOW.set(now);
        match self.limiter.check_key(arrival) {
            Ok(state) => Outcome::Allowed {
                remaining: state.remaining_burst_capacity(),
            },
            Err(not_until) => Outcome::Refused {
                wait: not_until.wait_time_from(now.into()),
            },
        }
    }

    /// After how long the whole quota is there again, with so much of it left.
    pub(super) fn whole_after(&self, remaining: u32) -> Duration {
        self.interval
            .saturating_mul(self.quota.get().saturating_sub(remaining))
    }
}

thread_local! {
    /// The time of the decision under way: it is read once for all windows.
    static NOW: Cell<Nanos> = const { Cell::new(0) };
}

/// Says what it was told.
struct Told;

impl Clock for Told {
    type Instant = GovernorNanos;

    fn now(&self) -> GovernorNanos {
        NOW.get().into()
    }
}

/// The key is where its state is: a place in the table, which whoever asks has locked.
struct InPlace;

impl StateStore for InPlace {
    type Key = Arrival;

    fn measure_and_replace<T, F, E>(&self, arrival: &Arrival, decide: F) -> Result<T, E>
    where
        F: Fn(Option<GovernorNanos>) -> Result<(T, GovernorNanos), E>,
    {
        let (decision, next) = decide(Some(arrival.get().into()))?;
        arrival.0.set(next.into());
        Ok(decision)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    fn gcra(quota: u32, seconds: u64) -> Gcra {
        let quota = NonZeroU32::new(quota).unwrap();
        let window = Window {
            name: "w".to_owned(),
            quota,
            length: Duration::from_secs(seconds),
        };
        Gcra::new(&window, quota)
    }

    #[test]
    fn a_whole_quota_at_once_and_then_one_each_interval() {
        let gcra = gcra(4, 8);
        let arrival = Arrival::new(0);
        let now = 100 * SECOND;
        for remaining in [3, 2, 1, 0] {
            assert_eq!(gcra.take(&arrival, now), Outcome::Allowed { remaining });
        }
        assert_eq!(gcra.whole_after(0), Duration::from_secs(8));
        assert_eq!(arrival.get(), now + 8 * SECOND);
        let refused = |wait| Outcome::Refused {
            wait: Duration::from_nanos(wait),
        };
        assert_eq!(gcra.take(&arrival, now), refused(2 * SECOND));
        assert_eq!(gcra.take(&arrival, now + 2 * SECOND - 1), refused(1));
        let later = now + 2 * SECOND;
        assert_eq!(
            gcra.take(&arrival, later),
            Outcome::Allowed { remaining: 0 }
        );
        assert_eq!(gcra.take(&arrival, later), refused(2 * SECOND));
        // A clock that goes back gives nothing away, and takes nothing.
        assert_eq!(gcra.take(&arrival, now), refused(4 * SECOND));
    }

    proptest! {
        /// In no stretch of time is more allowed than the quota and what came back in it; and who waits as long as it
        /// was told is allowed.
        #[test]
        fn never_more_and_never_longer_than_told(
            quota in 1..200_u32,
            seconds in 1..1_000_u64,
            steps in prop::collection::vec(0..20_u64, 1..300),
        ) {
            let gcra = gcra(quota, seconds);
            let interval = seconds * SECOND / u64::from(quota);
            let arrival = Arrival::new(0);
            let mut now = 1_000_000 * SECOND;
            let mut allowed = Vec::new();
            for step in steps {
                now += step * interval / 10;
                match gcra.take(&arrival, now) {
                    Outcome::Allowed { .. } => allowed.push(now),
                    Outcome::Refused { wait } => {
                        let wait = u64::try_from(wait.as_nanos()).unwrap();
                        prop_assert!(wait > 0 && wait <= interval);
                        let before = Arrival::new(arrival.get());
                        let is_refused = |it| matches!(it, Outcome::Refused { .. });
                        prop_assert!(is_refused(gcra.take(&before, now + wait - 1)));
                        prop_assert!(!is_refused(gcra.take(&before, now + wait)));
                    }
                }
            }
            for (at, from) in allowed.iter().enumerate() {
                for (count, to) in (1..).zip(&allowed[at..]) {
                    prop_assert!(count <= u64::from(quota) + (to - from) / interval);
                }
            }
        }
    }
}
