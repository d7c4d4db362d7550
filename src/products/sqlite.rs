//! The catalogue in the embedded store.

mod answers;
mod bulk;
mod children;
mod edit;
mod export;
mod import_runs;
mod listed;
mod listing;
mod new_products;
mod outbox;
mod pages;
#[cfg(test)]
mod plans;
mod popularity;
mod read_back;
mod recommendations;
mod reviews;
mod rows;
mod said;
mod settlement;
mod sign_ups;
mod stock;
mod submissions;
mod tail;
#[cfg(test)]
mod tests;
mod variants;
mod versions;
mod webhooks;
mod write;

use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, FutureExt, TryFutureExt, ready};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

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
    CatalogStore, CatalogTransaction, Committed, Decision, ListedProduct, OutboxMark, OutboxPage,
    Reach, StoreError, StoredDocument, Work, WriteError,
};
use super::webhooks::WebhookStore;
use crate::cache::{Absence, Intent};
use crate::db::sqlite::{Access, READERS, Sqlite, SqliteError, open};
pub use tail::Tail;
use write::Writer;

/// Pages of 8 KiB: 128 MiB.
const LONG_LOG: u32 = 16 * 1024;

const READ_DOCUMENT: &str = include_str!("../../sql/sqlite/queries/read_document.sql");
const ID_BY_HANDLE: &str = include_str!("../../sql/sqlite/queries/id_by_handle.sql");
const STOCK: &str = include_str!("../../sql/sqlite/queries/stock.sql");
const CURSOR_KEY: &str = include_str!("../../sql/sqlite/queries/cursor_key.sql");
const ID_BY_SKU: &str = include_str!("../../sql/sqlite/queries/id_by_sku.sql");

/// [`CatalogStore`] over one SQLite file. Its point reads run inline, so their futures are ready at the
/// first poll.
#[derive(Debug, Clone)]
pub struct SqliteCatalog {
    database: Sqlite,
}

impl SqliteCatalog {
    /// The schema must be current: see [`Sqlite::migrate`].
    pub fn new(database: Sqlite) -> Self {
        Self { database }
    }

    /// The database underneath.
    pub fn database(&self) -> &Sqlite {
        &self.database
    }

    fn id_by(
        &self,
        sql: &'static str,
        key: &str,
    ) -> BoxFuture<'_, Result<Option<i64>, StoreError>> {
        let found = self.database.point_read(|connection| {
            connection
                .prepare_cached(sql)?
                .query_row([key], |row| row.get(0))
                .optional()
        });
        ready(found.map_err(StoreError::from)).boxed()
    }
}

/// Why a transaction left nothing.
enum Undone {
    /// That was wanted.
    Asked,
    Failed(WriteError),
}

impl From<SqliteError> for Undone {
    fn from(error: SqliteError) -> Self {
        Self::Failed(match error {
            SqliteError::Busy => WriteError::Busy,
            error => WriteError::Store(error.into()),
        })
    }
}

impl From<rusqlite::Error> for Undone {
    fn from(error: rusqlite::Error) -> Self {
        SqliteError::from(error).into()
    }
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

fn read_document(connection: &Connection, id: i64) -> rusqlite::Result<Option<StoredDocument>> {
    connection
        .prepare_cached(READ_DOCUMENT)?
        .query_row([id], |row| {
            let body = row.get_ref(1)?.as_bytes_or_null()?;
            let document = match body {
                Some(body) => Ok(Document::of_product(body)),
                None if row.get(2)? => Err(Absence::Removed),
                None => Err(Absence::Unknown),
            };
            Ok(StoredDocument {
                version: row.get::<_, i64>(0)?.unsigned_abs(),
                document,
            })
        })
        .optional()
}

impl ReviewStore for SqliteCatalog {
    fn submission(&self, id: i64) -> BoxFuture<'_, Result<Option<Submission>, StoreError>> {
        let read = self
            .database
            .read(move |connection| Ok(submissions::find(connection, id)?));
        read.map_err(StoreError::from).boxed()
    }

    fn held_submissions(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Submission>, StoreError>> {
        let read = self
            .database
            .read(move |connection| Ok(submissions::held(connection, limit)?));
        read.map_err(StoreError::from).boxed()
    }
}

impl SignUpStore for SqliteCatalog {
    fn sign_up(&self, id: i64) -> BoxFuture<'_, Result<Option<SignUp>, StoreError>> {
        let read = self
            .database
            .point_read(|connection| sign_ups::find(connection, id));
        ready(read.map_err(StoreError::from)).boxed()
    }

    fn does_anybody_wait(&self) -> BoxFuture<'_, Result<bool, StoreError>> {
        let read = self.database.point_read(sign_ups::does_anybody_wait);
        ready(read.map_err(StoreError::from)).boxed()
    }
}

impl WebhookStore for SqliteCatalog {
    fn followed(
        &self,
        name: &'static str,
    ) -> BoxFuture<'_, Result<Option<OutboxMark>, StoreError>> {
        let read = self
            .database
            .read(move |connection| Ok(webhooks::followed(connection, name)?));
        read.map_err(StoreError::from).boxed()
    }

    fn disabled<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Option<String>, StoreError>> {
        let read = self
            .database
            .point_read(|connection| webhooks::disabled(connection, url));
        ready(read.map_err(StoreError::from)).boxed()
    }

    fn sent<'a>(&'a self, url: &'a str, product_id: i64) -> BoxFuture<'a, Result<u64, StoreError>> {
        let read = self
            .database
            .point_read(|connection| webhooks::sent(connection, url, product_id));
        ready(read.map_err(StoreError::from)).boxed()
    }
}

impl ImportStore for SqliteCatalog {
    fn import_run(&self, id: i64) -> BoxFuture<'_, Result<Option<ImportRun>, StoreError>> {
        let read = self
            .database
            .read(move |connection| Ok(import_runs::find(connection, id)?));
        read.map_err(StoreError::from).boxed()
    }

    fn import_report(&self, id: i64) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
        let read = self
            .database
            .read(move |connection| Ok(import_runs::report(connection, id)?));
        read.map_err(StoreError::from).boxed()
    }

    fn import_chunk(
        &self,
        id: i64,
        position: i64,
    ) -> BoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        let read = self
            .database
            .read(move |connection| Ok(import_runs::chunk(connection, id, position)?));
        read.map_err(StoreError::from).boxed()
    }
}

impl PopularityStore for SqliteCatalog {
    fn most_viewed(
        &self,
        least: i64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Viewed>, StoreError>> {
        let read = self
            .database
            .read(move |connection| Ok(popularity::most_viewed(connection, least, limit)?));
        read.map_err(StoreError::from).boxed()
    }

    fn hidden(&self, ids: Vec<i64>) -> BoxFuture<'_, Result<Vec<i64>, StoreError>> {
        let read = self
            .database
            .read(move |connection| Ok(popularity::hidden(connection, &ids)?));
        read.map_err(StoreError::from).boxed()
    }
}

impl CatalogStore for SqliteCatalog {
    fn reach(&self) -> Reach {
        Reach {
            parallel: u32::try_from(READERS).unwrap_or(u32::MAX),
            ..Reach::default()
        }
    }

    fn documents<'a>(
        &'a self,
        ids: &'a [i64],
        _intent: Intent,
    ) -> BoxFuture<'a, Result<Vec<Option<StoredDocument>>, StoreError>> {
        let documents = self.database.point_read(|connection| {
            ids.iter()
                .map(|id| read_document(connection, *id))
                .collect()
        });
        ready(documents.map_err(StoreError::from)).boxed()
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
        let read = self
            .database
            .read(move |connection| Ok(listing::list(connection, &listing, &page)?));
        read.map_err(StoreError::from).boxed()
    }

    fn stocks<'a>(
        &'a self,
        ids: &'a [i64],
    ) -> BoxFuture<'a, Result<Vec<Option<String>>, StoreError>> {
        let ids = ids.to_vec();
        let read = self.database.read(move |connection| {
            let mut statement = connection.prepare_cached(STOCK)?;
            let mut stock = |id: i64| Ok(statement.query_row([id], |row| row.get(0)).optional()?);
            ids.into_iter().map(&mut stock).collect()
        });
        read.map_err(StoreError::from).boxed()
    }

    fn reviews(
        &self,
        product_id: i64,
        page: PageRequest,
    ) -> BoxFuture<'_, Result<Option<Page<String>>, StoreError>> {
        let read = self
            .database
            .read(move |connection| Ok(reviews::reviews(connection, product_id, &page)?));
        read.map_err(StoreError::from).boxed()
    }

    fn recommendations(
        &self,
        product_id: i64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Option<Vec<Recommendation>>, StoreError>> {
        let read = self.database.read(move |connection| {
            Ok(recommendations::recommendations(
                connection, product_id, limit,
            )?)
        });
        read.map_err(StoreError::from).boxed()
    }

    fn listed_after(
        &self,
        product_id: i64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<ListedProduct>, StoreError>> {
        let read = self
            .database
            .read(move |connection| Ok(listed::after(connection, product_id, limit)?));
        read.map_err(StoreError::from).boxed()
    }

    fn listed(&self, ids: Vec<i64>) -> BoxFuture<'_, Result<Vec<ListedProduct>, StoreError>> {
        let read = self
            .database
            .read(move |connection| Ok(listed::by_ids(connection, &ids)?));
        read.map_err(StoreError::from).boxed()
    }

    fn categories(&self) -> BoxFuture<'_, Result<Vec<(String, u64)>, StoreError>> {
        let read = self
            .database
            .read(|connection| Ok(listed::categories(connection)?));
        read.map_err(StoreError::from).boxed()
    }

    fn outbox_end(&self) -> BoxFuture<'_, Result<OutboxMark, StoreError>> {
        let read = self
            .database
            .read(|connection| Ok(outbox::end(connection)?));
        read.map_err(StoreError::from).boxed()
    }

    fn outbox_before(
        &self,
        age: Duration,
    ) -> BoxFuture<'_, Result<Option<OutboxMark>, StoreError>> {
        let read = self
            .database
            .read(move |connection| Ok(Some(outbox::before(connection, age)?)));
        read.map_err(StoreError::from).boxed()
    }

    fn outbox_after(
        &self,
        mark: OutboxMark,
        limit: usize,
    ) -> BoxFuture<'_, Result<Option<OutboxPage>, StoreError>> {
        let read = self
            .database
            .read(move |connection| Ok(outbox::after(connection, &mark, limit)?));
        read.map_err(StoreError::from).boxed()
    }

    fn cursor_key(&self) -> BoxFuture<'_, Result<CursorKey, StoreError>> {
        let key = self.database.point_read(|connection| {
            connection
                .prepare_cached(CURSOR_KEY)?
                .query_row([], |row| row.get(0))
        });
        ready(key.map(CursorKey::new).map_err(StoreError::from)).boxed()
    }

    fn is_ready(&self) -> BoxFuture<'_, bool> {
        let read = self
            .database
            .point_read(|connection| read_document(connection, 0));
        ready(read.is_ok()).boxed()
    }

    fn export(
        &self,
        filter: ExportFilter,
        after: i64,
    ) -> BoxFuture<'_, Result<ExportPage, StoreError>> {
        let read = self
            .database
            .read(move |connection| Ok(export::page(connection, &filter, after)?));
        read.map_err(StoreError::from).boxed()
    }

    fn transaction(
        &self,
        work: &mut dyn FnMut(&mut dyn CatalogTransaction) -> Result<Decision, StoreError>,
    ) -> Result<(), StoreError> {
        let mut connection = open(self.database.path(), Access::ReadWrite)?;
        // The next transaction need not wait until this one is copied out of the log, unless the log gets long:
        // it can only begin anew when nobody writes to it.
        connection.pragma_update(None, "wal_autocheckpoint", LONG_LOG)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let decision = {
            let mut writer = Writer::new(&transaction)?;
            work(&mut writer)?
        };
        match decision {
            Decision::Commit => {
                transaction.commit()?;
                self.database.checkpoint_soon();
            }
            Decision::Rollback => transaction.rollback()?,
        }
        Ok(())
    }

    fn write(&self, deadline: Instant, work: Work) -> BoxFuture<'_, Result<Committed, WriteError>> {
        let written = self.database.write_by(deadline, move |connection| {
            let mut writer = Writer::new(connection)?;
            let before = versions::newest(connection)?;
            match work(&mut writer)? {
                Decision::Commit => Ok(Committed {
                    versions: versions::made_since(connection, before)?,
                    stock: writer.touched(),
                    jobs: writer.enqueued,
                }),
                Decision::Rollback => Err(Undone::Asked),
            }
        });
        let outcome = written.map_ok_or_else(
            |undone| match undone {
                Undone::Asked => Ok(Committed::default()),
                Undone::Failed(error) => Err(error),
            },
            Ok,
        );
        outcome.boxed()
    }

    fn for_each_product(
        &self,
        visit: &mut dyn FnMut(ProductInput) -> bool,
    ) -> Result<(), StoreError> {
        let mut connection = open(self.database.path(), Access::ReadOnly)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
        Ok(read_back::for_each_product(&transaction, visit)?)
    }
}
