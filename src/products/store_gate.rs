//! The way to the store: how many questions may be at it, and who goes first.

use std::fmt;
use std::time::Duration;

use super::store::{Reach, StoreError};
use crate::cache::LoadError;
use crate::limits::overload::{Dependency, DependencyOptions, Overload, Question};

/// Places that a connection is worth: as many as keys are read at once on it. So one limit holds for both, keys in
/// batches and questions that take a connection each.
const CONNECTION: u32 = 100;

/// Asked before the store is. Clones share the limit.
#[derive(Clone)]
pub struct StoreGate {
    store: Dependency,
    is_remote: bool,
    limit: Duration,
}

impl StoreGate {
    /// Of a store that is reached like this, and whose answers may take so long.
    pub fn new(overload: &Overload, reach: Reach, limit: Duration) -> Self {
        let worth = if reach.is_remote { CONNECTION } else { 1 };
        let options = DependencyOptions {
            name: "store",
            parallel: reach.parallel.saturating_mul(worth),
        };
        Self {
            store: overload.dependency(options),
            is_remote: reach.is_remote,
            limit,
        }
    }

    /// That lets everybody pass: for a store that no request is waiting for.
    pub fn open(reach: Reach, limit: Duration) -> Self {
        Self {
            store: Dependency::unlimited("store"),
            is_remote: reach.is_remote,
            limit,
        }
    }

    /// The limit, and what a key of a batch takes of it.
    pub(super) fn keys(&self, kind: &'static str) -> (Dependency, Question) {
        let question = Question {
            kind,
            places: 1,
            limit: self.limit,
        };
        (self.store.clone(), question)
    }

    /// Asks what takes a thread or a connection of the store, as long as it may take. Dropping the future ends it.
    pub(super) async fn ask<T>(
        &self,
        kind: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, LoadError> {
        self.ask_for(self.limit, kind, work).await
    }

    /// The same, with another limit.
    pub(super) async fn ask_for<T>(
        &self,
        limit: Duration,
        kind: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, LoadError> {
        let question = Question {
            kind,
            places: if self.is_remote { CONNECTION } else { 1 },
            limit,
        };
        let work = async { Ok(work.await?) };
        let asking = self.store.call(question, work, LoadError::verdict);
        let answer = tokio::time::timeout(limit, asking).await;
        answer.unwrap_or(Err(LoadError::DeadlineExceeded(limit)))
    }

    /// Asks what an embedded store answers within microseconds on the caller's thread: it does so whatever comes.
    pub(super) async fn ask_briefly<T>(
        &self,
        kind: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, LoadError> {
        if self.is_remote {
            self.ask(kind, work).await
        } else {
            Ok(work.await?)
        }
    }
}

impl fmt::Debug for StoreGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoreGate").field(&self.store).finish()
    }
}
