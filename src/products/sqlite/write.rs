//! Writing products: an upsert by handle that touches only rows that differ, and the settlement that
//! turns what was touched into versions, documents and outbox rows.

use rusqlite::{CachedStatement, Connection, OptionalExtension, named_params, params};

use super::children;
use super::rows::{self, INSERT_PRODUCT};
use super::said::SaidOfProduct;
use super::settlement::settle_changes;
use super::{answers, edit, import_runs, popularity, sign_ups, stock, submissions, webhooks};
use crate::jobs::{self, NewJob};
use crate::products::back_in_stock::{SignUpStatus, SignUpTransaction, SignedUp};
use crate::products::bulk::PutOutcomes;
use crate::products::import_runs::{ImportEnd, ImportStatus, ImportTransaction};
use crate::products::input::{ProductInput, RelationInput};
use crate::products::popularity::{Halved, PopularityTransaction};
use crate::products::put::{Saying, Tally, id_taken, untitled};
use crate::products::reviews::{NewReview, ReviewStatus, ReviewTransaction, Submission, Submitted};
use crate::products::stock::{Stock, StockChange, StockRefusal};
use crate::products::store::{
    CatalogTransaction, KeptAnswer, OutboxMark, PutError, RequestKey, Settled, StoreError,
    StoredProduct, UnresolvedRelation,
};
use crate::products::validate::Invalid;
use crate::products::webhooks::WebhookTransaction;

const UPDATE_PRODUCT: &str = include_str!("../../../sql/sqlite/queries/update_product.sql");
/// Products between two settlements: enough to share their cost, few enough to stay in SQLite's cache.
const SETTLE_EVERY: usize = 500;

/// Per-transaction tables for what can only be known once everything was put.
const SCRATCH: &str = "
    CREATE TEMP TABLE IF NOT EXISTS put_relation (
        product_id INTEGER NOT NULL, position INTEGER NOT NULL, handle TEXT NOT NULL, kind TEXT NOT NULL,
        PRIMARY KEY (product_id, position)) WITHOUT ROWID;
    DELETE FROM put_relation;";

/// Writes into one transaction.
pub(super) struct Writer<'c> {
    pub(super) connection: &'c Connection,
    /// RFC 3339 with milliseconds; one for the whole transaction.
    pub(super) now: String,
    pub(super) tally: Tally,
    /// The kinds of the jobs that were enqueued.
    pub(super) enqueued: Vec<&'static str>,
}

impl<'c> Writer<'c> {
    pub(super) fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        connection.execute_batch(SCRATCH)?;
        let now =
            connection.query_row("SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')", [], |row| {
                row.get(0)
            })?;
        // What another program left unsettled is not ours to count.
        settle_changes(connection)?;
        Ok(Self {
            connection,
            now,
            tally: Tally::default(),
            enqueued: Vec::new(),
        })
    }

    pub(super) fn prepare(&self, sql: &str) -> rusqlite::Result<CachedStatement<'c>> {
        self.connection.prepare_cached(sql)
    }

    /// Products whose stock may be another.
    pub(super) fn touched(&self) -> Vec<i64> {
        self.tally.touched()
    }

    fn put_product(
        &mut self,
        existing: Option<i64>,
        product: &ProductInput,
    ) -> Result<(), PutError> {
        let id = match existing {
            Some(id) => {
                self.update(id, product)?;
                id
            }
            None => self.insert(product)?,
        };
        children::put(
            self.connection,
            id,
            existing.is_none(),
            Saying::Something,
            product,
        )?;
        self.note_relations(id, product.relations.as_deref())?;
        self.tally.put(id, existing.is_none());
        Ok(())
    }

    /// Puts a product, or nothing of it.
    fn put_or_leave(
        &mut self,
        existing: Option<i64>,
        product: &ProductInput,
    ) -> Result<(), PutError> {
        self.prepare("SAVEPOINT put")?.execute([])?;
        if let Err(error) = self.put_product(existing, product) {
            self.connection
                .execute_batch("ROLLBACK TO put; RELEASE put")?;
            return Err(error);
        }
        self.prepare("RELEASE put")?.execute([])?;
        Ok(())
    }

    fn id_by_handle(&self, handle: &str) -> rusqlite::Result<Option<i64>> {
        self.prepare("SELECT id FROM product WHERE handle = ?1")?
            .query_row([handle], |row| row.get(0))
            .optional()
    }

    pub(super) fn insert(&self, product: &ProductInput) -> Result<i64, PutError> {
        if product.title.is_none() {
            return Err(untitled(product));
        }
        if let Some(id) = product.id {
            let taken: Option<String> = self
                .prepare("SELECT handle FROM product WHERE id = ?1")?
                .query_row([id], |row| row.get(0))
                .optional()?;
            if let Some(handle) = taken {
                return Err(id_taken(id, &handle));
            }
        }
        let row = rows::product(product.id, product, &self.now);
        rows::execute(self.connection, INSERT_PRODUCT, &row)?;
        Ok(self.connection.last_insert_rowid())
    }

    pub(super) fn update(&self, id: i64, product: &ProductInput) -> rusqlite::Result<()> {
        let said = SaidOfProduct::new(product, &self.now);
        let mut parameters = said.parameters();
        parameters.extend(named_params! { ":id": id });
        self.prepare(UPDATE_PRODUCT)?.execute(&*parameters)?;
        Ok(())
    }

    pub(super) fn note_relations(
        &self,
        id: i64,
        relations: Option<&[RelationInput]>,
    ) -> rusqlite::Result<()> {
        let Some(relations) = relations else {
            return Ok(());
        };
        // What was said last of a product holds.
        for forget in [
            "DELETE FROM relation WHERE product_id = ?1",
            "DELETE FROM put_relation WHERE product_id = ?1",
        ] {
            self.prepare(forget)?.execute([id])?;
        }
        let mut note = self.prepare("INSERT INTO put_relation VALUES (?1, ?2, ?3, ?4)")?;
        for (position, relation) in (0_i64..).zip(relations) {
            note.execute(params![id, position, relation.handle, relation.kind])?;
        }
        Ok(())
    }

    pub(super) fn settle_when_many(&mut self) -> rusqlite::Result<()> {
        if self.tally.unsettled().len() >= SETTLE_EVERY {
            self.settle_puts()?;
        }
        Ok(())
    }

    /// Settles what was put since the last call, and counts it.
    fn settle_puts(&mut self) -> rusqlite::Result<()> {
        let changed: Vec<i64> = self
            .prepare("SELECT product_id FROM product_change WHERE NOT created")?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let updated = self.tally.updated(changed);
        settle_changes(self.connection)?;
        self.tally.settle(updated);
        Ok(())
    }

    /// Relations may name products that come later in the file, so they are resolved at the end.
    fn settle_relations(&mut self) -> rusqlite::Result<()> {
        self.connection.execute(
            "INSERT INTO relation (product_id, position, related_id, kind)
             SELECT r.product_id, r.position, p.id, r.kind
             FROM put_relation r JOIN product p ON p.handle = r.handle",
            [],
        )?;
        let mut missing = self.connection.prepare(
            "SELECT owner.handle, r.handle
             FROM put_relation r JOIN product owner ON owner.id = r.product_id
             WHERE NOT EXISTS (SELECT 1 FROM product p WHERE p.handle = r.handle)",
        )?;
        let rows = missing.query_map([], |row| {
            Ok(UnresolvedRelation {
                handle: row.get(0)?,
                related: row.get(1)?,
            })
        })?;
        self.tally.settled.unresolved = rows.collect::<Result<_, _>>()?;
        self.connection.execute("DELETE FROM put_relation", [])?;
        Ok(())
    }
}

impl ReviewTransaction for Writer<'_> {
    fn enqueue(&mut self, jobs: &[NewJob]) -> Result<(), StoreError> {
        jobs::sqlite::enqueue(self.connection, jobs)?;
        self.enqueued.extend(jobs.iter().map(|job| job.kind));
        Ok(())
    }

    fn submit_review(
        &mut self,
        product_id: i64,
        review: &NewReview,
        customer: [u8; 32],
    ) -> Result<Submitted, StoreError> {
        let submitted = submissions::submit(self.connection, product_id, review, customer);
        Ok(submitted?)
    }

    fn submission(&mut self, id: i64) -> Result<Option<Submission>, StoreError> {
        Ok(submissions::find(self.connection, id)?)
    }

    fn decide_review(
        &mut self,
        submission: &Submission,
        status: ReviewStatus,
        reason: Option<&str>,
    ) -> Result<(), StoreError> {
        let decided = submissions::decide(self.connection, submission, status, reason);
        Ok(decided?)
    }

    fn count_ratings(&mut self, product_id: i64) -> Result<bool, StoreError> {
        Ok(submissions::count(self.connection, product_id)?)
    }
}

impl SignUpTransaction for Writer<'_> {
    fn sign_up(
        &mut self,
        product_id: i64,
        email: &str,
        customer: [u8; 32],
    ) -> Result<SignedUp, StoreError> {
        Ok(sign_ups::sign_up(
            self.connection,
            product_id,
            email,
            customer,
        )?)
    }

    fn move_sign_up(
        &mut self,
        id: i64,
        from: SignUpStatus,
        to: SignUpStatus,
    ) -> Result<Option<i64>, StoreError> {
        Ok(sign_ups::move_on(self.connection, id, from, to)?)
    }

    fn end_sign_up(&mut self, id: i64) -> Result<bool, StoreError> {
        Ok(sign_ups::end(self.connection, id)?)
    }

    fn awaited(&mut self, products: &[i64]) -> Result<Vec<i64>, StoreError> {
        Ok(sign_ups::awaited(self.connection, products)?)
    }

    fn have_due(&mut self, product_id: i64, limit: usize) -> Result<Vec<i64>, StoreError> {
        Ok(sign_ups::have_due(self.connection, product_id, limit)?)
    }

    fn forget_unconfirmed(&mut self) -> Result<(), StoreError> {
        Ok(sign_ups::forget_unconfirmed(self.connection)?)
    }
}

impl WebhookTransaction for Writer<'_> {
    fn follow(
        &mut self,
        name: &'static str,
        before: Option<&OutboxMark>,
        after: &OutboxMark,
    ) -> Result<bool, StoreError> {
        Ok(webhooks::follow(self.connection, name, before, after)?)
    }

    fn disable(&mut self, url: &str, reason: Option<&str>) -> Result<(), StoreError> {
        Ok(webhooks::disable(self.connection, url, reason)?)
    }

    fn note_sent(&mut self, url: &str, product_id: i64, version: u64) -> Result<(), StoreError> {
        let noted = webhooks::note_sent(self.connection, url, product_id, version);
        Ok(noted?)
    }

    fn end_stock(&mut self) -> Result<(), StoreError> {
        Ok(webhooks::end_stock(self.connection)?)
    }

    fn take_stock(&mut self, limit: usize) -> Result<Vec<i64>, StoreError> {
        Ok(webhooks::take_stock(self.connection, limit)?)
    }
}

impl PopularityTransaction for Writer<'_> {
    fn add_views(&mut self, views: &[(i64, u64)]) -> Result<(), StoreError> {
        Ok(popularity::add_views(self.connection, views)?)
    }

    fn halve_views(&mut self, limit: usize) -> Result<Halved, StoreError> {
        Ok(popularity::halve_views(self.connection, limit)?)
    }
}

impl ImportTransaction for Writer<'_> {
    fn begin_import(&mut self, url: Option<&str>, options: &str) -> Result<i64, StoreError> {
        Ok(import_runs::begin(self.connection, url, options)?)
    }

    fn add_import_chunk(&mut self, id: i64, position: i64, bytes: &[u8]) -> Result<(), StoreError> {
        let added = import_runs::add_chunk(self.connection, id, position, bytes);
        Ok(added?)
    }

    fn note_import(
        &mut self,
        id: i64,
        status: ImportStatus,
        products: i64,
    ) -> Result<(), StoreError> {
        let noted = import_runs::note(self.connection, id, status, products);
        Ok(noted?)
    }

    fn end_import(&mut self, id: i64, end: &ImportEnd) -> Result<(), StoreError> {
        Ok(import_runs::end(self.connection, id, end)?)
    }

    fn forget_imports(&mut self) -> Result<(), StoreError> {
        Ok(import_runs::forget(self.connection)?)
    }
}

impl CatalogTransaction for Writer<'_> {
    fn put(&mut self, product: &ProductInput) -> Result<(), PutError> {
        let existing = self.id_by_handle(&product.handle)?;
        self.put_or_leave(existing, product)?;
        Ok(self.settle_when_many()?)
    }

    fn put_many(
        &mut self,
        products: &[&ProductInput],
    ) -> Result<Vec<Result<(), PutError>>, StoreError> {
        self.put_runs(products)
    }

    fn delete_missing(&mut self) -> Result<(), StoreError> {
        self.settle_puts()?;
        self.connection.execute_batch(
            "CREATE TEMP TABLE IF NOT EXISTS put_product (product_id INTEGER PRIMARY KEY);
             DELETE FROM put_product;",
        )?;
        let mut note =
            self.prepare("INSERT INTO put_product VALUES (?1) ON CONFLICT DO NOTHING")?;
        for id in self.tally.all_put() {
            note.execute([id])?;
        }
        let deleted = self.connection.execute(
            "UPDATE product SET deleted_at = ?1
             WHERE deleted_at IS NULL AND id NOT IN (SELECT product_id FROM put_product)",
            [&self.now],
        )?;
        settle_changes(self.connection)?;
        self.tally.settled.deleted += deleted as u64;
        Ok(())
    }

    fn put_each(&mut self, products: &[ProductInput]) -> Result<PutOutcomes, StoreError> {
        self.put_every(products)
    }

    fn change_stock(
        &mut self,
        sku: &str,
        change: &StockChange,
    ) -> Result<Result<Stock, StockRefusal>, StoreError> {
        let changed = stock::change(self.connection, sku, change)?;
        if let Ok(stock) = &changed {
            self.tally.written(stock.product_id);
        }
        Ok(changed)
    }

    fn find(&mut self, id: i64) -> Result<Option<StoredProduct>, StoreError> {
        Ok(edit::find(self.connection, id)?)
    }

    fn conflicts(
        &mut self,
        id: Option<i64>,
        product: &ProductInput,
    ) -> Result<Vec<Invalid>, StoreError> {
        Ok(edit::conflicts(self.connection, id, product)?)
    }

    fn create(&mut self, product: &ProductInput) -> Result<i64, PutError> {
        self.create_whole(product)
    }

    fn replace(&mut self, id: i64, product: &ProductInput) -> Result<(), PutError> {
        self.replace_whole(id, product)
    }

    fn delete(&mut self, id: i64) -> Result<(), StoreError> {
        self.prepare("UPDATE product SET deleted_at = ?2 WHERE id = ?1 AND deleted_at IS NULL")?
            .execute(params![id, self.now])?;
        Ok(())
    }

    fn recall(&mut self, key: &RequestKey) -> Result<Option<KeptAnswer>, StoreError> {
        answers::recall(self.connection, key)
    }

    fn remember(&mut self, key: &RequestKey, answer: &KeptAnswer) -> Result<(), StoreError> {
        answers::remember(self.connection, key, answer)
    }

    fn settle(&mut self) -> Result<Settled, StoreError> {
        self.settle_puts()?;
        self.settle_relations()?;
        Ok(std::mem::take(&mut self.tally.settled))
    }
}
