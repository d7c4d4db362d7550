//! Word that something was enqueued, for the workers of this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// Wakes the workers of this process by kind, and whoever tells other processes. Clones share everything.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    kinds: Mutex<HashMap<&'static str, Arc<Notify>>>,
    /// Something was enqueued that other processes were not told of.
    untold: Notify,
}

impl Wake {
    /// Tells that jobs of this kind were enqueued, and that this is committed.
    pub fn enqueued(&self, kind: &str) {
        self.here(kind);
        self.0.untold.notify_one();
    }

    /// Wakes the workers of this process alone.
    pub(super) fn here(&self, kind: &str) {
        let kinds = self.0.kinds.lock();
        let kinds = kinds.unwrap_or_else(PoisonError::into_inner);
        if let Some(notify) = kinds.get(kind) {
            notify.notify_one();
        }
    }

    /// What the workers of a kind wait for.
    pub(super) fn of(&self, kind: &'static str) -> Arc<Notify> {
        let kinds = self.0.kinds.lock();
        let mut kinds = kinds.unwrap_or_else(PoisonError::into_inner);
        Arc::clone(kinds.entry(kind).or_default())
    }

    /// Waits until there is something to tell other processes.
    pub(super) async fn untold(&self) {
        self.0.untold.notified().await;
    }
}
