//! What the tier has of a key, for people and for the prover. Looking changes nothing: it is no use of an entry, and
//! nothing is loaded.

use std::hash::Hash;

use super::{
    Absence, Entry, Epoch, L1, Millis, ONE_DOUBT, ONE_PURGE, Weigh, without_doubt, without_question,
};
use crate::cache::sync::Ordering;

/// How something that is kept stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is served.
    Fresh,
    /// It is served, and asked about, since its time has come.
    Stale,
    /// It is served, and asked about, since words about it may have been missed or it was purged.
    Questioned,
    /// It is not served: too old.
    Expired,
    /// It is not served: everything of its time is in doubt.
    Doubted,
}

impl Standing {
    /// True where the next reader gets it.
    pub fn is_served(self) -> bool {
        matches!(self, Self::Fresh | Self::Stale | Self::Questioned)
    }
}

/// Something that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept<V> {
    /// The value, or why there is known to be none.
    pub value: Result<V, Absence>,
    /// Version of the value, or of its absence.
    pub version: u64,
    /// How it stands.
    pub standing: Standing,
    /// Milliseconds since it was filled in; of a value with a lifetime of its own, since it was read.
    pub age: Millis,
    /// Milliseconds until it turns stale; negative since.
    pub fresh_left: i64,
    /// Milliseconds until it is not served any more; negative since.
    pub served_left: i64,
}

/// The tier's view of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspected<V> {
    /// What is kept, be it served or not.
    pub kept: Option<Kept<V>>,
    /// The lowest version that may come in; 0 where any may.
    pub fence: u64,
    /// The present epoch.
    pub epoch: EpochParts,
}

/// An epoch taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochParts {
    /// How often everything was put in doubt.
    pub doubts: u64,
    /// How often something was purged.
    pub purges: u64,
    /// How often everything was questioned.
    pub questions: u64,
}

impl From<Epoch> for EpochParts {
    fn from(epoch: Epoch) -> Self {
        Self {
            doubts: epoch / ONE_DOUBT,
            purges: epoch % ONE_DOUBT / ONE_PURGE,
            questions: epoch % ONE_PURGE,
        }
    }
}

impl<K: Hash + Eq + Clone, V: Clone + Weigh> L1<K, V> {
    /// What there is of a key.
    pub fn inspect(&self, key: &K, now: Millis) -> Inspected<V> {
        let fence = self.fences.lock(key, now).get(key);
        let epoch = self.epoch();
        let value = self.values.peek(key).map(|entry| {
            let (age, end) = match entry.value.lifetime() {
                Some(lifetime) => (now.saturating_sub(lifetime.since), lifetime.end()),
                None => (
                    self.age(
                        &entry,
                        self.jittered(self.options.fresh, key, entry.version),
                        now,
                    ),
                    entry.fresh_until.saturating_add(self.options.stale),
                ),
            };
            let end = end.saturating_add(self.stretch.load(Ordering::Relaxed));
            kept(entry, Ok, age, end, epoch, now)
        });
        let absence = || {
            self.absences.peek(key).map(|entry| {
                let age = self.age(&entry, self.options.negative, now);
                let end = entry.fresh_until;
                kept(entry, Err, age, end, epoch, now)
            })
        };
        Inspected {
            kept: value.or_else(absence),
            fence,
            epoch: epoch.into(),
        }
    }

    /// Bytes kept, and the most that may be.
    pub fn weight(&self) -> (u64, u64) {
        (self.values.weight(), self.values.capacity())
    }

    /// Number of keys known to have nothing.
    pub fn absences(&self) -> usize {
        self.absences.len()
    }

    /// Of an entry that was to be fresh for this long.
    #[expect(clippy::unused_self, reason = "the entry is the tier's")]
    fn age<T>(&self, entry: &Entry<T>, fresh: Millis, now: Millis) -> Millis {
        now.saturating_add(fresh).saturating_sub(entry.fresh_until)
    }
}

fn kept<T, V>(
    entry: Entry<T>,
    value: impl FnOnce(T) -> Result<V, Absence>,
    age: Millis,
    end: Millis,
    epoch: Epoch,
    now: Millis,
) -> Kept<V> {
    let left = |until: Millis| until.cast_signed().saturating_sub(now.cast_signed());
    let standing = if !without_doubt(entry.epoch, epoch) {
        Standing::Doubted
    } else if now >= end {
        Standing::Expired
    } else if !without_question(entry.epoch, epoch) {
        Standing::Questioned
    } else if now >= entry.fresh_until {
        Standing::Stale
    } else {
        Standing::Fresh
    };
    Kept {
        version: entry.version,
        standing,
        age,
        fresh_left: left(entry.fresh_until),
        served_left: left(end),
        value: value(entry.value),
    }
}
