//! A dependency, and the way to it: past the breaker, through the queue, within the limit, until the deadline.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::admission::{Admission, Ask, Outcome, Place, View};
use super::context::{self, Context};
use super::gradient::GradientOptions;
use super::priority::Priority;
use super::refused::Refused;
use super::signals::DependencySignals;
use super::waiting::Waiter;
use crate::limits::breaker::{Attempt, Breaker, BreakerOptions, Millis, Phase};

/// Failures in a row that open the breaker, and the time until it is tried again.
const BREAKER: BreakerOptions = BreakerOptions {
    failures: 10,
    cool_down: 250,
};
/// How many times as long as alone a call may take: as many may wait at the dependency as it works on.
const TOLERANCE: f64 = 2.0;
/// No limit is more than so many times what a dependency does in parallel: the rest would wait there, where nobody
/// knows who matters more.
const MOST_TIMES: u32 = 4;
/// What is shed is told of once in this time.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// What is known of a dependency beforehand.
#[derive(Debug, Clone, Copy)]
pub struct DependencyOptions {
    /// Its name, for operators.
    pub name: &'static str,
    /// Places that it works on in parallel: its threads, its connections. So many there are always.
    pub parallel: u32,
}

/// What is asked of a dependency.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// Questions of one kind take about as long as each other when there are few.
    pub kind: &'static str,
    /// How many places it takes, at least one.
    pub places: u32,
    /// How long the answer may take. Whoever asks keeps to that; half of it without an answer says that the
    /// dependency has too much to do, or is gone.
    pub limit: Duration,
}

/// What an error of a call says of the dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It answered: the question was wrong.
    Answered,
    /// It did not answer.
    Failed,
}

/// What is limited. Clones share everything.
#[derive(Clone)]
pub struct Dependency {
    shared: Arc<Shared>,
}

struct Shared {
    name: &'static str,
    /// `None` where nothing is limited.
    limits: Option<Limits>,
}

struct Limits {
    origin: Instant,
    admission: Mutex<Admission<Ticket>>,
    breaker: Breaker,
    told: Mutex<Told>,
}

/// What was shed since that was last told.
#[derive(Default)]
struct Told {
    last: Option<Instant>,
    since: u64,
}

/// One who waits for a place.
type Ticket = oneshot::Sender<Taken>;

impl Waiter for Ticket {
    fn is_gone(&self) -> bool {
        self.is_closed()
    }
}

/// A place that is given back however its holder ends.
struct Taken {
    shared: Arc<Shared>,
    place: Place,
    /// `None` until it is known, and where it is given up.
    outcome: Option<Outcome>,
    /// What is given up after so long was too much for the dependency.
    patience: Duration,
}

impl Taken {
    fn new(shared: &Arc<Shared>, place: Place) -> Self {
        Self {
            shared: Arc::clone(shared),
            place,
            outcome: None,
            patience: Duration::MAX,
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let Some(limits) = &self.shared.limits else {
            return;
        };
        let now = limits.now();
        let outcome = self.outcome.unwrap_or_else(|| {
            if self.place.age(now) >= self.patience {
                Outcome::Overflowed
            } else {
                Outcome::Unknown
            }
        });
        let next = limits.lock().leave(now, self.place, outcome);
        for (place, ticket) in next {
            // One who has given up this moment hands it back by not taking it.
            let _ = ticket.send(Self::new(&self.shared, place));
        }
    }
}

/// What a call says to the breaker. One that ends without a word is a failure if it took its time.
struct Try<'l> {
    limits: &'l Limits,
    /// `None` for the one that finds out whether it works again.
    attempt: Option<Attempt>,
    /// When the dependency was asked; `None` before.
    since: Option<Instant>,
    /// A silence of so long is a failure.
    patience: Duration,
    is_over: bool,
}

impl Try<'_> {
    fn ended(&mut self, failed: bool) {
        self.is_over = true;
        let (breaker, now) = (&self.limits.breaker, self.limits.millis());
        match (self.attempt, failed) {
            (Some(attempt), false) => breaker.succeeded(attempt),
            (Some(attempt), true) => {
                breaker.failed(attempt, now);
            }
            (None, false) => breaker.close(),
            (None, true) => breaker.open(now),
        }
    }
}

impl Drop for Try<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let was_silent = self
            .since
            .is_some_and(|since| since.elapsed() >= self.patience);
        // A probe that found nothing out leaves the breaker open.
        if self.attempt.is_none() || was_silent {
            self.ended(true);
        }
    }
}

impl Limits {
    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    fn millis(&self) -> Millis {
        u64::try_from(self.now().as_millis()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Admission<Ticket>> {
        self.admission
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one that is turned away, and tells the log of all of them now and then.
    fn shed(&self, name: &str, priority: Priority) {
        self.lock().shed(self.now(), priority);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.since += 1;
        if told.last.is_none_or(|last| last.elapsed() >= TELL_EVERY) {
            let count = std::mem::take(&mut told.since);
            told.last = Some(Instant::now());
            drop(told);
            tracing::warn!(
                dependency = name,
                count,
                "more is asked than can be done; others go first"
            );
        }
    }
}

impl Dependency {
    /// One that is limited.
    pub(super) fn limited(options: DependencyOptions, bounds: super::Bounds) -> Self {
        let parallel = options.parallel.max(1);
        let gradient = GradientOptions {
            floor: parallel,
            initial: parallel.saturating_mul(2),
            ceiling: parallel.saturating_mul(MOST_TIMES),
            tolerance: TOLERANCE,
        };
        Self {
            shared: Arc::new(Shared {
                name: options.name,
                limits: Some(Limits {
                    origin: Instant::now(),
                    admission: Mutex::new(Admission::new(gradient, bounds.queue_wait)),
                    breaker: Breaker::closed(BREAKER),
                    told: Mutex::default(),
                }),
            }),
        }
    }

    /// One that anybody may ask at any time. Deadlines are heeded all the same.
    #[must_use]
    pub fn unlimited(name: &'static str) -> Self {
        Self {
            shared: Arc::new(Shared { name, limits: None }),
        }
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.shared.name
    }

    /// Asks it, for the current context: `work` begins when there is a place, and ends with the client's time, by being
    /// dropped. While it runs, the deadline of the context is no later than the question's limit from now, for whoever
    /// can tell the dependency of it. `judge` says what an error means. Dropping the future drops `work` and gives its
    /// place back.
    pub async fn call<T, E: From<Refused>>(
        &self,
        question: Question,
        work: impl Future<Output = Result<T, E>>,
        judge: impl FnOnce(&E) -> Verdict,
    ) -> Result<T, E> {
        let context = context::current();
        context.check()?;
        let bounded = context.by((Instant::now() + question.limit).into_std());
        let Some(limits) = &self.shared.limits else {
            return context::scope(bounded, context::in_time_of(context, work)).await?;
        };
        let mut attempt = self.attempt(limits, question.limit)?;
        let mut taken = self.place(limits, context, question).await?;
        attempt.since = Some(Instant::now());
        taken.patience = attempt.patience;
        let outcome = context::scope(bounded, context::in_time_of(context, work)).await;
        // The client's time was short, or the dependency slow: the guards tell the one from the other. What it said when
        // that was over is no answer, but the end of its own patience.
        let outcome = outcome?;
        if outcome.is_err() {
            context.check()?;
        }
        let verdict = outcome.as_ref().map_or_else(judge, |_| Verdict::Answered);
        attempt.ended(verdict == Verdict::Failed);
        taken.outcome = Some(match &outcome {
            Ok(_) => Outcome::Answered,
            // An error may come sooner or later than an answer would.
            Err(_) => Outcome::Unknown,
        });
        outcome
    }

    /// The right to try, from the breaker.
    fn attempt<'l>(&self, limits: &'l Limits, limit: Duration) -> Result<Try<'l>, Refused> {
        let attempt = limits.breaker.attempt();
        if attempt.is_none() && !limits.breaker.begin_probe(limits.millis()) {
            return Err(Refused::Broken {
                dependency: self.shared.name,
            });
        }
        Ok(Try {
            limits,
            attempt,
            since: None,
            patience: limit / 2,
            is_over: false,
        })
    }

    /// A place, at once or after a wait. Cancel safe: one who leaves leaves the queue.
    async fn place(
        &self,
        limits: &Limits,
        context: Context,
        question: Question,
    ) -> Result<Taken, Refused> {
        let priority = context.priority;
        let ask = Ask {
            priority,
            kind: question.kind,
            places: question.places.max(1) as usize,
        };
        let (ticket, turn) = oneshot::channel();
        let (patience, spared) = {
            let mut admission = limits.lock();
            let now = limits.now();
            if let Some(place) = admission.ask(now, ask) {
                return Ok(Taken::new(&self.shared, place));
            }
            // Whoever gets a place needs time for an answer.
            let patience = admission.patience(now, priority).min(question.limit / 2);
            (patience, admission.wait(now, ask, ticket))
        };
        // Not under the lock: who hears of it may give a place back.
        drop(spared);
        let patience = context.left().map_or(patience, |left| left.min(patience));
        if let Ok(Ok(taken)) = timeout(patience, turn).await {
            return Ok(taken);
        }
        // Time is up, or one who matters more has come.
        context.check()?;
        limits.shed(self.shared.name, priority);
        Err(Refused::Shed {
            dependency: self.shared.name,
            priority,
        })
    }

    fn view(&self) -> Option<View> {
        let limits = self.shared.limits.as_ref()?;
        Some(limits.lock().view(limits.now()))
    }

    /// How it stands; `None` where it is not limited.
    pub(super) fn signals(&self) -> Option<DependencySignals> {
        let limits = self.shared.limits.as_ref()?;
        let breaker = match limits.breaker.phase() {
            Phase::Closed { .. } => "closed",
            Phase::Open { .. } => "open",
            Phase::Probing => "probing",
        };
        Some(DependencySignals::new(self.name(), self.view()?, breaker))
    }

    /// Places in use, for tests and views.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.view().map_or(0, |view| view.in_flight)
    }
}

impl fmt::Debug for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dependency")
            .field("name", &self.shared.name)
            .field("view", &self.view())
            .finish()
    }
}

#[cfg(test)]
mod tests;
