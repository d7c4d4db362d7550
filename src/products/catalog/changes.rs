//! What was written, here or elsewhere, on its way into the caches.

use std::sync::atomic::Ordering;
use std::time::Instant;

use tokio::sync::oneshot;

use super::Catalog;
use crate::cache::Cause;
use crate::products::store::{CatalogTransaction, Change, Decision, StoreError, WriteError};
use crate::products::views::PageKey;

/// Changes of one write that are loaded at once; readers know better which of more are wanted.
const MOST_WRITTEN_THROUGH: usize = 16;

impl Catalog {
    /// Does `work` in one transaction, in turn with others, if that can begin by `deadline`. What it changed is
    /// not served older from here on: by the time this returns, every cached version has given way. With
    /// `write_through` the new ones are on their way into all tiers, unless they are so many that it is an import.
    pub async fn write<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl FnOnce(&mut dyn CatalogTransaction) -> Result<(Decision, T), StoreError>
        + Send
        + 'static,
    ) -> Result<T, WriteError> {
        let (result, mut worked) = oneshot::channel();
        let work = move |transaction: &mut dyn CatalogTransaction| {
            let (decision, value) = work(transaction)?;
            // A caller who has gone wants no result, but the work was still wanted.
            let _ = result.send(value);
            Ok(decision)
        };
        let committed = self.store.write(deadline, Box::new(work)).await?;
        self.invalidate(&committed.versions, Cause::OwnWrite);
        for kind in &committed.jobs {
            self.wake.enqueued(kind);
        }
        if let Some(on_stock) = self
            .on_stock
            .as_ref()
            .filter(|_| !committed.stock.is_empty())
        {
            on_stock();
        }
        for product_id in committed.stock {
            self.stock_changed(product_id);
        }
        if let Some(l2) = &self.l2 {
            let versions = committed.versions.iter();
            let versions: Vec<_> = versions.map(|it| (it.product_id, it.version)).collect();
            l2.invalidate(&versions).await;
        }
        if self.write_through && committed.versions.len() <= MOST_WRITTEN_THROUGH {
            for change in &committed.versions {
                self.shelves.documents.load_ahead(&change.product_id);
            }
        }
        let worked = worked.try_recv();
        worked.map_err(|_| StoreError::new("the store did not do the work".to_owned()).into())
    }

    /// Takes note of committed versions: nothing older is served from now on, but by pages that were read before
    /// and are still within their promise.
    fn invalidate(&self, changes: &[Change], cause: Cause) {
        for change in changes {
            self.shelves
                .documents
                .invalidate(&change.product_id, change.version, cause);
        }
    }

    /// Takes note that the exact stock of a product may have changed, be it without a new version. Called before
    /// the writer is answered.
    pub fn stock_changed(&self, product_id: i64) {
        let version = self.stock_changes.fetch_add(1, Ordering::AcqRel) + 1;
        let page = PageKey::Stock { product_id };
        self.shelves
            .pages
            .invalidate(&page, version, Cause::OwnWrite);
    }

    /// Takes note of versions that the store's journal tells of.
    pub fn follow(&self, changes: &[Change]) {
        self.invalidate(changes, Cause::Journal);
        if let Some(l2) = &self.l2 {
            l2.journal_grew();
        }
    }

    /// Takes note that committed versions were missed.
    pub fn doubt_everything(&self) {
        self.shelves.documents.doubt_everything();
        self.shelves.pages.doubt_everything();
        if let Some(l2) = &self.l2 {
            l2.journal_broke();
        }
    }
}
