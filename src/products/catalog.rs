//! The catalogue as the HTTP layer sees it: products, and views of them, through their caches.

mod changes;
mod counted;
mod imports;
pub mod inspection;
mod named;
pub mod purge;
mod reviews;
mod sign_ups;
pub mod status;
mod warm_up;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::{join, try_join_all};
use tokio::runtime::Handle;

use super::categories::CategoryTree;
use super::coding::Coding;
use super::compressor::Compressor;
use super::cursor::PageRequest;
use super::document::Document;
use super::export::page::{ExportFilter, ExportPage};
use super::listing::{ListError, Listing};
use super::loader::{DocumentLoader, DocumentWatcher, VersionJournal};
use super::names::Names;
use super::popularity::ViewCounts;
use super::search::{Search, SearchError, SearchPage, SearchQuery};
use super::store::{CatalogStore, StoreError};
use super::store_gate::StoreGate;
use super::views::{
    Cursors, Detail, DetailKey, Form, Include, PageKey, PageLoader, PageView, Part, Place, Shelves,
    Source, StockLoader, reviews_scope,
};
use crate::cache::prover::Findings;
use crate::cache::{
    Absence, Answer, Batched, Clock, Derived, L1, L1Options, L2, LoadError, Millis, ReadThrough,
    Status, SystemClock, Tiered,
};
use crate::flags::{Feature, Features, Flags};
use crate::jobs::Wake;

/// How much longer a product is served without asking while `fresh_prices` is off, in times as long as it is otherwise.
const LONGER: Millis = 10;

/// Items of a page where the request says nothing.
pub const DEFAULT_LIMIT: usize = 20;

/// The part of L1's budget that is for names, beside it: a name weighs a twentieth of a document.
const NAMES_PART: u64 = 32;

/// How long a version that is asked for may take to appear: what is settled by the outbox tail does within
/// its poll, and what a replica of a store is behind.
const VERSION_PATIENCE: Duration = Duration::from_millis(250);
/// How often it is looked for meanwhile.
const VERSION_POLL: Duration = Duration::from_millis(25);

/// Reads products, and what is made of them, through caches from a store. Clones share everything.
#[derive(Clone)]
pub struct Catalog {
    store: Arc<dyn CatalogStore>,
    gate: StoreGate,
    shelves: Shelves,
    cursors: Arc<Cursors>,
    /// See `PageLoader`.
    stock_changes: Arc<AtomicU64>,
    compressor: Compressor,
    deadline: Duration,
    categories: CategoryTree,
    /// `None` until it is started: see [`Catalog::with_search`].
    search: Option<Search>,
    l2: Option<L2<i64, Document>>,
    loader: DocumentLoader,
    /// `None` without L1, where a look at the product costs more than one at the name.
    names: Option<Arc<Names>>,
    prover: Option<Findings>,
    /// `None` where views are not counted.
    views: Option<Arc<ViewCounts>>,
    /// See [`Self::with_stock_watch`].
    on_stock: Option<Arc<dyn Fn() + Send + Sync>>,
    write_through: bool,
    features: Features,
    /// How much longer products are served without asking while that is off.
    stretch: Millis,
    /// Whom jobs are told of that were enqueued.
    wake: Wake,
    /// What this node is called, for people.
    node: Arc<str>,
}

/// Sizes and times of the caches.
#[derive(Debug, Clone, Copy)]
pub struct CacheOptions {
    /// The first tier; `None` switches it off.
    pub l1: Option<L1Options>,
    /// Budget of views, in bytes, so that no scan of pages evicts a product; 0 keeps none.
    pub views_bytes: u64,
    /// How long a load may take.
    pub deadline: Duration,
    /// Whether what was written is loaded at once: see [`Catalog::write`].
    pub write_through: bool,
}

/// A detail and what it took.
#[derive(Debug, Clone)]
pub struct DetailAnswer {
    /// The JSON.
    pub document: Document,
    /// Where it is kept.
    pub place: Place,
    /// Version of the product.
    pub version: u64,
    /// What the tiers did, for each part.
    pub statuses: Vec<Status>,
    /// Milliseconds since its oldest part was read; `None` where all of it is known to be the newest there is.
    pub age: Option<Millis>,
    /// What it has to do without for now.
    pub degraded: Vec<Feature>,
}

/// Why there is no detail.
#[derive(Debug, thiserror::Error)]
pub enum DetailError {
    /// There is no such product, or it is not public. What the cache did.
    #[error("no such product")]
    NoProduct(Absence, Status),
    /// A part could not be read.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl Catalog {
    /// Background loads run on `background`. Where there is a second tier, documents are loaded through it. They are
    /// loaded in batches there, and from a store behind a network; else one by one, on the caller's thread.
    pub fn new(
        store: Arc<dyn CatalogStore>,
        gate: StoreGate,
        options: CacheOptions,
        l2: Option<L2<i64, Document>>,
        background: Handle,
    ) -> Self {
        let clock = SystemClock;
        // Without a first tier there are no fences, so no copy that is behind may be asked.
        let is_fenced = options.l1.is_some();
        let documents_loader = DocumentLoader::new(Arc::clone(&store), is_fenced);
        let loader = documents_loader.clone();
        let node = match &l2 {
            Some(l2) => l2.node(),
            None => format!("{:016x}", getrandom::u64().unwrap_or_default()),
        };
        let stretch = options.l1.map_or(0, |l1| l1.fresh.saturating_mul(LONGER));
        let l1 = options.l1.map(|options| L1::new(options, clock.now()));
        let names = options
            .l1
            .map(|l1| Arc::new(Names::new(l1.bytes / NAMES_PART)));
        let categories = CategoryTree::new(Arc::clone(&store), gate.clone(), background.clone());
        let deadline = options.deadline;
        let documents = match &l2 {
            None if store.reach().is_remote => {
                let loader = Batched::new(loader, gate.keys("key"), deadline, &background);
                ReadThrough::new(l1, loader, clock, background.clone(), deadline)
            }
            None => ReadThrough::new(l1, loader, clock, background.clone(), deadline),
            Some(l2) => {
                let loader =
                    Tiered::new(l2.clone(), loader, gate.keys("key"), deadline, &background);
                ReadThrough::new(l1, loader, clock, background.clone(), deadline)
            }
        };
        let cursors = Arc::new(Cursors::new(Arc::clone(&store), deadline));
        let stock_changes = Arc::<AtomicU64>::default();
        let loader = PageLoader {
            store: Arc::clone(&store),
            gate: gate.clone(),
            documents: documents.clone(),
            cursors: Arc::clone(&cursors),
            stock: StockLoader::new(Arc::clone(&store), gate.clone(), deadline, &background),
            stock_changes: Arc::clone(&stock_changes),
        };
        let keeps_views = options.views_bytes > 0;
        let half = options.views_bytes / 2;
        let l1 = keeps_views.then(|| L1::new(page_options(half), clock.now()));
        let shelves = Shelves {
            documents,
            details: keeps_views.then(|| Arc::new(Derived::new(half))),
            pages: ReadThrough::new(l1, loader, clock, background, deadline),
        };
        Self {
            categories,
            search: None,
            store,
            gate,
            cursors,
            stock_changes,
            compressor: Compressor::start(shelves.clone()),
            shelves,
            deadline,
            l2,
            loader: documents_loader,
            names,
            prover: None,
            views: None,
            on_stock: None,
            write_through: options.write_through,
            features: Features::default(),
            stretch,
            wake: Wake::default(),
            node: node.into(),
        }
    }

    /// What this node is called in leases, and by the prover.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Has the second tier brought up to date from here on, and words of other nodes heeded, of which notes go to
    /// `on_note`. To be called once.
    pub fn start_l2(&self, on_note: impl Fn(&str) + Send + Sync + 'static) {
        if let Some(l2) = &self.l2 {
            let journal = VersionJournal {
                store: Arc::clone(&self.store),
            };
            let watcher = DocumentWatcher {
                documents: self.shelves.documents.clone(),
                on_note: Box::new(on_note),
            };
            l2.start(journal, watcher);
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

    /// Tells of jobs that writes enqueue.
    #[must_use]
    pub fn with_jobs(mut self, wake: Wake) -> Self {
        self.wake = wake;
        self
    }

    /// The same catalogue, which shows what the prover finds.
    #[must_use]
    pub fn with_prover(self, findings: Findings) -> Self {
        Self {
            prover: Some(findings),
            ..self
        }
    }

    /// The same catalogue, which heeds flags from here on.
    #[must_use]
    pub fn with_flags(self, flags: &Flags) -> Self {
        let (documents, stretch) = (self.shelves.documents.clone(), self.stretch);
        flags.on_change(move |features| {
            let is_stretched = !features.is_on(Feature::FreshPrices);
            documents.stretch(if is_stretched { stretch } else { 0 });
        });
        Self {
            features: flags.features(),
            ..self
        }
    }

    /// What may be done without, and whether it is.
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// The second tier.
    pub fn l2(&self) -> Option<&L2<i64, Document>> {
        self.l2.as_ref()
    }

    /// What memory has of a product, as [`Self::product`] would answer; `None` where that would have to ask.
    pub fn kept_product(&self, id: i64) -> Option<Answer<Document>> {
        self.shelves.documents.cached(&id)
    }

    /// The document of a product; no value where there is none to show.
    pub async fn product(&self, id: i64) -> Result<Answer<Document>, LoadError> {
        self.shelves.documents.read(&id).await
    }

    /// The document of a product, from past the cache where that has an older version than `least`. A version
    /// that the store does not have yet is waited for, for a short time; then the newest there is is
    /// returned.
    pub async fn product_at_least(
        &self,
        id: i64,
        least: u64,
    ) -> Result<Answer<Document>, LoadError> {
        let mut answer = self.shelves.documents.read(&id).await?;
        let deadline = Instant::now() + VERSION_PATIENCE;
        while answer.version < least {
            answer = self.shelves.documents.read_past_l1(&id).await?;
            if answer.version >= least || Instant::now() >= deadline {
                break;
            }
            tokio::time::sleep(VERSION_POLL).await;
        }
        Ok(answer)
    }

    /// True where this can be had compressed: a body that cannot be kept is not worth making.
    pub fn compresses(&self, place: &Place) -> bool {
        self.shelves.keeps(place)
    }

    /// Has a body built in the background, for later readers of this document.
    pub fn compress_soon(&self, place: &Place, document: &Document, coding: Coding) {
        if self.compresses(place) {
            self.compressor.order(place, document, coding);
        }
    }

    /// The body in this coding, built in the background and awaited; `None` where it cannot be had in time.
    pub async fn compress(
        &self,
        place: &Place,
        document: &Document,
        coding: Coding,
    ) -> Option<Bytes> {
        if !self.compresses(place) {
            return None;
        }
        let order = self.compressor.order(place, document, coding);
        tokio::time::timeout(self.deadline, order.wait())
            .await
            .ok()?
    }

    /// The documents of products, in the order asked. All that have to be loaded are loaded at once.
    pub async fn products(&self, ids: &[i64]) -> Result<Vec<Answer<Document>>, LoadError> {
        try_join_all(ids.iter().map(|id| self.product(*id))).await
    }

    /// A product in another form than its plain document.
    pub async fn detail(&self, product_id: i64, form: Form) -> Result<DetailAnswer, DetailError> {
        let answer = self.product(product_id).await?;
        let no_product = |absence| DetailError::NoProduct(absence, answer.status);
        let product = answer.value.map_err(no_product)?;
        let mut detail = DetailAnswer {
            document: product.clone(),
            place: Place::Product(product_id),
            version: answer.version,
            statuses: vec![answer.status],
            age: None,
            degraded: Vec::new(),
        };
        let include = form.include();
        let (reviews, recommendations) = if include == Include::default() {
            (Asked::No, Asked::No)
        } else {
            self.parts(product_id, include, &mut detail.degraded).await
        };
        let source = Source {
            product,
            reviews: detail.take_note(reviews)?,
            recommendations: detail.take_note(recommendations)?,
            degraded: detail.degraded.iter().map(|it| it.name()).collect(),
        };
        let fingerprint = source.fingerprint();
        let key = DetailKey {
            product_id,
            form: Arc::new(form),
        };
        detail.document = self.make(&key, fingerprint, &source)?.document;
        detail.place = Place::Detail(key, fingerprint);
        Ok(detail)
    }

    /// Takes microseconds where it is not kept, and no more threads than serve requests can be at it.
    fn make(
        &self,
        key: &DetailKey,
        fingerprint: u64,
        source: &Source,
    ) -> Result<Detail, LoadError> {
        let details = self.shelves.details.as_ref();
        if let Some(detail) = details.and_then(|details| details.get(key, fingerprint)) {
            return Ok(detail);
        }
        let made = source.detail(&key.form);
        let detail = made
            .map_err(|error| LoadError::Failed(format!("product {}: {error}", key.product_id)))?;
        if let Some(details) = details {
            details.keep(key.clone(), fingerprint, detail.clone());
        }
        Ok(detail)
    }

    /// What hangs on a product. What is switched off, or cannot be read, is told in `degraded`: a product is worth
    /// showing without it.
    async fn parts(
        &self,
        product_id: i64,
        include: Include,
        degraded: &mut Vec<Feature>,
    ) -> (Asked, Asked) {
        let limit = DEFAULT_LIMIT;
        let page = PageRequest { after: None, limit };
        let reviews = PageKey::Reviews { product_id, page };
        let recommendations = PageKey::Recommendations { product_id, limit };
        let features = self.features.now();
        let includes = features.is_on(Feature::Include);
        let part = async |is_asked: bool, feature, key| {
            if !is_asked {
                return Asked::No;
            }
            if !includes || !features.is_on(feature) {
                return Asked::InVain;
            }
            match self.page(&key).await {
                Ok(answer) => Asked::Answered(Box::new(answer)),
                Err(error) => {
                    tracing::debug!(%error, "a product is shown without its {}", feature.name());
                    Asked::InVain
                }
            }
        };
        let parts = join(
            part(include.reviews, Feature::Reviews, reviews),
            part(
                include.recommendations,
                Feature::Recommendations,
                recommendations,
            ),
        )
        .await;
        if includes {
            for (part, feature) in [
                (&parts.0, Feature::Reviews),
                (&parts.1, Feature::Recommendations),
            ] {
                degraded.extend(matches!(part, Asked::InVain).then_some(feature));
            }
        } else {
            degraded.push(Feature::Include);
        }
        parts
    }

    /// The key of a page of a list, of at most `limit` products.
    pub async fn list_key(
        &self,
        listing: Listing,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<PageKey, ListError> {
        let page = self.cursors.open(|| listing.scope(), cursor, limit).await?;
        let listing = Arc::new(listing);
        Ok(PageKey::List { listing, page })
    }

    /// A page of what is found. The index is at most 5 s behind the catalogue, longer only while it is built
    /// or takes in an import of tens of thousands of products; what is shown is as new as anywhere.
    pub async fn search(&self, mut query: SearchQuery) -> Result<SearchPage, SearchError> {
        query.counts_facets = self.features.is_on(Feature::Facets);
        let not_started = || SearchError::Failed("no index is kept".to_owned());
        let search = self.search.as_ref().ok_or_else(not_started)?;
        let key = self.cursors.key().await?;
        let documents = self.shelves.documents.clone();
        // Boxed, so that no request carries all a search may need.
        Box::pin(search.page(key.clone(), query, documents, self.deadline)).await
    }

    /// The tree of categories as JSON: `{"items":[{"name","path","count","children"}]}`, at most 2 s old. A
    /// count holds the products of everything below.
    pub async fn categories(&self) -> Result<Bytes, LoadError> {
        self.categories.json().await
    }

    /// The key of a page of the published reviews of a product, newest first, of at most `limit`.
    pub async fn reviews_key(
        &self,
        product_id: i64,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<PageKey, ListError> {
        let scope = || reviews_scope(product_id);
        let page = self.cursors.open(scope, cursor, limit).await?;
        Ok(PageKey::Reviews { product_id, page })
    }

    /// A page, no older than its class promises; no value where its product is not public.
    pub async fn page(&self, key: &PageKey) -> Result<Answer<PageView>, LoadError> {
        self.shelves.pages.read(key).await
    }

    /// The next products in order of id, after this one, complete, whether they are public or not.
    pub async fn export(
        &self,
        filter: &ExportFilter,
        after: i64,
    ) -> Result<ExportPage, StoreError> {
        self.store.export(filter.clone(), after).await
    }

    /// True when the store answers.
    pub async fn is_ready(&self) -> bool {
        let is_ready = tokio::time::timeout(self.deadline, self.store.is_ready());
        is_ready.await.unwrap_or(false)
    }

    /// Awaits what is asked of the store directly, as long as a load may take.
    async fn in_time<T>(
        &self,
        read: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let limit = self.deadline;
        let read = tokio::time::timeout(limit, read).await;
        read.unwrap_or_else(|_| {
            Err(StoreError::new(format!(
                "no answer from the store within {limit:?}"
            )))
        })
    }
}

/// What came of asking for a part.
enum Asked {
    No,
    /// It is switched off, or cannot be read.
    InVain,
    Answered(Box<Answer<PageView>>),
}

impl DetailAnswer {
    /// Of a part, if it was wanted.
    fn take_note(&mut self, part: Asked) -> Result<Part, DetailError> {
        let Answer { value, status, .. } = match part {
            Asked::No => return Ok(Part::NotAsked),
            Asked::InVain => {
                // Not to be kept for longer than a page: it may be there again at any time.
                self.age = self.age.max(Some(0));
                return Ok(Part::Missing);
            }
            Asked::Answered(answer) => *answer,
        };
        // The product may have been taken down since it was read.
        let page = value.map_err(|absence| DetailError::NoProduct(absence, status))?;
        self.statuses.push(status);
        self.age = self.age.max(Some(page.age()));
        Ok(Part::There(page))
    }
}

/// Pages bring their own lifetimes. What has none is believed to have none for as long as the shortest of them.
fn page_options(bytes: u64) -> L1Options {
    const NOTHING: Millis = 1_000;
    /// Absences are of products that were public a moment ago: few.
    const NOTHING_PART: u64 = 32;
    L1Options {
        bytes,
        negative_bytes: bytes / NOTHING_PART,
        fresh: 0,
        stale: 0,
        negative: NOTHING,
        fence_lifetime: NOTHING,
        fences_fills: false,
    }
}
