//! Who may be at a dependency now: the limit, those within it, and those who wait.
//!
//! Pure: time comes in as an argument, and whoever waits is whatever the caller says.

use std::time::Duration;

use super::gradient::{Gradient, GradientOptions};
use super::priority::Priority;
use super::recent::{Recent, While};
use super::waiting::{Waiter as MayLeave, Waiting};

/// One who waits, and what for.
#[derive(Debug)]
struct Waiter<W> {
    ask: Ask,
    waits: W,
}

impl<W: MayLeave> MayLeave for Waiter<W> {
    fn is_gone(&self) -> bool {
        self.waits.is_gone()
    }
}

/// Who asks for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) priority: Priority,
    /// Calls of one kind take about as long as each other when there are few.
    pub(super) kind: &'static str,
    /// How many places it takes, at least one.
    pub(super) places: usize,
}

/// Places at the dependency, from [`Admission::ask`] to [`Admission::leave`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) ask: Ask,
    since: Duration,
    /// How many were taken then, these included.
    in_flight: usize,
}

impl Place {
    /// Since it was taken.
    pub(super) fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.since)
    }
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was answered: how long that took is a measurement.
    Answered,
    /// The dependency has more to do than it can.
    Overflowed,
    /// It says nothing about how much there is to do.
    Unknown,
}

/// Of each priority, since the start.
pub(super) type Counts = [u64; Priority::COUNT];

/// What there is to be seen.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) limit: usize,
    pub(super) in_flight: usize,
    pub(super) waiting: usize,
    pub(super) admitted: Counts,
    pub(super) shed: Counts,
    pub(super) recent: While,
    pub(super) baselines: Vec<(&'static str, Duration)>,
}

/// Everything about one dependency.
#[derive(Debug)]
pub(super) struct Admission<W> {
    gradient: Gradient,
    waiting: Waiting<Waiter<W>>,
    in_flight: usize,
    admitted: Counts,
    shed: Counts,
    recent: Recent,
}

impl<W: MayLeave> Admission<W> {
    pub(super) fn new(options: GradientOptions, target: Duration) -> Self {
        Self {
            gradient: Gradient::new(options),
            waiting: Waiting::new(target),
            in_flight: 0,
            admitted: Counts::default(),
            shed: Counts::default(),
            recent: Recent::default(),
        }
    }

    /// A place, if there is one, and nobody waits who comes before.
    pub(super) fn ask(&mut self, now: Duration, ask: Ask) -> Option<Place> {
        #[expect(clippy::cast_precision_loss, reason = "a few thousand at most")]
        let in_use = self.in_flight as f64 / self.gradient.limit() as f64;
        let recent = self.recent.at(now);
        recent.asked += 1;
        recent.in_use += in_use.min(1.0);
        recent.essential_asked += u64::from(ask.priority.is_essential());
        let is_free = fits(self.in_flight, self.gradient.limit(), &ask)
            && self.waiting.is_clear_for(ask.priority);
        is_free.then(|| self.admit(now, ask))
    }

    fn admit(&mut self, now: Duration, ask: Ask) -> Place {
        self.in_flight += ask.places;
        self.admitted[ask.priority.index()] += 1;
        self.recent.at(now).admitted += 1;
        Place {
            ask,
            since: now,
            in_flight: self.in_flight,
        }
    }

    /// How long one who comes now may wait.
    pub(super) fn patience(&mut self, now: Duration, priority: Priority) -> Duration {
        self.waiting.patience(now, priority)
    }

    /// Has one wait. Where that is one too many, returns the one who has to go.
    pub(super) fn wait(&mut self, now: Duration, ask: Ask, waits: W) -> Option<W> {
        let spared = self
            .waiting
            .push(now, ask.priority, Waiter { ask, waits })?;
        Some(spared.waits)
    }

    /// One was turned away.
    pub(super) fn shed(&mut self, now: Duration, priority: Priority) {
        self.shed[priority.index()] += 1;
        let recent = self.recent.at(now);
        recent.shed += 1;
        recent.essential_shed += u64::from(priority.is_essential());
    }

    /// Gives a place back. Returns those whose turn it is now, with their places.
    pub(super) fn leave(
        &mut self,
        now: Duration,
        place: Place,
        outcome: Outcome,
    ) -> Vec<(Place, W)> {
        match outcome {
            Outcome::Answered => {
                let took = place.age(now);
                self.gradient
                    .answered(now, place.ask.kind, took, place.in_flight);
            }
            Outcome::Overflowed => self.gradient.overflowed(now, place.in_flight),
            Outcome::Unknown => {}
        }
        self.in_flight -= place.ask.places;
        let mut next = Vec::new();
        loop {
            let (in_flight, limit) = (self.in_flight, self.gradient.limit());
            let fits = |waiter: &Waiter<W>| fits(in_flight, limit, &waiter.ask);
            let Some((_, waited, Waiter { ask, waits })) = self.waiting.pop(now, fits) else {
                return next;
            };
            let recent = self.recent.at(now);
            recent.longest_wait = recent.longest_wait.max(waited);
            recent.waits += waited;
            next.push((self.admit(now, ask), waits));
        }
    }

    pub(super) fn view(&mut self, now: Duration) -> View {
        View {
            limit: self.gradient.limit(),
            in_flight: self.in_flight,
            waiting: self.waiting.len(),
            admitted: self.admitted,
            shed: self.shed,
            recent: self.recent.read(now),
            baselines: self.gradient.baselines().collect(),
        }
    }
}

/// What takes more than the whole limit passes alone.
fn fits(in_flight: usize, limit: usize, ask: &Ask) -> bool {
    in_flight == 0 || in_flight + ask.places <= limit
}

#[cfg(test)]
mod tests;
