//! What counts towards which objective. `export` says the same in the language of Prometheus.

use serde::Serialize;

use super::objective::{Latency, Name};
use crate::telemetry::{Code, Route, RouteCounts};

/// Events of an objective.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Events {
    /// All.
    pub total: u64,
    /// Those that spent the budget of the objective.
    pub bad: u64,
    /// Those that spent the budget of the agreement.
    pub broken: u64,
}

impl Events {
    /// Those of all objectives, in the order of [`Name::ALL`].
    ///
    /// Health is not asked by customers. A client that asks too often, or leaves, has itself to thank for that, so it is
    /// no event at all: as a good one it would hide what happens to the others.
    pub fn count(
        routes: &[RouteCounts; Route::ALL.len()],
        fast: Latency,
    ) -> [Self; Name::ALL.len()] {
        let mut all = RouteCounts::default();
        let mut reads = RouteCounts::default();
        for (route, counts) in Route::ALL.into_iter().zip(routes) {
            if route != Route::Health {
                all = all.with(counts);
            }
            if route.is_product_read() {
                reads = reads.with(counts);
            }
        }
        let nobodys = all.ended(Code::RateLimited) + all.ended(Code::Cancelled);
        let total = all.count() - nobodys;
        let failed = all.ended(Code::ServerError);
        let of = |total, bad, broken| Self { total, bad, broken };
        let unanswered = failed + all.ended(Code::Unavailable);
        let durations = &reads.durations;
        [
            of(total, unanswered, unanswered),
            of(
                durations.count(),
                durations.over(fast.slo),
                durations.over(fast.sla),
            ),
            of(total, failed, failed),
        ]
    }

    /// What was added since an earlier state of the same.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            total: self.total.saturating_sub(earlier.total),
            bad: self.bad.saturating_sub(earlier.bad),
            broken: self.broken.saturating_sub(earlier.broken),
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.total += other.total;
        self.bad += other.bad;
        self.broken += other.broken;
    }

    /// Which share of them is bad. Not a number where there are none, which is above nothing.
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    pub(super) fn bad_ratio(self) -> f64 {
        self.bad as f64 / self.total as f64
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::telemetry::Requests;

    #[test]
    fn sheds_spend_budget_and_refusals_that_clients_caused_do_not() {
        let requests = Requests::default();
        let fast = Latency {
            slo: Duration::from_millis(150),
            sla: Duration::from_millis(200),
        };
        let millis = Duration::from_millis;
        for (route, code, took, times) in [
            (Route::Product, Code::Success, millis(1), 90),
            (Route::ProductByName, Code::Success, millis(170), 4),
            (Route::Product, Code::ClientError, millis(300), 2),
            (Route::Search, Code::Success, millis(900), 4),
            (Route::Product, Code::Unavailable, millis(1), 3),
            (Route::Write, Code::ServerError, millis(1), 2),
            (Route::Product, Code::RateLimited, millis(1), 1_000),
            (Route::Product, Code::Cancelled, millis(1), 1_000),
            (Route::Health, Code::Unavailable, millis(1), 1_000),
        ] {
            for _ in 0..times {
                requests.count(route, code, took);
            }
        }
        let of = |total, bad, broken| Events { total, bad, broken };
        assert_eq!(
            Events::count(&requests.read(), fast),
            [of(105, 5, 5), of(96, 6, 2), of(105, 2, 2)]
        );
    }
}
