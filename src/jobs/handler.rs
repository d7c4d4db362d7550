//! Who does the jobs of a kind, and within which limits.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::backoff::Backoff;
use super::job::{Job, Kind};

/// Why a job was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It may be the next time.
    Passing(String),
    /// It may be after so long.
    PassingFor(Duration, String),
    /// It never will be.
    Lasting(String),
}

impl Failure {
    /// It may be done the next time.
    pub fn passing(reason: impl Display) -> Self {
        Self::Passing(reason.to_string())
    }

    /// It never will be done.
    pub fn lasting(reason: impl Display) -> Self {
        Self::Lasting(reason.to_string())
    }
}

/// Does the jobs of one kind.
///
/// A job may be begun again though it was done, where the word of that was lost, and two workers may be at it where one
/// of them was thought dead: what it does has to stand that.
pub trait Handler: Send + Sync + 'static {
    /// Does a job. Where it ended it in a transaction of its own ([`Lease`](super::Lease)), that is what holds: what it
    /// returns then changes nothing. Runs on the threads of the workers, so it must not block them: what blocks goes to
    /// [`tokio::task::spawn_blocking`]. Dropped half-way where it takes too long, is cancelled or lost, or the process
    /// ends.
    fn run<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Result<(), Failure>>;
}

/// How fast jobs are begun, by all workers together: evenly, after a burst of at most as many as have saved up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// So many
    pub jobs: u32,
    /// in so long.
    pub per: Duration,
    /// At once where none was begun for a while; at least one.
    pub burst: u32,
}

impl Rate {
    /// Between two jobs, in milliseconds, at least 1.
    pub(super) fn interval(self) -> i64 {
        (super::job::millis(self.per) / i64::from(self.jobs.max(1))).max(1)
    }

    /// How much earlier than evenly spread one may begin, in milliseconds.
    fn tolerance(self) -> i64 {
        self.interval() * i64::from(self.burst.max(1) - 1)
    }

    /// When the next one is due. A time that no beginning can have left was left by a clock that has been set back.
    fn due(self, now: i64, next_at: i64) -> i64 {
        if next_at > now + self.tolerance() + self.interval() {
            now
        } else {
            next_at.max(now)
        }
    }

    /// How many may begin at `now`, where the next one is due at `next_at`, in milliseconds. The generic cell rate
    /// algorithm (ITU-T I.371).
    pub(super) fn allowed(self, now: i64, next_at: i64) -> usize {
        let room = now + self.tolerance() - self.due(now, next_at);
        let allowed = if room < 0 {
            0
        } else {
            room / self.interval() + 1
        };
        usize::try_from(allowed).unwrap_or(usize::MAX)
    }

    /// When the next one is due after `begun` of them at `now`.
    pub(super) fn next_at(self, now: i64, next_at: i64, begun: usize) -> i64 {
        let begun = i64::try_from(begun).unwrap_or(i64::MAX / self.interval());
        self.due(now, next_at) + self.interval() * begun
    }

    /// How long after `now` one may begin.
    pub(super) fn wait(self, now: i64, next_at: i64) -> Duration {
        let wait = self.due(now, next_at) - self.tolerance() - now;
        Duration::from_millis(wait.max(0).unsigned_abs())
    }
}

/// Within which limits the jobs of a kind are done.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// At once, in one process.
    pub concurrency: usize,
    /// How fast they are begun, by all processes together.
    pub rate: Option<Rate>,
    /// How long one may take.
    pub timeout: Duration,
    /// When one that failed is tried again.
    pub backoff: Backoff,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrency: 4,
            rate: None,
            timeout: Duration::from_mins(1),
            backoff: Backoff {
                first: Duration::from_secs(1),
                longest: Duration::from_mins(30),
            },
        }
    }
}

/// A kind, and who does its jobs.
#[derive(Clone)]
pub struct Registered {
    /// The kind.
    pub kind: Kind,
    /// Within which limits.
    pub limits: Limits,
    /// By whom.
    pub handler: Arc<dyn Handler>,
}

impl Registered {
    /// Has `handler` do the jobs of `kind`.
    pub fn new(kind: Kind, limits: Limits, handler: impl Handler) -> Self {
        Self {
            kind,
            limits,
            handler: Arc::new(handler),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_lets_a_burst_begin_and_then_one_at_a_time() {
        let rate = Rate {
            jobs: 10,
            per: Duration::from_secs(1),
            burst: 3,
        };
        let now = 1_000_000;
        assert_eq!(rate.allowed(now, 0), 3);
        let next_at = rate.next_at(now, 0, 3);
        assert_eq!(rate.allowed(now, next_at), 0);
        let wait = rate.wait(now, next_at);
        assert_eq!(wait, Duration::from_millis(100));
        assert_eq!(rate.allowed(now + 99, next_at), 0);
        assert_eq!(rate.allowed(now + 100, next_at), 1);
        assert_eq!(rate.allowed(now + 1_000, next_at), 3);
    }

    #[test]
    fn a_clock_that_was_set_back_stops_no_kind() {
        let rate = Rate {
            jobs: 1,
            per: Duration::from_secs(1),
            burst: 1,
        };
        let (now, far) = (1_000, 3_600_000);
        assert_eq!(rate.allowed(now, far), 1);
        let next_at = rate.next_at(now, far, 1);
        assert_eq!((rate.allowed(now, next_at), next_at), (0, 2_000));
    }
}
