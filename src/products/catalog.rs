//! The catalogue as the HTTP layer sees it: products through the cache.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, try_join_all};
use tokio::runtime::Handle;

use super::categories::CategoryTree;
use super::coding::Coding;
use super::compressor::Compressor;
use super::cursor::{CursorKey, Page, PageRequest};
use super::document::Document;
use super::listing::{ListError, ListPage, Listing, ReviewPage};
use super::search::{Search, SearchError, SearchPage, SearchQuery};
use super::store::{CatalogStore, Change, StoreError};
use crate::cache::{
    Answer, Clock, L1, L1Options, Load, LoadError, Loaded, ReadThrough, SystemClock,
};

/// Reads products through L1 from a store. Clones share everything.
#[derive(Clone)]
pub struct Catalog {
    store: Arc<dyn CatalogStore>,
    documents: ReadThrough<i64, Document>,
    /// `None` where nothing is cached: a body that cannot be kept is not worth making.
    compressor: Option<Compressor>,
    deadline: Duration,
    categories: CategoryTree,
    /// `None` until it is started: see [`Catalog::with_search`].
    search: Option<Search>,
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
        let categories = CategoryTree::new(Arc::clone(&store), background.clone());
        let documents = ReadThrough::new(l1, loader, clock, background, options.deadline);
        Self {
            categories,
            search: None,
            store,
            compressor: is_cached.then(|| Compressor::start(documents.clone())),
            documents,
            deadline: options.deadline,
        }
    }

    /// The same catalogue, with a search of its products.
    #[must_use]
    pub fn with_search(self, search: Search) -> Self {
        Self {
            search: Some(search),
            ..self
        }
    }

    /// The document of a product; no value where there is none to show.
    pub async fn product(&self, id: i64) -> Result<Answer<Document>, LoadError> {
        self.documents.read(&id).await
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
                .filter_map(|answer| Some((answer.version, answer.value?)))
                .collect(),
            next: next.map(|position| key.seal(&scope, &position)),
        })
    }

    /// A page of what is found. The index is at most 5 s behind the catalogue, longer only while it is built
    /// or takes in an import of tens of thousands of products; what is shown is as new as anywhere.
    pub async fn search(&self, query: SearchQuery) -> Result<SearchPage, SearchError> {
        let not_started = || SearchError::Failed("no index is kept".to_owned());
        let search = self.search.as_ref().ok_or_else(not_started)?;
        let key = self.store.cursor_key().await?;
        search
            .page(key, query, self.documents.clone(), self.deadline)
            .await
    }

    /// The tree of categories as JSON: `{"items":[{"name","path","count","children"}]}`, at most 2 s old. A
    /// count holds the products of everything below.
    pub async fn categories(&self) -> Result<Bytes, StoreError> {
        self.categories.json().await
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

    /// The product that has this handle.
    pub async fn id_by_handle(&self, handle: &str) -> Result<Option<i64>, StoreError> {
        self.store.id_by_handle(handle).await
    }

    /// The product whose variant has this sku.
    pub async fn id_by_sku(&self, sku: &str) -> Result<Option<i64>, StoreError> {
        self.store.id_by_sku(sku).await
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
                    value: None,
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
