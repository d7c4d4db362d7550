//! What the rest of the program asks of a catalogue store, whichever database stands behind it.

use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, FutureExt, ready};
use serde::{Deserialize, Serialize};

use super::back_in_stock::{SignUpStore, SignUpTransaction};
use super::bulk::PutOutcomes;
use super::cursor::{CursorKey, Page, PageRequest};
use super::document::Document;
use super::export::page::{ExportFilter, ExportPage};
use super::import_runs::{ImportStore, ImportTransaction};
use super::input::ProductInput;
use super::listing::Listing;
use super::popularity::{PopularityStore, PopularityTransaction};
use super::recommendation::Recommendation;
use super::reviews::{ReviewStore, ReviewTransaction};
use super::stock::{Stock, StockChange, StockRefusal};
use super::validate::Invalid;
use super::webhooks::{WebhookStore, WebhookTransaction};
use crate::cache::{Absence, Intent};
use crate::db::ServerStanding;
use crate::db::postgres::PostgresError;
use crate::db::sqlite::SqliteError;
use crate::limits::overload::RetryCounts;

/// The finished document of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDocument {
    /// Rises by one with every change of the product.
    pub version: u64,
    /// Compact JSON, or why there is none to show: a product that was deleted counts as removed, one that is
    /// not public as unknown.
    pub document: Result<Document, Absence>,
}

/// A version of a product that a committed transaction made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The product.
    pub product_id: i64,
    /// Its new version.
    pub version: u64,
}

/// A public product, as lists and searches know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedProduct {
    /// The product.
    pub product_id: i64,
    /// Its document: compact JSON.
    pub document: Vec<u8>,
    /// Since when it is public (RFC 3339, UTC, milliseconds).
    pub published_at: String,
    /// Its average rating in thousandths of a star, 0 without ratings.
    pub rating: u64,
}

/// A place in the stream of committed versions. The text is the store's own; a client may keep it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxMark(pub String);

impl OutboxMark {
    /// One that no store knows: what is asked for after it is a gap.
    pub fn unknown() -> Self {
        Self(String::new())
    }
}

/// A stretch of the stream of committed versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxPage {
    /// In order of their commits.
    pub changes: Vec<Change>,
    /// Behind the last of them.
    pub mark: OutboxMark,
}

/// Why the store gave no answer. The text is for operators, never for clients.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{reason}")]
pub struct StoreError {
    reason: String,
    is_lost: bool,
}

impl StoreError {
    /// The store answered, and not as it should.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            is_lost: false,
        }
    }

    /// True where the store could not be reached: the same question may well be answered another time.
    pub fn is_lost(&self) -> bool {
        self.is_lost
    }
}

impl From<SqliteError> for StoreError {
    fn from(error: SqliteError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        SqliteError::from(error).into()
    }
}

impl From<PostgresError> for StoreError {
    fn from(error: PostgresError) -> Self {
        Self {
            reason: error.to_string(),
            is_lost: error.is_lost(),
        }
    }
}

/// How a store is reached. By default it is a file, and there is no other copy of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reach {
    /// How many questions it works on at once: its threads, its connections for reading.
    pub parallel: u32,
    /// It is asked over a network, so that many questions at once take hardly longer than one.
    pub is_remote: bool,
    /// What it answers may come from a copy that is behind, where anything will do.
    pub has_copies: bool,
}

/// What a store has to do without, as it was last known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lacks {
    /// The server that takes writes. It reads on.
    pub primary: bool,
    /// So many of the copies that it could read from are gone or too far behind.
    pub replicas: usize,
}

/// Where the catalogue is kept.
pub trait CatalogStore:
    ReviewStore + SignUpStore + WebhookStore + ImportStore + PopularityStore + Send + Sync + 'static
{
    /// Documents by product id, in the order asked; `None` where there is no such product. Where anything will do, they
    /// may be those of a copy that is behind, if there are such.
    ///
    /// A store that answers within microseconds is ready at the first poll. Dropping the future at any
    /// point is safe.
    fn documents<'a>(
        &'a self,
        ids: &'a [i64],
        intent: Intent,
    ) -> BoxFuture<'a, Result<Vec<Option<StoredDocument>>, StoreError>>;

    /// The product that has this handle, public or not.
    fn id_by_handle<'a>(
        &'a self,
        handle: &'a str,
    ) -> BoxFuture<'a, Result<Option<i64>, StoreError>>;

    /// The product whose variant has this sku, public or not.
    fn id_by_sku<'a>(&'a self, sku: &'a str) -> BoxFuture<'a, Result<Option<i64>, StoreError>>;

    /// The ids of public products that pass the filters, in the order asked.
    fn list(
        &self,
        listing: Listing,
        page: PageRequest,
    ) -> BoxFuture<'_, Result<Page<i64>, StoreError>>;

    /// The exact stock of each variant of public products, as JSON, in the order of the ids; `None` for one that is no
    /// public product.
    fn stocks<'a>(
        &'a self,
        ids: &'a [i64],
    ) -> BoxFuture<'a, Result<Vec<Option<String>>, StoreError>>;

    /// Published reviews of a public product, newest first, each as JSON; `None` where there is no such
    /// product.
    fn reviews(
        &self,
        product_id: i64,
        page: PageRequest,
    ) -> BoxFuture<'_, Result<Option<Page<String>>, StoreError>>;

    /// At most `limit` public products that go with a public product, the most fitting first; `None` where there
    /// is no such product.
    fn recommendations(
        &self,
        product_id: i64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Option<Vec<Recommendation>>, StoreError>>;

    /// The key that signs cursors, the same for every process on this catalogue.
    fn cursor_key(&self) -> BoxFuture<'_, Result<CursorKey, StoreError>>;

    /// Public products with a higher id, in order of id, at most `limit`.
    fn listed_after(
        &self,
        product_id: i64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<ListedProduct>, StoreError>>;

    /// Those of these products that are public, in any order.
    fn listed(&self, ids: Vec<i64>) -> BoxFuture<'_, Result<Vec<ListedProduct>, StoreError>>;

    /// How many public products are in each category, by its whole path, in order of the paths.
    fn categories(&self) -> BoxFuture<'_, Result<Vec<(String, u64)>, StoreError>>;

    /// What it has to do without now.
    fn lacks(&self) -> Lacks {
        Lacks::default()
    }

    /// How each of its servers stands, the one that takes writes first; none where it has none.
    fn servers(&self) -> Vec<ServerStanding> {
        Vec::new()
    }

    /// How many reads may be tried again elsewhere; `None` where there is no other place.
    fn retries(&self) -> Option<RetryCounts> {
        None
    }

    /// How the store is reached.
    fn reach(&self) -> Reach {
        Reach::default()
    }

    /// Where the stream of committed versions ends now.
    fn outbox_end(&self) -> BoxFuture<'_, Result<OutboxMark, StoreError>>;

    /// A place such that everything committed within the last `age` comes after it; `None` where the stream does not
    /// go back so far.
    fn outbox_before(
        &self,
        _age: Duration,
    ) -> BoxFuture<'_, Result<Option<OutboxMark>, StoreError>> {
        ready(Ok(None)).boxed()
    }

    /// What was committed after a mark, at most `limit` versions; `None` where that can no longer be told
    /// (rows removed, another catalogue, one put back from a backup).
    fn outbox_after(
        &self,
        mark: OutboxMark,
        limit: usize,
    ) -> BoxFuture<'_, Result<Option<OutboxPage>, StoreError>>;

    /// True when a read works now.
    fn is_ready(&self) -> BoxFuture<'_, bool>;

    /// The next products in order of id, after this one, complete, whether they are public or not.
    fn export(
        &self,
        filter: ExportFilter,
        after: i64,
    ) -> BoxFuture<'_, Result<ExportPage, StoreError>>;

    /// Runs `work` in one transaction and does with it what `work` decides. Blocks; not for a thread
    /// that serves requests.
    fn transaction(
        &self,
        work: &mut dyn FnMut(&mut dyn CatalogTransaction) -> Result<Decision, StoreError>,
    ) -> Result<(), StoreError>;

    /// Runs `work` in one transaction, in turn with others, and does with it what `work` decides. Returns what
    /// that changed. [`WriteError::Busy`] where it could not begin by `deadline`. Dropping the future
    /// does not stop it.
    fn write(&self, deadline: Instant, work: Work) -> BoxFuture<'_, Result<Committed, WriteError>>;

    /// Hands every product that is not deleted, complete, to `visit` in order of id. One consistent
    /// view. Blocks. `visit` stops it by returning false.
    fn for_each_product(
        &self,
        visit: &mut dyn FnMut(ProductInput) -> bool,
    ) -> Result<(), StoreError>;
}

/// How a transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Keep everything.
    Commit,
    /// Keep nothing.
    Rollback,
}

/// What a transaction changed, for those who keep copies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// The versions it made.
    pub versions: Vec<Change>,
    /// Products whose exact stock may be another, be it without a new version.
    pub stock: Vec<i64>,
    /// The kinds of the jobs it enqueued.
    pub jobs: Vec<&'static str>,
}

/// What is done in a transaction of [`CatalogStore::write`].
pub type Work = Box<dyn FnOnce(&mut dyn CatalogTransaction) -> Result<Decision, StoreError> + Send>;

/// Why a write was not done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// It could not begin in time, and was not done.
    #[error("the catalogue is busy with other writes")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A product as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredProduct {
    /// With everything said.
    pub product: ProductInput,
    /// Rises by one with every change.
    pub version: u64,
    /// Soft-deleted.
    pub is_deleted: bool,
    /// What the public sees, if anything.
    pub document: Option<Document>,
}

/// Who asked for a write by which name, so that it is done once however often it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestKey {
    /// Id of the bearer token.
    pub token_id: String,
    /// The client's name for the request.
    pub key: String,
}

/// The answer to a write, to be given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// SHA-256 of what was asked.
    pub request: [u8; 32],
    /// HTTP status.
    pub status: u16,
    /// Names and values of the headers that belong to it.
    pub headers: Vec<(String, String)>,
    /// As it was sent.
    pub body: Vec<u8>,
}

/// Writing products inside a transaction.
pub trait CatalogTransaction:
    ReviewTransaction
    + SignUpTransaction
    + WebhookTransaction
    + PopularityTransaction
    + ImportTransaction
{
    /// Creates or updates the product with this handle. Writes only what differs; after an error
    /// nothing of this product is written.
    fn put(&mut self, product: &ProductInput) -> Result<(), PutError>;

    /// Puts products as [`Self::put`] would, one after another: one that cannot be put leaves the others be. Tells what
    /// became of each, in order.
    fn put_many(
        &mut self,
        products: &[&ProductInput],
    ) -> Result<Vec<Result<(), PutError>>, StoreError> {
        Ok(products.iter().map(|product| self.put(product)).collect())
    }

    /// Puts each product for itself, and settles: one that cannot be put leaves the others be. Tells what became of
    /// each, in order.
    fn put_each(&mut self, products: &[ProductInput]) -> Result<PutOutcomes, StoreError>;

    /// Changes the exact stock of the variant with this sku, notes that in the log of stock, and settles. A count
    /// that changes no number on hand is not noted.
    fn change_stock(
        &mut self,
        sku: &str,
        change: &StockChange,
    ) -> Result<Result<Stock, StockRefusal>, StoreError>;

    /// The product with this id, deleted or not, as settled.
    fn find(&mut self, id: i64) -> Result<Option<StoredProduct>, StoreError>;

    /// Everything about `product` that belongs to other products already. `id` is the product it is to
    /// become; `None` for a new one.
    fn conflicts(
        &mut self,
        id: Option<i64>,
        product: &ProductInput,
    ) -> Result<Vec<Invalid>, StoreError>;

    /// Creates a product, or brings back the deleted one that has its handle, as [`Self::replace`] would.
    fn create(&mut self, product: &ProductInput) -> Result<i64, PutError>;

    /// Makes the product with this id as `product` says, a sku or image of a variant that is not said being
    /// none. Anything else that is not said stays. After an error the transaction has to be rolled back.
    fn replace(&mut self, id: i64, product: &ProductInput) -> Result<(), PutError>;

    /// Soft-deletes a product.
    fn delete(&mut self, id: i64) -> Result<(), StoreError>;

    /// The answer given to this request within the last day.
    fn recall(&mut self, key: &RequestKey) -> Result<Option<KeptAnswer>, StoreError>;

    /// Keeps the answer to this request for a day, if the transaction is committed.
    fn remember(&mut self, key: &RequestKey, answer: &KeptAnswer) -> Result<(), StoreError>;

    /// Soft-deletes every product that was not put in this transaction.
    fn delete_missing(&mut self) -> Result<(), StoreError>;

    /// Makes the versions, documents and outbox rows of all that changed and resolves relations. Call
    /// it last, before committing; [`CatalogTransaction::put`] does parts of it along the way.
    fn settle(&mut self) -> Result<Settled, StoreError>;
}

/// What a transaction did, in products.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// New handles.
    pub created: u64,
    /// Existing products that got a new version.
    pub updated: u64,
    /// Existing products put without any difference.
    pub unchanged: u64,
    /// Soft-deleted.
    pub deleted: u64,
    /// Relations whose target does not exist; each was left out.
    pub unresolved: Vec<UnresolvedRelation>,
}

/// A relation that points nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnresolvedRelation {
    /// Handle of the product that names it.
    pub handle: String,
    /// The handle it names.
    pub related: String,
}

/// Why a product was not written.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// The catalogue as it stands forbids it; the next product may be fine.
    #[error("{field} {value:?}: {reason}")]
    Conflict {
        /// Path of the field, such as `variants[2].sku`.
        field: String,
        /// What was given.
        value: String,
        /// Why it cannot be, and the mend.
        reason: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for PutError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<PostgresError> for PutError {
    fn from(error: PostgresError) -> Self {
        Self::Store(error.into())
    }
}
