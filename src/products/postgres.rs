//! The catalogue in PostgreSQL.

mod answers;
mod bulk;
mod children;
mod edit;
mod export;
mod known;
mod listing;
mod outbox;
mod pages;
mod public;
mod put;
mod read_back;
mod rows;
mod said;
mod stock;
mod tail;
mod write;

use std::collections::HashMap;
use std::time::Instant;

use futures_util::future::{BoxFuture, FutureExt};

use super::cursor::{CursorKey, Page, PageRequest};
use super::document::Document;
use super::export::page::{ExportFilter, ExportPage};
use super::input::ProductInput;
use super::listing::Listing;
use super::recommendation::Recommendation;
use super::store::{
    CatalogStore, CatalogTransaction, Committed, Decision, ListedProduct, OutboxMark, OutboxPage,
    StoreError, StoredDocument, Work, WriteError,
};
use crate::cache::Absence;
use crate::db::postgres::{Connection, Postgres, PostgresError, Type};
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

    /// Reads what may be a moment old.
    fn read<T, E>(
        &self,
        read: impl for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, StoreError>>
    where
        T: Send + 'static,
        E: Into<StoreError> + 'static,
    {
        let database = self.database.clone();
        let work = async move {
            let mut connection = database.read().await?;
            read(&mut connection).await.map_err(Into::into)
        };
        self.database.run::<T, StoreError>(work).boxed()
    }

    fn id_by(
        &self,
        sql: &'static str,
        key: &str,
    ) -> BoxFuture<'_, Result<Option<i64>, StoreError>> {
        let key = pages::askable(key).into_owned();
        self.read(move |connection| {
            async move {
                let row = connection.query_opt(sql, &[(&key, Type::TEXT)]).await?;
                Ok::<_, PostgresError>(row.map(|row| row.try_get(0)).transpose()?)
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

impl CatalogStore for PostgresCatalog {
    fn documents<'a>(
        &'a self,
        ids: &'a [i64],
    ) -> BoxFuture<'a, Result<Vec<Option<StoredDocument>>, StoreError>> {
        let wanted = ids.to_vec();
        let read = self.read(move |connection| {
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
        self.read(move |connection| {
            async move { listing::list(connection, &listing, &page).await }.boxed()
        })
    }

    fn stock(&self, product_id: i64) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
        self.read(move |connection| public::stock(connection, product_id).boxed())
    }

    fn reviews(
        &self,
        product_id: i64,
        page: PageRequest,
    ) -> BoxFuture<'_, Result<Option<Page<String>>, StoreError>> {
        self.read(move |connection| {
            async move { public::reviews(connection, product_id, &page).await }.boxed()
        })
    }

    fn recommendations(
        &self,
        product_id: i64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Option<Vec<Recommendation>>, StoreError>> {
        self.read(move |connection| public::recommendations(connection, product_id, limit).boxed())
    }

    fn listed_after(
        &self,
        product_id: i64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<ListedProduct>, StoreError>> {
        self.read(move |connection| public::listed_after(connection, product_id, limit).boxed())
    }

    fn listed(&self, ids: Vec<i64>) -> BoxFuture<'_, Result<Vec<ListedProduct>, StoreError>> {
        self.read(move |connection| async move { public::listed(connection, &ids).await }.boxed())
    }

    fn categories(&self) -> BoxFuture<'_, Result<Vec<(String, u64)>, StoreError>> {
        self.read(|connection| public::categories(connection).boxed())
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

    fn cursor_key(&self) -> BoxFuture<'_, Result<CursorKey, StoreError>> {
        self.read(|connection| {
            async move {
                let row = connection.query_one(CURSOR_KEY, &[]).await?;
                let key: &[u8] = row.try_get(0).map_err(PostgresError::from)?;
                let key = key
                    .try_into()
                    .map_err(|_| StoreError("the key of the cursors is damaged".to_owned()))?;
                Ok::<_, StoreError>(CursorKey::new(key))
            }
            .boxed()
        })
    }

    fn is_ready(&self) -> BoxFuture<'_, bool> {
        let read = self.documents(&[0]);
        read.map(|read| read.is_ok()).boxed()
    }

    fn export(
        &self,
        filter: ExportFilter,
        after: i64,
    ) -> BoxFuture<'_, Result<ExportPage, StoreError>> {
        self.read(move |connection| {
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
            let mut connection = self.database.read().await?;
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
