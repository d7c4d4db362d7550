//! What the program can bear, and what gives way when more is asked.
//!
//! What is answered from memory passes always. Whatever goes behind the caches asks a [`Dependency`] for a place: how
//! many there are is found by how long it takes to answer (`gradient`), who gets the next one is the most important who
//! waits (`waiting`, [`Priority`]), and nobody waits for longer than a fraction of a second. Who asks, and until when, is
//! in the [`context`] that rides with the request. A dependency that fails is given a rest (`breaker`), and what failed is
//! tried again elsewhere only for a tenth of all requests ([`RetryBudget`]).

mod admission;
pub mod context;
mod dependency;
mod gradient;
mod pressure;
mod priority;
mod recent;
mod refused;
mod retry_budget;
mod signals;
#[cfg(test)]
mod simulation;
mod waiting;
mod workers;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use context::Context;
pub use dependency::{Dependency, DependencyOptions, Question, Verdict};
pub use pressure::Pressure;
pub use priority::Priority;
use recent::While;
pub use refused::Refused;
pub use retry_budget::{RetryBudget, RetryCounts};
use signals::in_ms;
pub use signals::{DependencySignals, PressureSignals, Signals};
pub use workers::{WorkerSignals, Workers};

/// What all dependencies have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// How long one may wait for a place when there is too much to do. A burst may wait for five times as long.
    pub queue_wait: Duration,
}

/// The limits of a process. Clones share everything.
#[derive(Debug, Clone)]
pub struct Overload {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// `None` where nothing is limited.
    bounds: Option<Bounds>,
    dependencies: Mutex<Vec<Dependency>>,
    workers: Workers,
}

impl Overload {
    /// With `None` nothing is limited, and deadlines are heeded all the same.
    #[must_use]
    pub fn new(bounds: Option<Bounds>) -> Self {
        Self {
            shared: Arc::new(Shared {
                bounds,
                dependencies: Mutex::default(),
                workers: Workers::default(),
            }),
        }
    }

    /// Something that is to be limited from here on. To be called once for each.
    #[must_use]
    pub fn dependency(&self, options: DependencyOptions) -> Dependency {
        let dependency = match self.shared.bounds {
            Some(bounds) => Dependency::limited(options, bounds),
            None => Dependency::unlimited(options.name),
        };
        self.lock().push(dependency.clone());
        dependency
    }

    /// The threads that answer requests.
    #[must_use]
    pub fn workers(&self) -> &Workers {
        &self.shared.workers
    }

    /// How everything stands.
    #[must_use]
    pub fn signals(&self) -> Signals {
        let dependencies = self.dependencies();
        let pressure = self.pressure_of(&dependencies);
        Signals {
            enabled: self.shared.bounds.is_some(),
            pressure: PressureSignals {
                saturation: pressure.saturation,
                queue_wait_ms: in_ms(pressure.queue_wait),
                loop_lag_ms: in_ms(pressure.loop_lag),
                shed_ratio: pressure.shed_ratio,
                essential_shed_ratio: pressure.essential_shed_ratio,
            },
            dependencies,
            workers: self.shared.workers.signals(),
        }
    }

    /// How hard the program has it.
    #[must_use]
    pub fn pressure(&self) -> Pressure {
        self.pressure_of(&self.dependencies())
    }

    fn dependencies(&self) -> Vec<DependencySignals> {
        let dependencies = self.lock();
        dependencies
            .iter()
            .filter_map(Dependency::signals)
            .collect()
    }

    fn pressure_of(&self, dependencies: &[DependencySignals]) -> Pressure {
        let most =
            |of: fn(&DependencySignals) -> f64| dependencies.iter().map(of).fold(0.0, f64::max);
        let queue_waits = dependencies.iter().map(|it| it.lately.mean_wait());
        let lately = dependencies.iter().map(|dependency| dependency.lately);
        let lately = lately.fold(While::default(), While::and);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a ratio of two counts of two seconds"
        )]
        let ratio = |shed: u64, asked: u64| (shed as f64 / asked.max(1) as f64).min(1.0);
        Pressure {
            saturation: most(|dependency| dependency.saturation),
            queue_wait: queue_waits.max().unwrap_or_default(),
            loop_lag: self.shared.workers.loop_lag(),
            shed_ratio: ratio(lately.shed, lately.asked),
            essential_shed_ratio: ratio(lately.essential_shed, lately.essential_asked),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Dependency>> {
        self.shared
            .dependencies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
