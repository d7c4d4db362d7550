//! All flags as they are in force at one moment.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::Xxh3Default;

use super::context::Context;
use super::entry::{Entry, Layer};
use super::evaluation::{Evaluation, EvaluationError};
use super::feature::{Deviations, Feature};

/// What each flag is, of the highest layer that says something of it.
#[derive(Debug, Default)]
pub struct Snapshot {
    flags: BTreeMap<String, Entry>,
    fingerprint: u64,
}

impl Snapshot {
    /// Of entries among which there is one for each feature.
    pub(super) fn new(flags: BTreeMap<String, Entry>) -> Self {
        let mut hasher = Xxh3Default::new();
        for (key, entry) in &flags {
            hasher.update(key.as_bytes());
            hasher.update(entry.definition.source().to_string().as_bytes());
            // Shared rules are no part of what a flag itself says.
            let rule = entry
                .definition
                .rule
                .as_ref()
                .map(|rule| rule.text.as_str());
            hasher.update(rule.unwrap_or_default().as_bytes());
        }
        Self {
            flags,
            fingerprint: hasher.digest(),
        }
    }

    /// What a flag is for whoever asks. Waits for nothing.
    pub fn evaluate(
        &self,
        key: &str,
        context: &Context,
    ) -> Result<Evaluation<'_>, EvaluationError> {
        let entry = self.flags.get(key).ok_or(EvaluationError::NotFound)?;
        entry.definition.evaluate(key, context)
    }

    /// All flags, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.flags.iter().map(|(key, entry)| (key.as_str(), entry))
    }

    /// What is said of a flag.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.flags.get(key)
    }

    /// A hash of all that is said.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Which features are not as they are built to be, for everyone. One whose flag has no value, or does not work, is.
    pub(super) fn deviations(&self) -> Deviations {
        let nobody = Context::default();
        let deviates = |feature: &Feature| {
            let entry = self.flags.get(feature.name());
            let Some(entry) = entry.filter(|entry| entry.layer != Layer::Default) else {
                return false;
            };
            let evaluation = entry.definition.evaluate(feature.name(), &nobody);
            let is_on = evaluation.ok().and_then(|it| it.value?.as_bool());
            is_on.is_some_and(|is_on| is_on != feature.is_on_by_default())
        };
        Feature::ALL.into_iter().filter(deviates).collect()
    }
}
