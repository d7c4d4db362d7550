//! A circuit breaker: after some failures in a row nobody tries any more, but for one probe at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Milliseconds on the clock of whoever asks.
pub(crate) type Millis = u64;

/// When it opens, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BreakerOptions {
    /// Failures in a row that open it.
    pub(crate) failures: u32,
    /// From a failure until the next probe.
    pub(crate) cool_down: Millis,
}

/// The breaker.
#[derive(Debug)]
pub(crate) struct Breaker {
    options: BreakerOptions,
    state: Mutex<State>,
}

/// Everything there is to it; each of its methods is one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct State {
    phase: Phase,
    /// Rises whenever it closes, so that what was tried before says nothing about what is tried now.
    period: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    Closed { failures: u32 },
    Open { until: Millis },
    Probing,
}

/// The period in which something is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Attempt {
    period: u64,
}

impl Breaker {
    /// One that begins open: the first probe closes it.
    pub(crate) fn new(options: BreakerOptions) -> Self {
        Self::in_phase(options, Phase::Open { until: 0 })
    }

    /// One that begins closed.
    pub(crate) fn closed(options: BreakerOptions) -> Self {
        Self::in_phase(options, Phase::Closed { failures: 0 })
    }

    fn in_phase(options: BreakerOptions, phase: Phase) -> Self {
        Self {
            options,
            state: Mutex::new(State { phase, period: 0 }),
        }
    }

    /// The right to try; none unless it is closed.
    pub(crate) fn attempt(&self) -> Option<Attempt> {
        self.lock().attempt()
    }

    /// That went well.
    pub(crate) fn succeeded(&self, attempt: Attempt) {
        self.lock().succeeded(attempt);
    }

    /// That went wrong. True where it opened the breaker.
    pub(crate) fn failed(&self, attempt: Attempt, now: Millis) -> bool {
        self.lock().failed(attempt, 1, now, self.options)
    }

    /// That went wrong beyond doubt: it opens, whatever the count. True where this did it.
    pub(crate) fn lost(&self, attempt: Attempt, now: Millis) -> bool {
        self.lock().failed(attempt, u32::MAX, now, self.options)
    }

    /// Opens it, for one who knows that nothing can be tried.
    pub(crate) fn open(&self, now: Millis) {
        self.lock().open(now, self.options);
    }

    /// How it stands.
    pub(crate) fn phase(&self) -> Phase {
        self.lock().phase
    }

    /// The right to probe, to one at a time, once the breaker is open and has cooled down; else how long to wait
    /// before asking again.
    pub(crate) fn probe(&self, now: Millis) -> Result<Probe<'_>, Millis> {
        self.lock().probe(now, self.options)?;
        Ok(Probe {
            breaker: self,
            now,
            is_over: false,
        })
    }

    /// Takes the right to probe without a guard: whoever has it says how it went, by [`Self::open`] or [`Self::close`].
    pub(crate) fn begin_probe(&self, now: Millis) -> bool {
        self.lock().probe(now, self.options).is_ok()
    }

    /// The probe went well.
    pub(crate) fn close(&self) {
        self.lock().close();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one probe. Dropped, by a panic or because nobody awaited it, it failed.
#[derive(Debug)]
pub(crate) struct Probe<'b> {
    breaker: &'b Breaker,
    now: Millis,
    is_over: bool,
}

impl Probe<'_> {
    /// Closes the breaker.
    pub(crate) fn succeeded(mut self) {
        self.is_over = true;
        self.breaker.lock().close();
    }

    /// Opens it again.
    pub(crate) fn failed(mut self, now: Millis) {
        self.now = now;
    }
}

impl Drop for Probe<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.breaker.open(self.now);
        }
    }
}

impl State {
    fn attempt(self) -> Option<Attempt> {
        let is_closed = matches!(self.phase, Phase::Closed { .. });
        is_closed.then_some(Attempt {
            period: self.period,
        })
    }

    fn succeeded(&mut self, attempt: Attempt) {
        if let Phase::Closed { failures } = &mut self.phase
            && attempt.period == self.period
        {
            *failures = 0;
        }
    }

    fn failed(
        &mut self,
        attempt: Attempt,
        weight: u32,
        now: Millis,
        options: BreakerOptions,
    ) -> bool {
        let Phase::Closed { failures } = &mut self.phase else {
            return false;
        };
        if attempt.period != self.period {
            return false;
        }
        *failures = failures.saturating_add(weight);
        let opens = *failures >= options.failures;
        if opens {
            self.open(now, options);
        }
        opens
    }

    fn open(&mut self, now: Millis, options: BreakerOptions) {
        let until = now.saturating_add(options.cool_down);
        self.phase = Phase::Open { until };
    }

    fn probe(&mut self, now: Millis, options: BreakerOptions) -> Result<(), Millis> {
        match self.phase {
            Phase::Open { until } if now >= until => {
                self.phase = Phase::Probing;
                Ok(())
            }
            Phase::Open { until } => Err(until - now),
            Phase::Closed { .. } | Phase::Probing => Err(options.cool_down),
        }
    }

    fn close(&mut self) {
        self.phase = Phase::Closed { failures: 0 };
        self.period += 1;
    }
}

#[cfg(test)]
mod tests {
    //! Each method is one step under the lock, so the interleavings of threads are the orders of their steps. All
    //! of them are tried, from every state that can be reached, up to a depth.

    use std::collections::HashSet;

    use super::*;

    const OPTIONS: BreakerOptions = BreakerOptions {
        failures: 2,
        cool_down: 10,
    };
    const CALLERS: usize = 3;
    const DEPTH: usize = 24;

    /// The breaker among callers that each try, and end well or not; one that probes; and the clock.
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    struct World {
        state: State,
        now: Millis,
        trying: [Option<Attempt>; CALLERS],
        probing: bool,
        /// Failures since the last success, of attempts of this period.
        in_a_row: u32,
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Try(usize),
        Succeed(usize),
        Fail(usize),
        Probe,
        ProbeSucceeds,
        ProbeFails,
        Tick,
    }

    impl World {
        fn steps(&self) -> Vec<Step> {
            let mut steps = vec![Step::Tick];
            for caller in 0..CALLERS {
                if self.trying[caller].is_none() {
                    steps.push(Step::Try(caller));
                } else {
                    steps.extend([Step::Succeed(caller), Step::Fail(caller)]);
                }
            }
            // Whether a second probe is refused is part of what is tested.
            steps.push(Step::Probe);
            if self.probing {
                steps.extend([Step::ProbeSucceeds, Step::ProbeFails]);
            }
            steps
        }

        fn take(&mut self, step: Step) {
            let before = self.state;
            match step {
                Step::Try(caller) => {
                    let attempt = self.state.attempt();
                    let is_closed = matches!(before.phase, Phase::Closed { .. });
                    assert_eq!(attempt.is_some(), is_closed, "open means that nobody tries");
                    self.trying[caller] = attempt;
                }
                Step::Succeed(caller) => {
                    let attempt = self.trying[caller].take().unwrap();
                    self.state.succeeded(attempt);
                    assert_eq!(before.attempt(), self.state.attempt(), "it opens nothing");
                    if Some(attempt) == before.attempt() {
                        self.in_a_row = 0;
                    }
                }
                Step::Fail(caller) => {
                    let attempt = self.trying[caller].take().unwrap();
                    let opened = self.state.failed(attempt, 1, self.now, OPTIONS);
                    if Some(attempt) == before.attempt() {
                        self.in_a_row += 1;
                        assert_eq!(opened, self.in_a_row >= OPTIONS.failures);
                    } else {
                        assert!(!opened);
                        assert_eq!(self.state, before, "it is of another period");
                    }
                }
                Step::Probe => match self.state.probe(self.now, OPTIONS) {
                    Ok(()) => {
                        assert!(!self.probing, "two probes at a time");
                        let Phase::Open { until } = before.phase else {
                            panic!("a probe of {before:?}");
                        };
                        assert!(self.now >= until, "too early");
                        self.probing = true;
                    }
                    Err(wait) => {
                        // Not for ever: it is closed, or is being probed, or cools down.
                        assert!(wait > 0);
                        match before.phase {
                            Phase::Open { until } => assert_eq!(self.now + wait, until),
                            Phase::Probing => assert!(self.probing, "a probe that nobody makes"),
                            Phase::Closed { .. } => {}
                        }
                    }
                },
                Step::ProbeSucceeds => {
                    self.state.close();
                    self.probing = false;
                    self.in_a_row = 0;
                    assert!(self.state.attempt().is_some());
                }
                Step::ProbeFails => {
                    self.state.open(self.now, OPTIONS);
                    self.probing = false;
                    assert!(self.state.attempt().is_none());
                    assert!(self.state.clone().probe(self.now, OPTIONS).is_err());
                }
                Step::Tick => self.now += OPTIONS.cool_down / 2,
            }
            if self.probing {
                assert_eq!(self.state.phase, Phase::Probing);
            }
        }
    }

    #[test]
    fn all_orders_of_steps_keep_the_rules() {
        let start = World {
            state: Breaker::new(OPTIONS).state.into_inner().unwrap(),
            now: 0,
            trying: [None; CALLERS],
            probing: false,
            in_a_row: 0,
        };
        let mut reached = HashSet::from([start.clone()]);
        let mut frontier = vec![start];
        let mut phases = HashSet::new();
        for _ in 0..DEPTH {
            let mut next = Vec::new();
            for world in &frontier {
                for step in world.steps() {
                    let mut after = world.clone();
                    after.take(step);
                    phases.insert(std::mem::discriminant(&after.state.phase));
                    if reached.insert(after.clone()) {
                        next.push(after);
                    }
                }
            }
            frontier = next;
        }
        assert_eq!(phases.len(), 3);
        assert!(reached.len() > 1_000, "{}", reached.len());
    }

    #[test]
    fn a_probe_that_is_dropped_has_failed() {
        let breaker = Breaker::new(OPTIONS);
        drop(breaker.probe(0).unwrap());
        assert_eq!(breaker.probe(1).unwrap_err(), 9);
        breaker.probe(10).unwrap().failed(15);
        assert_eq!(breaker.probe(20).unwrap_err(), 5);
        breaker.probe(25).unwrap().succeeded();
        assert!(breaker.attempt().is_some());
    }

    #[test]
    fn a_loss_opens_at_once_and_in_its_own_period_alone() {
        let breaker = Breaker::new(OPTIONS);
        breaker.probe(0).unwrap().succeeded();
        let first = breaker.attempt().unwrap();
        assert!(breaker.lost(first, 0));
        assert!(!breaker.lost(first, 0), "it is open already");
        breaker.probe(10).unwrap().succeeded();
        assert!(!breaker.lost(first, 10), "that was before");
        assert!(breaker.attempt().is_some());
    }
}
