//! What the prover found.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::PROMISE;

/// Violations kept in full; all are counted.
const KEPT: usize = 100;

/// What was found so far. Ages and times are in milliseconds.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Changes that the journal showed.
    pub changes: u64,
    /// Of those, the ones whose copies were looked at.
    pub sampled: u64,
    /// How often the journal gave no answer.
    pub journal_failures: u64,
    /// What was found at each age, the youngest first.
    pub ages: Vec<AgeReport>,
    /// Who was asked.
    pub witnesses: Vec<WitnessReport>,
    /// The highest age at which an old version was still served.
    pub worst_age_ms: u64,
    /// How often an old version was served past the promise.
    pub violation_count: u64,
    /// The first hundred of them.
    pub violations: Vec<Violation>,
}

/// What was found at one age.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct AgeReport {
    /// The age.
    pub age_ms: u64,
    /// Answers.
    pub asked: u64,
    /// Of those, the ones that had something to serve: the others can hardly be wrong.
    pub held: u64,
    /// Of those, the ones that had an older version.
    pub old: u64,
    /// The share of answers that were right; `null` without any.
    pub share: Option<f64>,
    /// The same in nines; `null` where none was wrong.
    pub nines: Option<f64>,
}

/// Somebody who was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WitnessReport {
    /// What it is called.
    pub name: String,
    /// How often it answered.
    pub answers: u64,
    /// How often it did not.
    pub silent: u64,
    /// Why it did not, the last time.
    pub error: Option<String>,
}

/// An old version, served past the promise.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Violation {
    /// The key.
    pub key: String,
    /// Who would have served it.
    pub place: String,
    /// The version that was committed.
    pub version: u64,
    /// The version that would have been served.
    pub served: u64,
    /// How long after the commit.
    pub age_ms: u64,
    /// Everything that was known there of the key: tier, versions, fence, lease, what was heard.
    pub trace: Value,
    /// Whether it was dropped.
    pub evicted: bool,
    /// Whether nothing old was there any more afterwards.
    pub healed: bool,
    /// Why it could not be dropped.
    pub error: Option<String>,
}

impl Report {
    pub(super) fn new(witnesses: impl Iterator<Item = String>, ages: &[Duration]) -> Self {
        Self {
            ages: ages
                .iter()
                .map(|age| AgeReport {
                    age_ms: millis(*age),
                    ..AgeReport::default()
                })
                .collect(),
            witnesses: witnesses
                .map(|name| WitnessReport {
                    name,
                    answers: 0,
                    silent: 0,
                    error: None,
                })
                .collect(),
            ..Self::default()
        }
    }

    /// Takes note of an answer. True where it is an older version than the one that was committed.
    pub(super) fn note(
        &mut self,
        age: usize,
        witness: usize,
        version: u64,
        asked: Duration,
        outcome: &Result<Option<u64>, String>,
    ) -> bool {
        let (Some(age), Some(witness)) = (self.ages.get_mut(age), self.witnesses.get_mut(witness))
        else {
            return false;
        };
        let served = match outcome {
            Err(error) => {
                witness.silent += 1;
                witness.error = Some(error.clone());
                return false;
            }
            Ok(served) => served,
        };
        witness.answers += 1;
        age.asked += 1;
        age.held += u64::from(served.is_some());
        let is_old = served.is_some_and(|served| served < version);
        age.old += u64::from(is_old);
        age.rate();
        if is_old {
            self.worst_age_ms = self.worst_age_ms.max(millis(asked));
        }
        is_old
    }

    pub(super) fn add(&mut self, violation: Violation) {
        self.violation_count += 1;
        if self.violations.len() < KEPT {
            self.violations.push(violation);
        }
    }

    /// True where copies were looked at past the promise, and none was old.
    pub fn is_proven(&self) -> bool {
        let promised = millis(PROMISE);
        let mut promised = self.ages.iter().filter(|age| age.age_ms >= promised);
        self.violation_count == 0 && promised.any(|age| age.asked > 0)
    }
}

impl AgeReport {
    #[expect(clippy::cast_precision_loss, reason = "a share, for people")]
    fn rate(&mut self) {
        let wrong = self.old as f64 / self.asked as f64;
        self.share = Some(1.0 - wrong);
        self.nines = (self.old > 0).then(|| -wrong.log10());
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
