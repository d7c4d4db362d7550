//! The way to the store, and what comes back on it.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::clock::Millis;
use super::l1::Absence;
use crate::limits::overload::{self, Verdict};

/// What was found for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded<V> {
    /// The value, or why there is none to show.
    pub value: Result<V, Absence>,
    /// Version of the value, or of its absence; 0 where the store never heard of the key.
    pub version: u64,
    /// Who had it.
    pub origin: Origin,
    /// The permission to put it into the second tier: see [`Load::settle`].
    pub lease: Option<Lease>,
}

impl<V> Loaded<V> {
    /// What a store found that no other tier stands before.
    pub fn from_store(value: Result<V, Absence>, version: u64) -> Self {
        Self {
            value,
            version,
            origin: Origin::Store,
            lease: None,
        }
    }
}

/// Who had what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The second tier.
    L2 {
        /// How long it keeps it.
        ttl: Millis,
    },
    /// The store, after the second tier had nothing.
    StorePastL2,
    /// The store, and the second tier was not asked.
    Store,
}

/// The right to put a value into the second tier, held by one load in the whole cluster at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease(pub(super) u128);

/// Where a load may look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Intent {
    /// Anywhere: in the second tier, in a copy of the store that may be behind.
    Any,
    /// Where everything committed is seen. For a reader who knows of a version that was not found elsewhere.
    Fresh,
}

/// The way to the store.
pub trait Load<K, V>: Send + Sync + 'static {
    /// Starts a load. A store that answers within microseconds should be ready at the first poll, which
    /// happens on the caller's thread; anything else is polled on background threads from then on.
    fn load(&self, key: K, intent: Intent) -> BoxFuture<'static, Result<Loaded<V>, LoadError>>;

    /// Called once for what was loaded under a lease, when it is known whether the first tier admitted it. What
    /// that refused is known to be outdated, and must not be kept by others either.
    fn settle(&self, _key: &K, _loaded: &Loaded<V>, _admitted: bool) {}
}

/// The way to a store for many keys at once.
pub trait LoadMany<K, V>: Send + Sync + 'static {
    /// What there is for each key, in the order of the keys. They are few enough for one query.
    fn load_many(
        &self,
        keys: Vec<K>,
        intent: Intent,
    ) -> BoxFuture<'static, Result<Vec<Loaded<V>>, LoadError>>;
}

/// Why there is no answer. The text is for operators.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The store said no.
    #[error("{0}")]
    Failed(String),
    /// The store could not be reached.
    #[error("{0}")]
    Unreachable(String),
    /// The store was not asked, or not for long enough.
    #[error(transparent)]
    Refused(#[from] overload::Refused),
    /// The store said nothing in time.
    #[error("no answer from the store within {0:?}")]
    DeadlineExceeded(Duration),
    /// The store keeps answering with versions already known to be replaced.
    #[error("the store is behind its own invalidations")]
    Outdated,
    /// The load ended without an outcome.
    #[error("the load was aborted")]
    Aborted,
}

impl LoadError {
    /// What it says of the store that was asked.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Unreachable(_) | Self::DeadlineExceeded(_) => Verdict::Failed,
            _ => Verdict::Answered,
        }
    }
}
