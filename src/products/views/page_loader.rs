//! Reads pages from the store.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, try_join_all};

use super::body;
use super::page::{PageKey, PageView};
use super::stock_loader::StockLoader;
use crate::cache::{Absence, Clock, Intent, Load, LoadError, Loaded, ReadThrough, SystemClock};
use crate::products::cursor::{CursorKey, Page, PageRequest, Position};
use crate::products::document::Document;
use crate::products::listing::{ListError, Listing};
use crate::products::recommendation::Recommendation;
use crate::products::store::{CatalogStore, StoreError};
use crate::products::store_gate::StoreGate;

/// Signs cursors and reads them. The key is read once: no catalogue ever changes it.
pub(in crate::products) struct Cursors {
    store: Arc<dyn CatalogStore>,
    deadline: Duration,
    key: OnceLock<CursorKey>,
}

impl Cursors {
    /// The key is waited for as long as `deadline`.
    pub(in crate::products) fn new(store: Arc<dyn CatalogStore>, deadline: Duration) -> Self {
        Self {
            store,
            deadline,
            key: OnceLock::new(),
        }
    }

    /// The stretch of at most `limit` items behind a cursor of the list that `scope` describes.
    pub(in crate::products) async fn open(
        &self,
        scope: impl Fn() -> String,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<PageRequest, ListError> {
        let after = match cursor {
            Some(cursor) => {
                let position = self.key().await?.open(&scope(), cursor);
                Some(position.ok_or(ListError::Cursor)?)
            }
            None => None,
        };
        Ok(PageRequest { after, limit })
    }

    async fn seal(
        &self,
        scope: impl Fn() -> String,
        next: Option<Position>,
    ) -> Result<Option<Arc<str>>, StoreError> {
        let Some(position) = next else {
            return Ok(None);
        };
        Ok(Some(self.key().await?.seal(&scope(), &position).into()))
    }

    pub(in crate::products) async fn key(&self) -> Result<&CursorKey, StoreError> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let key = tokio::time::timeout(self.deadline, self.store.cursor_key()).await;
        let key =
            key.map_err(|_| StoreError::new("no key of the cursors in time".to_owned()))??;
        Ok(self.key.get_or_init(|| key))
    }
}

/// What cursors of the reviews of a product are bound to.
pub(in crate::products) fn reviews_scope(product_id: i64) -> String {
    format!("reviews 1 {product_id}")
}

/// The way to the store for pages. Documents come through their own cache, so that a page that is read shows
/// no older version than was shown before. Clones share everything.
#[derive(Clone)]
pub(in crate::products) struct PageLoader {
    pub(in crate::products) store: Arc<dyn CatalogStore>,
    /// Asked before the store; not before the documents, which ask for themselves.
    pub(in crate::products) gate: StoreGate,
    pub(in crate::products) documents: ReadThrough<i64, Document>,
    pub(in crate::products) cursors: Arc<Cursors>,
    pub(in crate::products) stock: StockLoader,
    /// Rises with each change of stock of this process, and is the version of pages: one whose reading began
    /// before the change of its stock is older than that.
    pub(in crate::products) stock_changes: Arc<AtomicU64>,
}

/// A body and the cursor of the next page.
type Read = (Vec<u8>, Option<Arc<str>>);

impl Load<PageKey, PageView> for PageLoader {
    fn load(
        &self,
        key: PageKey,
        _intent: Intent,
    ) -> BoxFuture<'static, Result<Loaded<PageView>, LoadError>> {
        let loader = self.clone();
        async move {
            let since = SystemClock.now();
            let version = loader.stock_changes.load(Ordering::Acquire);
            let read = loader.read(&key).await?;
            let view = read.map(|(body, next)| PageView::new(&key, since, &body, next));
            let value = view.ok_or(Absence::Unknown);
            Ok(Loaded::from_store(value, version))
        }
        .boxed()
    }
}

impl PageLoader {
    async fn read(&self, key: &PageKey) -> Result<Option<Read>, LoadError> {
        match key {
            PageKey::List { listing, page } => self.list(listing, page).await.map(Some),
            PageKey::Reviews { product_id, page } => self.reviews(*product_id, page).await,
            PageKey::Recommendations { product_id, limit } => {
                self.recommendations(*product_id, *limit).await
            }
            PageKey::Stock { product_id } => {
                let stock = self.stock.stock(*product_id).await?;
                Ok(stock.map(|stock| (stock.into_bytes(), None)))
            }
        }
    }

    async fn list(&self, listing: &Listing, page: &PageRequest) -> Result<Read, LoadError> {
        let page = self.store.list(listing.clone(), page.clone());
        let Page { items, next } = self.gate.ask("list", page).await?;
        let documents = self.documents(items).await?;
        let next = self.cursors.seal(|| listing.scope(), next);
        let next = next.await?;
        // One that was taken down meanwhile is left out.
        let documents = documents.iter().flatten().map(Document::to_vec);
        let documents: Vec<_> = documents.collect();
        let items = documents.iter().map(Vec::as_slice);
        Ok((body::page(items, next.as_deref()), next))
    }

    async fn reviews(
        &self,
        product_id: i64,
        page: &PageRequest,
    ) -> Result<Option<Read>, LoadError> {
        let page = self.store.reviews(product_id, page.clone());
        let Some(Page { items, next }) = self.gate.ask("reviews", page).await? else {
            return Ok(None);
        };
        let next = self.cursors.seal(|| reviews_scope(product_id), next);
        let next = next.await?;
        let items = items.iter().map(String::as_bytes);
        Ok(Some((body::page(items, next.as_deref()), next)))
    }

    async fn recommendations(
        &self,
        product_id: i64,
        limit: usize,
    ) -> Result<Option<Read>, LoadError> {
        let found = self.store.recommendations(product_id, limit);
        let Some(found) = self.gate.ask("recommendations", found).await? else {
            return Ok(None);
        };
        let ids = found.iter().map(|it| it.product_id);
        let documents = self.documents(ids).await?;
        let mut items = Vec::with_capacity(found.len());
        for (Recommendation { reason, .. }, document) in found.iter().zip(documents) {
            let Some(document) = document else { continue };
            let item = body::recommended(&document, reason).ok_or_else(|| {
                LoadError::Failed("a document is not one that this program builds".to_owned())
            })?;
            items.push(item);
        }
        let items = items.iter().map(String::as_bytes);
        Ok(Some((body::items(items), None)))
    }

    /// In the order asked; `None` for one that is not public any more.
    async fn documents(
        &self,
        ids: impl IntoIterator<Item = i64>,
    ) -> Result<Vec<Option<Document>>, LoadError> {
        let ids: Vec<i64> = ids.into_iter().collect();
        let answers = try_join_all(ids.iter().map(|id| self.documents.read(id))).await?;
        Ok(answers
            .into_iter()
            .map(|answer| answer.value.ok())
            .collect())
    }
}
