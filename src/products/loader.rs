//! The ends of the caches: the way to the store, one by one or in batches, the journal of versions, and what other
//! nodes say.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::catalog::purge::heed;
use super::catalog::status::StoreCounts;
use super::document::Document;
use super::store::{CatalogStore, OutboxMark, StoreError, StoredDocument};
use crate::cache::l2::{Journal, JournalPage, L2Value, Mark, Purged, Watcher};
use crate::cache::{Absence, Cause, Depth, Intent, Load, LoadError, LoadMany, Loaded, ReadThrough};
use crate::telemetry::traces::{SpanKind, span};

/// Documents of a store. Clones share it.
#[derive(Clone)]
pub(super) struct DocumentLoader {
    store: Arc<dyn CatalogStore>,
    /// Whether what is too old is refused, and asked for again where all is known.
    is_fenced: bool,
    counters: Arc<Counters>,
}

#[derive(Default)]
struct Counters {
    queries: AtomicU64,
    products: AtomicU64,
    failed: AtomicU64,
}

impl DocumentLoader {
    pub(super) fn new(store: Arc<dyn CatalogStore>, is_fenced: bool) -> Self {
        Self {
            store,
            is_fenced,
            counters: Arc::default(),
        }
    }

    /// What was asked for so far.
    pub(super) fn counts(&self) -> StoreCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StoreCounts {
            queries: read(&self.counters.queries),
            products: read(&self.counters.products),
            failed: read(&self.counters.failed),
        }
    }

    async fn documents(
        &self,
        ids: &[i64],
        intent: Intent,
    ) -> Result<Vec<Option<StoredDocument>>, LoadError> {
        let add = |counter: &AtomicU64, count: usize| {
            counter.fetch_add(count as u64, Ordering::Relaxed);
        };
        add(&self.counters.queries, 1);
        add(&self.counters.products, ids.len());
        let intent = if self.is_fenced {
            intent
        } else {
            Intent::Fresh
        };
        let documents = self.store.documents(ids, intent).await;
        add(&self.counters.failed, usize::from(documents.is_err()));
        documents.map_err(LoadError::from)
    }
}

impl Load<i64, Document> for DocumentLoader {
    fn load(
        &self,
        id: i64,
        intent: Intent,
    ) -> BoxFuture<'static, Result<Loaded<Document>, LoadError>> {
        let this = self.clone();
        async move {
            let traced = span("store", SpanKind::Internal);
            let documents = traced.scope(this.documents(&[id], intent)).await?;
            drop(traced);
            Ok(found(documents.into_iter().next().flatten()))
        }
        .boxed()
    }
}

impl LoadMany<i64, Document> for DocumentLoader {
    fn load_many(
        &self,
        ids: Vec<i64>,
        intent: Intent,
    ) -> BoxFuture<'static, Result<Vec<Loaded<Document>>, LoadError>> {
        let this = self.clone();
        async move {
            let documents = this.documents(&ids, intent).await?;
            Ok(documents.into_iter().map(found).collect())
        }
        .boxed()
    }
}

fn found(stored: Option<StoredDocument>) -> Loaded<Document> {
    match stored {
        Some(stored) => Loaded::from_store(stored.document, stored.version),
        None => Loaded::from_store(Err(Absence::Unknown), 0),
    }
}

/// The versions that were committed, as the second tier wants to know them.
pub struct VersionJournal {
    /// Where they are.
    pub store: Arc<dyn CatalogStore>,
}

impl Journal<i64> for VersionJournal {
    fn end(&self) -> BoxFuture<'_, Result<Mark, LoadError>> {
        async move {
            let OutboxMark(mark) = self.store.outbox_end().await.map_err(LoadError::from)?;
            Ok(Mark(mark))
        }
        .boxed()
    }

    fn back(&self, age: Duration) -> BoxFuture<'_, Result<Option<Mark>, LoadError>> {
        async move {
            let mark = self
                .store
                .outbox_before(age)
                .await
                .map_err(LoadError::from)?;
            Ok(mark.map(|OutboxMark(mark)| Mark(mark)))
        }
        .boxed()
    }

    fn after(
        &self,
        Mark(mark): Mark,
        limit: usize,
    ) -> BoxFuture<'_, Result<Option<JournalPage<i64>>, LoadError>> {
        async move {
            let page = self.store.outbox_after(OutboxMark(mark), limit);
            Ok(page
                .await
                .map_err(LoadError::from)?
                .map(|page| JournalPage {
                    changes: page
                        .changes
                        .iter()
                        .map(|change| (change.product_id, change.version))
                        .collect(),
                    mark: Mark(page.mark.0),
                }))
        }
        .boxed()
    }
}

/// Hears of versions that other nodes made.
pub(super) struct DocumentWatcher {
    pub(super) documents: ReadThrough<i64, Document>,
    /// What to do with a note of another node.
    pub(super) on_note: Box<dyn Fn(&str) + Send + Sync>,
}

impl Watcher<i64> for DocumentWatcher {
    fn invalidated(&self, id: &i64, version: u64) {
        self.documents.invalidate(id, version, Cause::Message);
    }

    fn purged(&self, what: &Purged<i64>, depth: Depth) {
        heed(&self.documents, what, depth);
    }

    fn missed(&self) {
        self.documents.question_everything();
    }

    fn noted(&self, note: &str) {
        (self.on_note)(note);
    }
}

impl L2Value for Document {
    fn to_bytes(&self) -> Vec<u8> {
        self.to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self::of_product(bytes))
    }
}

impl From<StoreError> for LoadError {
    fn from(error: StoreError) -> Self {
        if error.is_lost() {
            Self::Unreachable(error.to_string())
        } else {
            Self::Failed(error.to_string())
        }
    }
}
