//! What this process did and has not told the store of yet.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::jobs::history::Outcomes;
use crate::jobs::store::JobStore;

/// How often it tells of what it did: as much of it is lost where it is killed.
const EVERY: Duration = Duration::from_secs(1);

/// By kind.
#[derive(Default)]
pub(super) struct Untold {
    kinds: BTreeMap<&'static str, Outcomes>,
    due: Option<Instant>,
}

impl Untold {
    /// Adds a beginning that has ended.
    pub(super) fn add(
        &mut self,
        kind: &'static str,
        is_done: bool,
        waited: Duration,
        ran: Duration,
    ) {
        self.kinds
            .entry(kind)
            .or_default()
            .add(is_done, waited, ran);
        self.due.get_or_insert_with(|| Instant::now() + EVERY);
    }

    /// Returns once there is something that has to be told. Nothing is lost where nobody awaits it any more.
    pub(super) async fn due(&self) {
        match self.due {
            Some(due) => tokio::time::sleep_until(due).await,
            None => std::future::pending().await,
        }
    }

    /// Tells all of it. What the store does not take is told the next time.
    pub(super) async fn tell(&mut self, store: &dyn JobStore) {
        while let Some((kind, outcomes)) = self.kinds.first_key_value() {
            match store.tell(kind, *outcomes).await {
                Ok(()) => self.kinds.pop_first(),
                Err(error) => {
                    tracing::debug!("the store was not told of the jobs that were done: {error}");
                    self.due = Some(Instant::now() + EVERY);
                    return;
                }
            };
        }
        self.due = None;
    }
}
