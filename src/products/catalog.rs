//! The catalogue as the HTTP layer sees it: products through the cache.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, try_join_all};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::coding::Coding;
use super::compressor::Compressor;
use super::cursor::{CursorKey, Page, PageRequest};
use super::document::Document;
use super::export::page::{ExportFilter, ExportPage};
use super::listing::{ListError, ListPage, Listing, ReviewPage};
use super::store::{CatalogStore, CatalogTransaction, Change, Decision, StoreError, WriteError};
use crate::cache::{
    Absence, Answer, Clock, L1, L1Options, Load, LoadError, Loaded, ReadThrough, SystemClock,
};

/// How long a version that is asked for may take to appear: what is settled by the outbox tail does within
/// its poll, and what a replica of a store is behind.
const VERSION_PATIENCE: Duration = Duration::from_millis(250);
/// How often it is looked for meanwhile.
const VERSION_POLL: Duration = Duration::from_millis(25);

/// Reads products through L1 from a store. Clones share everything.
#[derive(Clone)]
pub struct Catalog {
    store: Arc<dyn CatalogStore>,
    documents: ReadThrough<i64, Document>,
    /// `None` where nothing is cached: a body that cannot be kept is not worth making.
    compressor: Option<Compressor>,
    deadline: Duration,
}

/// Sizes and times of the cache.
#[derive(Debug, Clone, Copy)]
pub struct CacheOptions {
    /// The first tier; `None` switches it off.
    pub l1: Option<L1Options>,
    /// How long a load may take.
    pub deadline: Duration,
}

impl Catalog {
    /// Background loads run on `background`.
    pub fn new(store: Arc<dyn CatalogStore>, options: CacheOptions, background: Handle) -> Self {
        let loader = DocumentLoader {
            store: Arc::clone(&store),
        };
        let clock = SystemClock;
        let l1 = options.l1.map(|options| L1::new(options, clock.now()));
        let is_cached = l1.is_some();
        let documents = ReadThrough::new(l1, loader, clock, background, options.deadline);
        Self {
            store,
            compressor: is_cached.then(|| Compressor::start(documents.clone())),
            documents,
            deadline: options.deadline,
        }
    }

    /// The document of a product; no value where there is none to show.
    pub async fn product(&self, id: i64) -> Result<Answer<Document>, LoadError> {
        self.documents.read(&id).await
    }

    /// The document of a product, from past the cache where that has an older version than `least`. A version
    /// that the store does not have yet is waited for, for a short time; then the newest there is is
    /// returned.
    pub async fn product_at_least(
        &self,
        id: i64,
        least: u64,
    ) -> Result<Answer<Document>, LoadError> {
        let mut answer = self.documents.read(&id).await?;
        let deadline = Instant::now() + VERSION_PATIENCE;
        while answer.version < least {
            answer = self.documents.read_past_l1(&id).await?;
            if answer.version >= least || Instant::now() >= deadline {
                break;
            }
            tokio::time::sleep(VERSION_POLL).await;
        }
        Ok(answer)
    }

    /// True where documents can be had compressed.
    pub fn compresses(&self) -> bool {
        self.compressor.is_some()
    }

    /// Has a body built in the background, for later readers of this document.
    pub fn compress_soon(&self, id: i64, document: &Document, coding: Coding) {
        if let Some(compressor) = &self.compressor {
            compressor.order(id, document, coding);
        }
    }

    /// The body in this coding, built in the background and awaited; `None` where it cannot be had in time.
    pub async fn compress(&self, id: i64, document: &Document, coding: Coding) -> Option<Bytes> {
        let order = self.compressor.as_ref()?.order(id, document, coding);
        tokio::time::timeout(self.deadline, order.wait())
            .await
            .ok()?
    }

    /// The documents of products, in the order asked. All that have to be loaded are loaded at once.
    pub async fn products(&self, ids: &[i64]) -> Result<Vec<Answer<Document>>, LoadError> {
        try_join_all(ids.iter().map(|id| self.documents.read(id))).await
    }

    /// A page of a list, of at most `limit` products. The list is read from the store, the documents like any
    /// other, so that no list shows an older version than was shown before.
    pub async fn list(
        &self,
        listing: Listing,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<ListPage, ListError> {
        let key = self.store.cursor_key().await?;
        let scope = listing.scope();
        let page = page_request(&key, &scope, cursor, limit)?;
        let Page { items, next } = self.store.list(listing, page).await?;
        let documents = self.products(&items).await?;
        Ok(ListPage {
            // One that was taken down meanwhile is left out.
            documents: documents
                .into_iter()
                .filter_map(|answer| Some((answer.version, answer.value.ok()?)))
                .collect(),
            next: next.map(|position| key.seal(&scope, &position)),
        })
    }

    /// The exact stock of each variant of a public product, as JSON. Not cached.
    pub async fn stock(&self, product_id: i64) -> Result<Option<String>, StoreError> {
        self.store.stock(product_id).await
    }

    /// A page of the published reviews of a public product, newest first, of at most `limit`. Not cached.
    pub async fn reviews(
        &self,
        product_id: i64,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Option<ReviewPage>, ListError> {
        let key = self.store.cursor_key().await?;
        let scope = format!("reviews 1 {product_id}");
        let page = page_request(&key, &scope, cursor, limit)?;
        let page = self.store.reviews(product_id, page).await?;
        Ok(page.map(|Page { items, next }| ReviewPage {
            reviews: items,
            next: next.map(|position| key.seal(&scope, &position)),
        }))
    }

    /// The next products in order of id, after this one, complete, whether they are public or not.
    pub async fn export(
        &self,
        filter: &ExportFilter,
        after: i64,
    ) -> Result<ExportPage, StoreError> {
        self.store.export(filter.clone(), after).await
    }

    /// The product that has this handle.
    pub async fn id_by_handle(&self, handle: &str) -> Result<Option<i64>, StoreError> {
        self.store.id_by_handle(handle).await
    }

    /// The product whose variant has this sku.
    pub async fn id_by_sku(&self, sku: &str) -> Result<Option<i64>, StoreError> {
        self.store.id_by_sku(sku).await
    }

    /// Does `work` in one transaction, in turn with others, if that can begin by `deadline`. What it changed is
    /// not served older from here on: by the time this returns, every cached version has given way.
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
        self.invalidate(&committed.versions);
        for product_id in committed.stock {
            self.stock_changed(product_id);
        }
        let worked = worked.try_recv();
        worked.map_err(|_| StoreError("the store did not do the work".to_owned()).into())
    }

    /// True when the store answers.
    pub async fn is_ready(&self) -> bool {
        self.store.is_ready().await
    }

    /// Takes note of committed versions: nothing older is served from now on.
    pub fn invalidate(&self, changes: &[Change]) {
        for change in changes {
            self.documents
                .invalidate(&change.product_id, change.version);
        }
    }

    /// Takes note that the exact stock of a product may have changed, be it without a new version. Called before
    /// the writer is answered.
    pub fn stock_changed(&self, product_id: i64) {
        // Exact stock is read from the store each time, so there is nothing to forget.
        let _ = product_id;
    }

    /// Takes note that committed versions were missed.
    pub fn doubt_everything(&self) {
        self.documents.doubt_everything();
    }
}

fn page_request(
    key: &CursorKey,
    scope: &str,
    cursor: Option<&str>,
    limit: usize,
) -> Result<PageRequest, ListError> {
    let after = match cursor {
        Some(cursor) => Some(key.open(scope, cursor).ok_or(ListError::Cursor)?),
        None => None,
    };
    Ok(PageRequest { after, limit })
}

struct DocumentLoader {
    store: Arc<dyn CatalogStore>,
}

impl Load<i64, Document> for DocumentLoader {
    fn load(&self, id: i64) -> BoxFuture<'static, Result<Loaded<Document>, LoadError>> {
        let store = Arc::clone(&self.store);
        async move {
            let documents = store
                .documents(&[id])
                .await
                .map_err(|error| LoadError::Failed(error.to_string()))?;
            let stored = documents.into_iter().next().flatten();
            Ok(stored.map_or(
                Loaded {
                    value: Err(Absence::Unknown),
                    version: 0,
                },
                |stored| Loaded {
                    value: stored.document,
                    version: stored.version,
                },
            ))
        }
        .boxed()
    }
}
