//! The catalogue in PostgreSQL.

mod answers;
mod bulk;
mod children;
mod edit;
mod export;
mod import_runs;
mod known;
mod listing;
mod outbox;
mod pages;
mod popularity;
mod public;
mod put;
mod read_back;
mod rows;
mod said;
mod sign_ups;
mod stock;
mod submissions;
mod tail;
mod webhooks;
mod write;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, FutureExt};

use super::back_in_stock::{SignUp, SignUpStore};
use super::cursor::{CursorKey, Page, PageRequest};
use super::document::Document;
use super::export::page::{ExportFilter, ExportPage};
use super::import_runs::{ImportRun, ImportStore};
use super::input::ProductInput;
use super::listing::Listing;
use super::popularity::{PopularityStore, Viewed};
use super::recommendation::Recommendation;
use super::reviews::{ReviewStore, Submission};
use super::store::{
    CatalogStore, CatalogTransaction, Committed, Decision, Lacks, ListedProduct, OutboxMark,
    OutboxPage, Reach, StoreError, StoredDocument, Work, WriteError,
};
use super::webhooks::WebhookStore;
use crate::cache::{Absence, Intent};
use crate::db::ServerStanding;
use crate::db::postgres::{Connection, Postgres, PostgresError, ReadWork, Recency, Type};
use crate::limits::overload::RetryCounts;
pub use tail::Tail;
use write::Writer;

const READ_DOCUMENTS: &str = include_str!("../../sql/postgres/queries/read_documents.sql");
const ID_BY_HANDLE: &str = "SELECT id FROM product WHERE handle = $1";
const ID_BY_SKU: &str = "SELECT product_id FROM variant WHERE sku = $1";
const CURSOR_KEY: &str = "SELECT value FROM secret WHERE name = 'cursor'";

/// Products of a complete export that are read at once.
const EXPORTED_AT_ONCE: i64 = 500;

/// [`CatalogStore`] over a PostgreSQL database.
#[derive(Debug, Clone)]
pub struct PostgresCatalog {
    database: Postgres,
}

impl PostgresCatalog {
    /// The schema must be current: see [`Postgres::migrate`].
    pub fn new(database: Postgres) -> Self {
        Self { database }
    }

    /// The database underneath.
    pub fn database(&self) -> &Postgres {
        &self.database
    }

    fn read<T: Send + 'static>(
        &self,
        recency: Recency,
        read: impl ReadWork<T>,
    ) -> BoxFuture<'_, Result<T, StoreError>> {
        let reading = self.database.read(recency, read);
        async move { Ok(reading.await?) }.boxed()
    }

    /// Reads what an index of our own keeps: what is missed there is missed for good, since the outbox has told of it.
    fn read_for_index<T: Send + 'static>(
        &self,
        read: impl ReadWork<T>,
    ) -> BoxFuture<'_, Result<T, StoreError>> {
        let reading = self.database.read(Recency::AllCommitted, read);
        async move { Ok(reading.await?) }.boxed()
    }

    fn id_by<'a>(
        &'a self,
        sql: &'static str,
        key: &str,
    ) -> BoxFuture<'a, Result<Option<i64>, StoreError>> {
        let key: Arc<str> = pages::askable(key).into();
        async move {
            let found = self.id_at(Recency::Any, sql, Arc::clone(&key)).await?;
            if found.is_none() && self.database.has_replicas() {
                // What a replica has not heard of may have been created a moment ago.
                return self.id_at(Recency::Newest, sql, key).await;
            }
            Ok(found)
        }
        .boxed()
    }

    fn id_at(
        &self,
        recency: Recency,
        sql: &'static str,
        key: Arc<str>,
    ) -> BoxFuture<'_, Result<Option<i64>, StoreError>> {
        self.read(recency, move |connection| {
            let key = Arc::clone(&key);
            async move {
                let row = connection.query_opt(sql, &[(&&*key, Type::TEXT)]).await?;
                Ok(row.map(|row| row.try_get(0)).transpose()?)
            }
            .boxed()
        })
    }
}

impl From<PostgresError> for WriteError {
    fn from(error: PostgresError) -> Self {
        if error.is_conflict() {
            Self::Busy
        } else {
            Self::Store(error.into())
        }
    }
}

async fn read_documents(
    connection: &mut Connection,
    ids: &[i64],
) -> Result<HashMap<i64, StoredDocument>, PostgresError> {
    let rows = connection
        .query(READ_DOCUMENTS, &[(&ids, Type::INT8_ARRAY)])
        .await?;
    let mut documents = HashMap::with_capacity(rows.len());
    for row in &rows {
        let version: i64 = row.try_get(1)?;
        let body: Option<&str> = row.try_get(2)?;
        let is_deleted: Option<bool> = row.try_get(3)?;
        let document = match (body, is_deleted) {
            (Some(body), _) => Ok(Document::of_product(body.as_bytes())),
            (None, Some(true)) => Err(Absence::Removed),
            (None, _) => Err(Absence::Unknown),
        };
        let version = version.unsigned_abs();
        documents.insert(row.try_get(0)?, StoredDocument { version, document });
    }
    Ok(documents)
}

impl ReviewStore for PostgresCatalog {
    fn submission(&self, id: i64) -> BoxFuture<'_, Result<Option<Submission>, StoreError>> {
        // Who was told of its number asks for it at once.
        self.read(Recency::Newest, move |connection| {
            submissions::find(connection, id).boxed()
        })
    }

    fn held_submissions(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Submission>, StoreError>> {
        self.read(Recency::Newest, move |connection| {
            submissions::held(connection, limit).boxed()
        })
    }
}

impl SignUpStore for PostgresCatalog {
    fn sign_up(&self, id: i64) -> BoxFuture<'_, Result<Option<SignUp>, StoreError>> {
        self.read(Recency::Newest, move |connection| {
            sign_ups::find(connection, id).boxed()
        })
    }

    fn does_anybody_wait(&self) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.read(Recency::Newest, move |connection| {
            sign_ups::does_anybody_wait(connection).boxed()
        })
    }
}

impl WebhookStore for PostgresCatalog {
    fn followed(
        &self,
        name: &'static str,
    ) -> BoxFuture<'_, Result<Option<OutboxMark>, StoreError>> {
        self.read(Recency::AllCommitted, move |connection| {
            webhooks::followed(connection, name).boxed()
        })
    }

    fn disabled<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Option<String>, StoreError>> {
        let url: Arc<str> = url.into();
        self.read(Recency::Newest, move |connection| {
            let url = Arc::clone(&url);
            async move { webhooks::disabled(connection, &url).await }.boxed()
        })
    }

    fn sent<'a>(&'a self, url: &'a str, product_id: i64) -> BoxFuture<'a, Result<u64, StoreError>> {
        let url: Arc<str> = url.into();
        self.read(Recency::Newest, move |connection| {
            let url = Arc::clone(&url);
            async move { webhooks::sent(connection, &url, product_id).await }.boxed()
        })
    }
}

impl ImportStore for PostgresCatalog {
    fn import_run(&self, id: i64) -> BoxFuture<'_, Result<Option<ImportRun>, StoreError>> {
        self.read(Recency::Newest, move |connection| {
            import_runs::find(connection, id).boxed()
        })
    }

    fn import_report(&self, id: i64) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
        self.read(Recency::Newest, move |connection| {
            import_runs::report(connection, id).boxed()
        })
    }

    fn import_chunk(
        &self,
        id: i64,
        position: i64,
    ) -> BoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        self.read(Recency::Newest, move |connection| {
            import_runs::chunk(connection, id, position).boxed()
        })
    }
}

impl PopularityStore for PostgresCatalog {
    fn most_viewed(
        &self,
        least: i64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Viewed>, StoreError>> {
        self.read(Recency::Any, move |connection| {
            popularity::most_viewed(connection, least, limit).boxed()
        })
    }

    fn hidden(&self, ids: Vec<i64>) -> BoxFuture<'_, Result<Vec<i64>, StoreError>> {
        let ids: Arc<[i64]> = ids.into();
        self.read(Recency::Newest, move |connection| {
            let ids = Arc::clone(&ids);
            async move { popularity::hidden(connection, &ids).await }.boxed()
        })
    }
}

impl CatalogStore for PostgresCatalog {
    fn documents<'a>(
        &'a self,
        ids: &'a [i64],
        intent: Intent,
    ) -> BoxFuture<'a, Result<Vec<Option<StoredDocument>>, StoreError>> {
        let recency = match intent {
            Intent::Any => Recency::Any,
            Intent::Fresh => Recency::Newest,
        };
        let wanted: Arc<[i64]> = ids.into();
        let read = self.read(recency, move |connection| {
            let wanted = Arc::clone(&wanted);
            async move { read_documents(connection, &wanted).await }.boxed()
        });
        async move {
            let found = read.await?;
            Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
        }
        .boxed()
    }

    fn id_by_handle<'a>(
        &'a self,
        handle: &'a str,
    ) -> BoxFuture<'a, Result<Option<i64>, StoreError>> {
        self.id_by(ID_BY_HANDLE, handle)
    }

    fn id_by_sku<'a>(&'a self, sku: &'a str) -> BoxFuture<'a, Result<Option<i64>, StoreError>> {
        self.id_by(ID_BY_SKU, sku)
    }

    fn list(
        &self,
        listing: Listing,
        page: PageRequest,
    ) -> BoxFuture<'_, Result<Page<i64>, StoreError>> {
        let question = Arc::new((listing, page));
        self.read(Recency::Any, move |connection| {
            let question = Arc::clone(&question);
            async move { listing::list(connection, &question.0, &question.1).await }.boxed()
        })
    }

    fn stocks<'a>(
        &'a self,
        ids: &'a [i64],
    ) -> BoxFuture<'a, Result<Vec<Option<String>>, StoreError>> {
        let wanted: Arc<[i64]> = ids.into();
        // Exact, and as it is after a write that was answered: see `Catalog::stock_changed`.
        let read = self.read(Recency::Newest, move |connection| {
            let wanted = Arc::clone(&wanted);
            async move { public::stocks(connection, &wanted).await }.boxed()
        });
        async move {
            let found = read.await?;
            Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
        }
        .boxed()
    }

    fn reviews(
        &self,
        product_id: i64,
        page: PageRequest,
    ) -> BoxFuture<'_, Result<Option<Page<String>>, StoreError>> {
        self.read(Recency::Any, move |connection| {
            let page = page.clone();
            async move { public::reviews(connection, product_id, &page).await }.boxed()
        })
    }

    fn recommendations(
        &self,
        product_id: i64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Option<Vec<Recommendation>>, StoreError>> {
        self.read(Recency::Any, move |connection| {
            public::recommendations(connection, product_id, limit).boxed()
        })
    }

    fn listed_after(
        &self,
        product_id: i64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<ListedProduct>, StoreError>> {
        self.read_for_index(move |connection| {
            public::listed_after(connection, product_id, limit).boxed()
        })
    }

    fn listed(&self, ids: Vec<i64>) -> BoxFuture<'_, Result<Vec<ListedProduct>, StoreError>> {
        let ids: Arc<[i64]> = ids.into();
        self.read_for_index(move |connection| {
            let ids = Arc::clone(&ids);
            async move { public::listed(connection, &ids).await }.boxed()
        })
    }

    fn categories(&self) -> BoxFuture<'_, Result<Vec<(String, u64)>, StoreError>> {
        self.read(Recency::Any, |connection| {
            public::categories(connection).boxed()
        })
    }

    // Of the server that takes the writes: a snapshot tells its transactions apart, and no other's.
    fn outbox_end(&self) -> BoxFuture<'_, Result<OutboxMark, StoreError>> {
        let database = self.database.clone();
        let work = async move {
            let mut connection = database.read_fresh().await?;
            Ok(outbox::end(&mut connection).await?)
        };
        self.database.run(work).boxed()
    }

    fn outbox_before(
        &self,
        age: Duration,
    ) -> BoxFuture<'_, Result<Option<OutboxMark>, StoreError>> {
        let database = self.database.clone();
        let work = async move {
            let mut connection = database.read_fresh().await?;
            Ok(outbox::before(&mut connection, age).await?)
        };
        self.database.run(work).boxed()
    }

    fn outbox_after(
        &self,
        mark: OutboxMark,
        limit: usize,
    ) -> BoxFuture<'_, Result<Option<OutboxPage>, StoreError>> {
        let database = self.database.clone();
        let work = async move {
            let mut connection = database.read_fresh().await?;
            Ok(outbox::after(&mut connection, &mark, limit).await?)
        };
        self.database.run(work).boxed()
    }

    fn lacks(&self) -> Lacks {
        let (in_use, replicas) = self.database.replicas();
        Lacks {
            primary: !self.database.primary_answers(),
            replicas: replicas - in_use,
        }
    }

    fn servers(&self) -> Vec<ServerStanding> {
        self.database.servers()
    }

    fn retries(&self) -> Option<RetryCounts> {
        Some(self.database.retries().counts())
    }

    fn reach(&self) -> Reach {
        Reach {
            parallel: u32::try_from(self.database.parallel_reads()).unwrap_or(u32::MAX),
            is_remote: true,
            has_copies: self.database.has_replicas(),
        }
    }

    fn cursor_key(&self) -> BoxFuture<'_, Result<CursorKey, StoreError>> {
        // It never changes.
        let reading = self.read(Recency::Any, |connection| {
            async move {
                let row = connection.query_one(CURSOR_KEY, &[]).await?;
                Ok(row.try_get::<_, Vec<u8>>(0)?)
            }
            .boxed()
        });
        async move {
            let key = reading.await?.try_into();
            let key =
                key.map_err(|_| StoreError::new("the key of the cursors is damaged".to_owned()))?;
            Ok(CursorKey::new(key))
        }
        .boxed()
    }

    fn is_ready(&self) -> BoxFuture<'_, bool> {
        let read = self.documents(&[0], Intent::Any);
        read.map(|read| read.is_ok()).boxed()
    }

    fn export(
        &self,
        filter: ExportFilter,
        after: i64,
    ) -> BoxFuture<'_, Result<ExportPage, StoreError>> {
        self.read(Recency::Any, move |connection| {
            let filter = filter.clone();
            async move { export::page(connection, &filter, after).await }.boxed()
        })
    }

    fn transaction(
        &self,
        work: &mut dyn FnMut(&mut dyn CatalogTransaction) -> Result<Decision, StoreError>,
    ) -> Result<(), StoreError> {
        let mut writer = Writer::new(self.database.write(None)?)?;
        match work(&mut writer)? {
            Decision::Commit => Ok(writer.commit()?),
            Decision::Rollback => Ok(()),
        }
    }

    fn write(&self, deadline: Instant, work: Work) -> BoxFuture<'_, Result<Committed, WriteError>> {
        let database = self.database.clone();
        let write = move || {
            let mut writer = Writer::new(database.write(Some(deadline))?)?;
            let outcome = work(&mut writer);
            // What was in the way of a statement says more than what was made of it.
            if writer.transaction.was_in_the_way() {
                return Err(WriteError::Busy);
            }
            match outcome? {
                Decision::Commit => {
                    let committed = writer.committed()?;
                    writer.commit()?;
                    Ok(committed)
                }
                Decision::Rollback => Ok(Committed::default()),
            }
        };
        self.database.run_blocking(write).boxed()
    }

    fn for_each_product(
        &self,
        visit: &mut dyn FnMut(ProductInput) -> bool,
    ) -> Result<(), StoreError> {
        self.database.block_on(async {
            let mut connection = self.database.read_fresh().await?;
            connection.batch(export::SNAPSHOT).await?;
            let mut after = i64::MIN;
            'all: loop {
                let products =
                    export::products_after(&mut connection, after, EXPORTED_AT_ONCE).await?;
                let Some(last) = products.last().and_then(|product| product.id) else {
                    break;
                };
                after = last;
                for product in products {
                    if !visit(product) {
                        break 'all;
                    }
                }
            }
            Ok(connection.batch("COMMIT").await?)
        })
    }
}
