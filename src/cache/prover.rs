//! Looks whether the promise is kept: takes changes from the store's journal, asks every witness (a node, the second
//! tier) at some ages what its next reader would get, and drops what is too old, with everything that is known of it.
//!
//! A look changes nothing, so it heals nothing that it looks for. What is found too old is dropped whatever its version:
//! a condition may be what is wrong.

mod report;

use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::l2::{Journal, L2Key, Mark};
pub use report::{AgeReport, Report, Violation, WitnessReport};

/// By this age nothing older may be served.
pub const PROMISE: Duration = Duration::from_secs(1);
/// Changes read at once. Where there are more the rest is skipped: it is a sample.
const PAGE: usize = 500;
/// From a journal that does not answer to the next attempt.
const RETRY: Duration = Duration::from_secs(1);

/// Somebody who serves copies.
pub trait Witness<K>: Send + Sync + 'static {
    /// What it is called.
    fn name(&self) -> String;

    /// The version that its next reader of a key would get from it; `None` where it has nothing to serve.
    fn look<'w>(&'w self, key: &'w K) -> BoxFuture<'w, Result<Option<u64>, String>>;

    /// Everything that is known of a key there.
    fn trace<'w>(&'w self, key: &'w K) -> BoxFuture<'w, Value>;

    /// Drops what is there of a key, whatever it is. Nothing below the version may follow.
    fn evict<'w>(&'w self, key: &'w K, version: u64) -> BoxFuture<'w, Result<(), String>>;
}

/// How much is looked at, and when.
#[derive(Debug, Clone)]
pub struct ProverOptions {
    /// Most changes a second of which all copies are looked at.
    pub rate: u32,
    /// How often the journal is read. Ages are counted from when it showed a change, so they are up to this much, and
    /// the time of a query, too short.
    pub poll: Duration,
    /// The ages at which copies are looked at, the youngest first.
    pub ages: Vec<Duration>,
}

/// The prover. Its findings can be read at any time.
pub struct Prover<K> {
    witnesses: Vec<Arc<dyn Witness<K>>>,
    options: ProverOptions,
    findings: Findings,
}

/// What was found so far. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Findings(Arc<Mutex<Report>>);

impl Findings {
    /// What was found so far.
    pub fn report(&self) -> Report {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Report> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: L2Key + Hash> Prover<K> {
    /// Asks nobody yet.
    pub fn new(
        witnesses: Vec<Arc<dyn Witness<K>>>,
        options: ProverOptions,
        findings: Findings,
    ) -> Self {
        *findings.lock() = Report::new(
            witnesses.iter().map(|witness| witness.name()),
            &options.ages,
        );
        Self {
            witnesses,
            options,
            findings,
        }
    }

    /// Takes samples for this long, or until it is dropped, and then looks at what is still to come of age.
    pub async fn run(&self, journal: impl Journal<K>, limit: Option<Duration>) {
        let started = Instant::now();
        let mut probes = JoinSet::new();
        let mut place = None;
        let mut budget = Budget::new(self.options.rate);
        while limit.is_none_or(|limit| started.elapsed() < limit) {
            match self.read(&journal, &mut place).await {
                Err(error) => {
                    tracing::debug!(%error, "the prover cannot read the journal");
                    self.findings.lock().journal_failures += 1;
                    sleep(RETRY).await;
                }
                Ok(changes) => {
                    let seen = Instant::now();
                    let mut findings = self.findings.lock();
                    findings.changes += changes.len() as u64;
                    let sampled = budget.pick(changes);
                    findings.sampled += sampled.len() as u64;
                    drop(findings);
                    for (key, version) in sampled {
                        probes.spawn(self.probe(key, version, seen));
                    }
                    // What is done is forgotten.
                    while probes.try_join_next().is_some() {}
                }
            }
            sleep(self.options.poll).await;
        }
        while probes.join_next().await.is_some() {}
    }

    /// What was committed since the last time; nothing at the first.
    async fn read(
        &self,
        journal: &impl Journal<K>,
        place: &mut Option<Mark>,
    ) -> Result<Vec<(K, u64)>, super::LoadError> {
        let mark = match place.take() {
            Some(mark) => mark,
            None => journal.end().await?,
        };
        let page = match journal.after(mark.clone(), PAGE).await {
            Ok(page) => page,
            Err(error) => {
                *place = Some(mark);
                return Err(error);
            }
        };
        // Another history begins, or more than is wanted: from the end on.
        let Some(page) = page else {
            return Ok(Vec::new());
        };
        if page.changes.len() < PAGE {
            *place = Some(page.mark);
        }
        Ok(page.changes)
    }

    /// Looks at all copies of one change at each age.
    fn probe(
        &self,
        key: K,
        version: u64,
        seen: Instant,
    ) -> impl Future<Output = ()> + Send + use<K> {
        let witnesses = self.witnesses.clone();
        let ages = self.options.ages.clone();
        let findings = self.findings.clone();
        async move {
            for (number, age) in ages.iter().enumerate() {
                sleep_until(seen + *age).await;
                let looks = witnesses.iter().enumerate().map(|(place, witness)| {
                    let asked = seen.elapsed();
                    let (key, findings) = (&key, &findings);
                    async move {
                        let outcome = witness.look(key).await;
                        let is_old = findings
                            .lock()
                            .note(number, place, version, asked, &outcome);
                        if let Ok(Some(served)) = outcome
                            && is_old
                            && *age >= PROMISE
                        {
                            mend(&**witness, findings, key, (version, served), asked).await;
                        }
                    }
                });
                join_all(looks).await;
            }
        }
    }
}

/// Reports something too old, drops it, and looks whether it is gone.
async fn mend<K: L2Key>(
    witness: &dyn Witness<K>,
    findings: &Findings,
    key: &K,
    (version, served): (u64, u64),
    age: Duration,
) {
    let trace = witness.trace(key).await;
    let evicted = witness.evict(key, version).await;
    let after = witness.look(key).await;
    let is_healed = matches!(after, Ok(after) if after.is_none_or(|after| after >= version));
    let violation = Violation {
        key: key.to_text(),
        place: witness.name(),
        version,
        served,
        age_ms: report::millis(age),
        trace,
        evicted: evicted.is_ok(),
        healed: is_healed,
        error: evicted.err(),
    };
    tracing::error!(
        key = violation.key,
        place = violation.place,
        version,
        served,
        age_ms = violation.age_ms,
        healed = is_healed,
        trace = %violation.trace,
        "an old version was served after its time; it was dropped"
    );
    findings.lock().add(violation);
}

/// How many changes may still be looked at.
struct Budget {
    rate: f64,
    left: f64,
    at: Instant,
}

impl Budget {
    fn new(rate: u32) -> Self {
        let rate = f64::from(rate);
        Self {
            rate,
            left: rate.max(1.0),
            at: Instant::now(),
        }
    }

    /// Some of the changes, from all over them.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a number of changes, at most a page"
    )]
    fn pick<T>(&mut self, changes: Vec<T>) -> Vec<T> {
        let now = Instant::now();
        let gained = now.duration_since(self.at).as_secs_f64() * self.rate;
        self.left = (self.left + gained).min(self.rate.max(1.0));
        self.at = now;
        let wanted = (self.left as usize).min(changes.len());
        self.left -= wanted as f64;
        let (count, dice) = (changes.len(), getrandom::u32().unwrap_or(0) as usize);
        // Every count / wanted-th one, from a random one on.
        let mut order: Vec<_> = changes.into_iter().map(Some).collect();
        let picked = (0..wanted).map(|number| (number * count / wanted + dice) % count);
        picked.filter_map(|at| order[at].take()).collect()
    }
}

#[cfg(test)]
mod tests;
