//! Adding to the store what was counted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::time::sleep;

use super::counts::ViewCounts;
use super::store::Halved;
use crate::products::catalog::Catalog;
use crate::products::store::{CatalogTransaction, Decision, WriteError};

/// How often counts are collected from where they are counted, which has room for some thousand products.
const COLLECT_EVERY: Duration = Duration::from_millis(100);
/// Products whose views are kept while the store takes none.
const MOST: usize = 262_144;
/// Products of one transaction.
const AT_ONCE: usize = 500;
/// How long one may wait for its turn to write.
const PATIENCE: Duration = Duration::from_secs(5);

/// Writes counts from time to time. Clones share everything.
#[derive(Clone)]
pub struct Flusher {
    catalog: Catalog,
    counts: Arc<ViewCounts>,
    sums: Arc<Mutex<HashMap<i64, u64>>>,
}

impl Flusher {
    /// Nothing is written before [`Self::start`].
    pub fn new(catalog: &Catalog, counts: Arc<ViewCounts>) -> Self {
        Self {
            catalog: catalog.clone(),
            counts,
            sums: Arc::default(),
        }
    }

    /// Writes every so often, for as long as the runtime lives.
    pub fn start(&self, every: Duration, background: &Handle) {
        let flusher = self.clone();
        background.spawn(async move {
            let mut last = Instant::now();
            loop {
                sleep(COLLECT_EVERY.min(every)).await;
                flusher.collect();
                if last.elapsed() < every {
                    continue;
                }
                last = Instant::now();
                if let Err(error) = flusher.flush().await {
                    // They are kept, and added the next time.
                    tracing::debug!("views are written later: {error}");
                }
            }
        });
    }

    /// Writes what is left, within `limit`. What is not written by then is lost, and told.
    pub async fn finish(&self, limit: Duration) {
        self.collect();
        let written = tokio::time::timeout(limit, self.flush()).await;
        if !matches!(written, Ok(Ok(()))) {
            let left: u64 = self.lock().values().sum();
            tracing::warn!(
                views = left,
                "views of products were not written, and are lost"
            );
        }
    }

    fn collect(&self) {
        let missed = self.counts.collect(&mut self.lock(), MOST);
        if missed > 0 {
            tracing::debug!(
                views = missed,
                "more products were looked at than can be counted"
            );
        }
    }

    async fn flush(&self) -> Result<(), WriteError> {
        let mut views: Vec<(i64, u64)> = self.lock().drain().collect();
        // Of two processes that add to the same products neither waits for the other while it holds what that wants.
        views.sort_unstable();
        let mut rest = &views[..];
        while !rest.is_empty() {
            let (some, others) = rest.split_at(rest.len().min(AT_ONCE));
            let of = some.to_vec();
            let work = move |transaction: &mut dyn CatalogTransaction| {
                transaction.add_views(&of)?;
                Ok((Decision::Commit, ()))
            };
            if let Err(error) = self.catalog.write(Instant::now() + PATIENCE, work).await {
                let mut sums = self.lock();
                for (id, count) in rest {
                    *sums.entry(*id).or_default() += count;
                }
                return Err(error);
            }
            rest = others;
        }
        if !views.is_empty() {
            self.halve().await?;
        }
        Ok(())
    }

    /// A stretch each time: there are as many as products, and no hurry.
    async fn halve(&self) -> Result<(), WriteError> {
        let work = |transaction: &mut dyn CatalogTransaction| {
            let halved = transaction.halve_views(AT_ONCE)?;
            Ok((Decision::Commit, halved))
        };
        let halved = self.catalog.write(Instant::now() + PATIENCE, work).await?;
        if halved == Halved::Some {
            tracing::debug!("views of some products were halved");
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<i64, u64>> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
