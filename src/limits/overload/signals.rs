//! How the limits stand, for operators and for those who act on it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::admission::View;
use super::priority::Priority;
use super::recent::While;
use super::workers::WorkerSignals;

/// Everything.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Signals {
    /// Whether anything is limited.
    pub enabled: bool,
    /// The numbers that a ladder of degradation goes by.
    pub pressure: PressureSignals,
    /// What is limited, each for itself.
    pub dependencies: Vec<DependencySignals>,
    /// The threads that answer requests.
    pub workers: Vec<WorkerSignals>,
}

/// [`super::Pressure`], in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PressureSignals {
    /// How much of its limit the most loaded dependency had in use within the last two seconds, in the mean, from 0 to 1.
    pub saturation: f64,
    /// The wait for a place in that time, in the mean, where it was longest, in milliseconds.
    pub queue_wait_ms: f64,
    /// How late the latest worker is, in milliseconds.
    pub loop_lag_ms: f64,
    /// Of those that asked for a place in that time, the share that was turned away, from 0 to 1.
    pub shed_ratio: f64,
    /// The same of writes and reads of one product alone, to which all others give way.
    pub essential_shed_ratio: f64,
}

/// A dependency.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DependencySignals {
    /// Its name.
    pub name: &'static str,
    /// Places that may be taken.
    pub limit: usize,
    /// Places that are.
    pub in_flight: usize,
    /// Questions that wait for places.
    pub waiting: usize,
    /// The longest wait for a place within the last two seconds, in milliseconds.
    pub queue_wait_ms: f64,
    /// The part of the limit that was in use in that time, in the mean, from 0 to 1.
    pub saturation: f64,
    /// `closed`: it is asked; `open`: it is not, for it failed; `probing`.
    pub breaker: &'static str,
    /// Who got a place since the start, by priority.
    pub admitted: BTreeMap<&'static str, u64>,
    /// Who was turned away since the start, by priority.
    pub shed: BTreeMap<&'static str, u64>,
    /// What a call takes when there are few, in milliseconds, by kind, where that is known.
    pub baseline_ms: BTreeMap<&'static str, f64>,
    /// Who asked for a place, and was turned away, within the last two seconds.
    #[serde(skip)]
    pub(super) lately: While,
}

pub(super) fn in_ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

impl DependencySignals {
    pub(super) fn new(name: &'static str, view: View, breaker: &'static str) -> Self {
        let by_priority = |counts: &[u64]| {
            let named = Priority::ALL.iter().map(|priority| priority.name());
            named.zip(counts.iter().copied()).collect()
        };
        let baselines = view.baselines.into_iter();
        Self {
            name,
            limit: view.limit,
            in_flight: view.in_flight,
            waiting: view.waiting,
            queue_wait_ms: in_ms(view.recent.longest_wait),
            saturation: view.recent.saturation(),
            breaker,
            admitted: by_priority(&view.admitted),
            shed: by_priority(&view.shed),
            baseline_ms: baselines.map(|(kind, time)| (kind, in_ms(time))).collect(),
            lately: view.recent,
        }
    }
}
