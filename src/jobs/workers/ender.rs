//! Ends jobs in batches: what is done while a batch is being written forms the next one.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::Shared;
use super::untold::Untold;
use crate::jobs::backoff::Backoff;
use crate::jobs::counters::Counted;
use crate::jobs::job::{End, Fate};
use crate::jobs::spacing::Spacing;

/// Most jobs of a batch.
const BATCH: usize = 1_000;
/// Until the store answers again.
const AGAIN: Backoff = Backoff {
    first: Duration::from_millis(100),
    longest: Duration::from_secs(5),
};

/// A beginning that is over.
pub(super) struct Ended {
    pub(super) kind: &'static str,
    pub(super) end: End,
    pub(super) waited: Duration,
    pub(super) ran: Duration,
}

/// Runs until everybody who could end something has gone.
pub(super) async fn run(shared: Arc<Shared>, mut ended: mpsc::Receiver<Ended>) {
    // Else this would wait for itself.
    let (store, held, counters) = {
        let Shared {
            store, counters, ..
        } = &*shared;
        (Arc::clone(store), Arc::downgrade(&shared), counters.clone())
    };
    drop(shared);
    let mut batch = Vec::with_capacity(BATCH);
    let (mut spacing, mut untold) = (Spacing::default(), Untold::default());
    loop {
        tokio::select! {
            count = ended.recv_many(&mut batch, BATCH) => if count == 0 { break },
            () = untold.due() => {
                untold.tell(&*store).await;
                continue;
            }
        }
        spacing.gather(&mut batch, &mut ended, BATCH).await;
        let ends: Vec<End> = batch.iter().map(|it| it.end.clone()).collect();
        let mut failures = 0;
        let gone = loop {
            match store.end(ends.clone()).await {
                Ok(gone) => break gone,
                Err(error) => {
                    failures += 1;
                    tracing::warn!(
                        jobs = ends.len(),
                        "jobs that were done are not ended yet: {error}"
                    );
                    tokio::time::sleep(AGAIN.after(failures)).await;
                }
            }
        };
        let gone: std::collections::HashSet<_> = gone.into_iter().collect();
        for Ended {
            kind,
            end,
            waited,
            ran,
        } in batch.drain(..)
        {
            // Where an answer was lost, or the handler ended it, it has ended and is not known to have.
            let is_known = gone.contains(&end.lease.id) || failures > 0;
            let counted = match &end.fate {
                _ if !is_known => Counted::Lost,
                Fate::Done { .. } | Fate::Cancelled => Counted::Done,
                Fate::Again { .. } => Counted::Failed,
                Fate::Dead { .. } => Counted::Dead,
                Fate::Returned => Counted::Returned,
            };
            counters.ended(kind, counted, ran);
            let is_done = matches!(end.fate, Fate::Done { .. });
            let is_failed = matches!(end.fate, Fate::Again { .. } | Fate::Dead { .. });
            if is_known && (is_done || is_failed) {
                untold.add(kind, is_done, waited, ran);
            }
            if let Some(shared) = held.upgrade() {
                shared.held.end(end.lease);
            }
        }
    }
    untold.tell(&*store).await;
}
