//! Keeps the objectives up to date, from counters that are read once a second.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use super::events::Events;
use super::file::HistoryFile;
use super::history::{All, History};
use super::objective::{ALERTS, Objectives};
use super::status::Status;

/// The objectives of this process. Clones share everything.
#[derive(Clone)]
pub struct Slo(Arc<Inner>);

struct Inner {
    objectives: Objectives,
    state: Mutex<State>,
    status: ArcSwap<Status>,
    is_frozen: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    /// Of other processes, and of those before this one.
    past: History,
    /// Of this process.
    own: History,
    /// As counted last.
    counted: All,
    file: Option<HistoryFile>,
    /// What was firing, so that it is told when that changes.
    firing: Vec<(&'static str, usize)>,
}

impl Slo {
    /// Begins with the history in this file, which it keeps there. `now`: seconds since 1970.
    pub fn open(objectives: Objectives, path: Option<&Path>, now: i64) -> Self {
        let file = path.map(HistoryFile::new);
        let mut past = file.as_ref().map(HistoryFile::read).unwrap_or_default();
        // What lies ahead was written by a clock that was wrong.
        past.minutes.retain(|bucket| bucket.begins <= now);
        past.hours.retain(|bucket| bucket.begins <= now);
        let slo = Self(Arc::new(Inner {
            objectives,
            status: ArcSwap::from_pointee(Status::of(
                &objectives,
                &All::default(),
                &past.sums(now),
                now,
            )),
            state: Mutex::new(State {
                past,
                file,
                ..State::default()
            }),
            is_frozen: AtomicBool::new(false),
        }));
        slo.observe(now, All::default());
        slo
    }

    /// What is promised.
    pub fn objectives(&self) -> &Objectives {
        &self.0.objectives
    }

    /// Takes what was counted since the start of the process, of each objective.
    pub fn observe(&self, now: i64, counted: [Events; 3]) {
        let mut state = self.state();
        let before = std::mem::replace(&mut state.counted, counted);
        let new: All = std::array::from_fn(|at| counted[at].since(before[at]));
        state.own.add(now, &new);
        state.past.forget(now);
        let (mut sums, own) = (state.past.sums(now), state.own.sums(now));
        for (of_past, of_own) in sums.iter_mut().flatten().zip(own.iter().flatten()) {
            of_past.add(*of_own);
        }
        let status = Status::of(&self.0.objectives, &counted, &sums, now);
        tell(&mut state.firing, &status);
        let was_frozen = self.0.is_frozen.swap(status.is_frozen, Ordering::Relaxed);
        if was_frozen != status.is_frozen {
            tracing::warn!(
                "{}",
                if status.is_frozen {
                    "an error budget is gone: risky flags may not be switched on"
                } else {
                    "all error budgets have something left: risky flags may be switched on again"
                }
            );
        }
        self.0.status.store(Arc::new(status));
    }

    /// As of the last look.
    pub fn status(&self) -> Arc<Status> {
        self.0.status.load_full()
    }

    /// Whether a budget is gone.
    pub fn is_frozen(&self) -> bool {
        self.0.is_frozen.load(Ordering::Relaxed)
    }

    /// Writes the history down, where this process is the one that does. Blocks.
    pub fn save(&self) {
        let mut state = self.state();
        let State {
            past, own, file, ..
        } = &mut *state;
        let Some(file) = file else { return };
        let written = file.lock().and_then(|lock| match lock {
            None => Ok(()),
            Some(is_new) => {
                if is_new {
                    *past = file.read();
                }
                file.write(&past.merge(own))
            }
        });
        if let Err(error) = written {
            tracing::warn!(%error, "the history of the objectives cannot be kept");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says what begins to fire, and what ends.
fn tell(firing: &mut Vec<(&'static str, usize)>, status: &Status) {
    for objective in &status.objectives {
        for (at, alert) in objective.alerts.iter().enumerate() {
            let this = (objective.name, at);
            let was_firing = firing.contains(&this);
            if alert.is_firing && !was_firing {
                firing.push(this);
                let (severity, long, factor) = (alert.severity, alert.long, ALERTS[at].factor);
                tracing::warn!(
                    slo = objective.name,
                    severity,
                    "the error budget is spent more than {factor} times too fast over {long}"
                );
            } else if !alert.is_firing && was_firing {
                firing.retain(|known| *known != this);
                tracing::info!(
                    slo = objective.name,
                    severity = alert.severity,
                    "the error budget is not spent too fast over {} any more",
                    alert.long
                );
            }
        }
    }
}

impl fmt::Debug for Slo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slo")
            .field("objectives", &self.0.objectives)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
