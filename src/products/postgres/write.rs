//! Writing products: an upsert by handle that touches only rows that differ. What was touched becomes versions,
//! documents and outbox rows by the database's own settlement.

use std::collections::BTreeMap;

use super::known::Placed;
use super::{answers, edit, import_runs, popularity, sign_ups, stock, submissions, webhooks};
use crate::db::postgres::{PostgresError, Transaction, Type};
use crate::jobs::{self, NewJob};
use crate::products::back_in_stock::{SignUpStatus, SignUpTransaction, SignedUp};
use crate::products::bulk::PutOutcomes;
use crate::products::import_runs::{ImportEnd, ImportStatus, ImportTransaction};
use crate::products::input::{ProductInput, RelationInput};
use crate::products::popularity::{Halved, PopularityTransaction};
use crate::products::put::Tally;
use crate::products::reviews::{NewReview, ReviewStatus, ReviewTransaction, Submission, Submitted};
use crate::products::stock::{Stock, StockChange, StockRefusal};
use crate::products::store::{
    CatalogTransaction, Change, Committed, KeptAnswer, OutboxMark, PutError, RequestKey, Settled,
    StoreError, StoredProduct, UnresolvedRelation,
};
use crate::products::validate::Invalid;
use crate::products::webhooks::WebhookTransaction;

const MADE: &str =
    "SELECT product_id, version FROM catalog_outbox WHERE xid = pg_current_xact_id() ORDER BY seq";

/// Writes into one transaction.
pub(super) struct Writer {
    pub(super) transaction: Transaction,
    /// RFC 3339 with milliseconds; one for the whole transaction.
    pub(super) now: String,
    pub(super) tally: Tally,
    /// Whether stretches of products are put.
    pub(super) is_of_many: bool,
    /// What products of this transaction name, by handle: it may come later.
    pub(super) relations: Vec<(i64, Vec<RelationInput>)>,
    /// The kinds of the jobs that were enqueued.
    pub(super) enqueued: Vec<&'static str>,
}

impl Writer {
    pub(super) fn new(mut transaction: Transaction) -> Result<Self, PostgresError> {
        let row =
            transaction.query_one("SELECT rfc3339(date_trunc('milliseconds', now()))", &[])?;
        Ok(Self {
            now: row.try_get(0)?,
            transaction,
            tally: Tally::default(),
            is_of_many: false,
            relations: Vec::new(),
            enqueued: Vec::new(),
        })
    }

    /// Keeps everything.
    pub(super) fn commit(self) -> Result<(), PostgresError> {
        self.transaction.commit()
    }

    /// What this transaction changed so far.
    pub(super) fn committed(&mut self) -> Result<Committed, PostgresError> {
        let mut versions = Vec::new();
        for row in self.transaction.query(MADE, &[])? {
            let version: i64 = row.try_get(1)?;
            versions.push(Change {
                product_id: row.try_get(0)?,
                version: version.unsigned_abs(),
            });
        }
        Ok(Committed {
            versions,
            stock: self.tally.touched(),
            jobs: std::mem::take(&mut self.enqueued),
        })
    }

    /// Notes the relations that are said, in place of those there are.
    pub(super) fn note_relations(
        &mut self,
        placed: &[Placed<'_>],
        ids: &[i64],
    ) -> Result<(), PostgresError> {
        let mut existing = Vec::new();
        for (it, id) in placed.iter().zip(ids) {
            let Some(relations) = &it.product.relations else {
                continue;
            };
            if it.id.is_some() {
                existing.push(*id);
            }
            self.relations.push((*id, relations.clone()));
        }
        if !existing.is_empty() {
            self.transaction.execute(
                "DELETE FROM relation WHERE product_id = ANY ($1)",
                &[(&existing, Type::INT8_ARRAY)],
            )?;
        }
        Ok(())
    }

    /// Settles what was put since the last call, and counts it.
    pub(super) fn settle_puts(&mut self) -> Result<(), PostgresError> {
        let changed = self.transaction.query(
            "SELECT product_id FROM product_change WHERE xid = pg_current_xact_id() AND NOT created",
            &[],
        )?;
        let changed = changed.iter().map(|row| row.try_get(0));
        let updated = self.tally.updated(changed.collect::<Result<Vec<_>, _>>()?);
        self.settle_products()?;
        self.tally.settle(updated);
        Ok(())
    }

    pub(super) fn settle_products(&mut self) -> Result<(), PostgresError> {
        self.transaction.query("SELECT settle_products()", &[])?;
        Ok(())
    }

    /// Relations may name products that come later in the file, so they are resolved at the end.
    fn settle_relations(&mut self) -> Result<(), PostgresError> {
        let mut owners = Vec::new();
        let mut positions = Vec::new();
        let mut handles = Vec::new();
        let mut kinds = Vec::new();
        // What was said last of a product holds.
        let of_each: BTreeMap<i64, Vec<RelationInput>> =
            std::mem::take(&mut self.relations).into_iter().collect();
        for (owner, relations) in of_each {
            for (position, relation) in (0_i64..).zip(relations) {
                owners.push(owner);
                positions.push(position);
                handles.push(relation.handle);
                kinds.push(relation.kind);
            }
        }
        if owners.is_empty() {
            self.tally.settled.unresolved = Vec::new();
            return Ok(());
        }
        let missing = self.transaction.query(
            include_str!("../../../sql/postgres/queries/put_relations.sql"),
            &[
                (&owners, Type::INT8_ARRAY),
                (&positions, Type::INT8_ARRAY),
                (&handles, Type::TEXT_ARRAY),
                (&kinds, Type::TEXT_ARRAY),
            ],
        )?;
        let missing = missing.iter().map(|row| {
            Ok(UnresolvedRelation {
                handle: row.try_get(0)?,
                related: row.try_get(1)?,
            })
        });
        self.tally.settled.unresolved = missing.collect::<Result<_, PostgresError>>()?;
        Ok(())
    }
}

impl ReviewTransaction for Writer {
    fn enqueue(&mut self, jobs: &[NewJob]) -> Result<(), StoreError> {
        self.transaction
            .on(async |connection| jobs::postgres::enqueue(connection, jobs).await)?;
        self.enqueued.extend(jobs.iter().map(|job| job.kind));
        Ok(())
    }

    fn submit_review(
        &mut self,
        product_id: i64,
        review: &NewReview,
        customer: [u8; 32],
    ) -> Result<Submitted, StoreError> {
        let submitted = submissions::submit(&mut self.transaction, product_id, review, customer);
        Ok(submitted?)
    }

    fn submission(&mut self, id: i64) -> Result<Option<Submission>, StoreError> {
        Ok(submissions::lock(&mut self.transaction, id)?)
    }

    fn decide_review(
        &mut self,
        submission: &Submission,
        status: ReviewStatus,
        reason: Option<&str>,
    ) -> Result<(), StoreError> {
        let decided = submissions::decide(&mut self.transaction, submission, status, reason);
        Ok(decided?)
    }

    fn count_ratings(&mut self, product_id: i64) -> Result<bool, StoreError> {
        let counted = submissions::count(&mut self.transaction, product_id)?;
        self.settle_products()?;
        Ok(counted)
    }
}

impl SignUpTransaction for Writer {
    fn sign_up(
        &mut self,
        product_id: i64,
        email: &str,
        customer: [u8; 32],
    ) -> Result<SignedUp, StoreError> {
        Ok(sign_ups::sign_up(
            &mut self.transaction,
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
        Ok(sign_ups::move_on(&mut self.transaction, id, from, to)?)
    }

    fn end_sign_up(&mut self, id: i64) -> Result<bool, StoreError> {
        Ok(sign_ups::end(&mut self.transaction, id)?)
    }

    fn awaited(&mut self, products: &[i64]) -> Result<Vec<i64>, StoreError> {
        Ok(sign_ups::awaited(&mut self.transaction, products)?)
    }

    fn have_due(&mut self, product_id: i64, limit: usize) -> Result<Vec<i64>, StoreError> {
        Ok(sign_ups::have_due(
            &mut self.transaction,
            product_id,
            limit,
        )?)
    }

    fn forget_unconfirmed(&mut self) -> Result<(), StoreError> {
        Ok(sign_ups::forget_unconfirmed(&mut self.transaction)?)
    }
}

impl WebhookTransaction for Writer {
    fn follow(
        &mut self,
        name: &'static str,
        before: Option<&OutboxMark>,
        after: &OutboxMark,
    ) -> Result<bool, StoreError> {
        Ok(webhooks::follow(
            &mut self.transaction,
            name,
            before,
            after,
        )?)
    }

    fn disable(&mut self, url: &str, reason: Option<&str>) -> Result<(), StoreError> {
        Ok(webhooks::disable(&mut self.transaction, url, reason)?)
    }

    fn note_sent(&mut self, url: &str, product_id: i64, version: u64) -> Result<(), StoreError> {
        let noted = webhooks::note_sent(&mut self.transaction, url, product_id, version);
        Ok(noted?)
    }

    fn end_stock(&mut self) -> Result<(), StoreError> {
        Ok(webhooks::end_stock(&mut self.transaction)?)
    }

    fn take_stock(&mut self, limit: usize) -> Result<Vec<i64>, StoreError> {
        Ok(webhooks::take_stock(&mut self.transaction, limit)?)
    }
}

impl PopularityTransaction for Writer {
    fn add_views(&mut self, views: &[(i64, u64)]) -> Result<(), StoreError> {
        Ok(popularity::add_views(&mut self.transaction, views)?)
    }

    fn halve_views(&mut self, limit: usize) -> Result<Halved, StoreError> {
        Ok(popularity::halve_views(&mut self.transaction, limit)?)
    }
}

impl ImportTransaction for Writer {
    fn begin_import(&mut self, url: Option<&str>, options: &str) -> Result<i64, StoreError> {
        Ok(import_runs::begin(&mut self.transaction, url, options)?)
    }

    fn add_import_chunk(&mut self, id: i64, position: i64, bytes: &[u8]) -> Result<(), StoreError> {
        let added = import_runs::add_chunk(&mut self.transaction, id, position, bytes);
        Ok(added?)
    }

    fn note_import(
        &mut self,
        id: i64,
        status: ImportStatus,
        products: i64,
    ) -> Result<(), StoreError> {
        let noted = import_runs::note(&mut self.transaction, id, status, products);
        Ok(noted?)
    }

    fn end_import(&mut self, id: i64, end: &ImportEnd) -> Result<(), StoreError> {
        Ok(import_runs::end(&mut self.transaction, id, end)?)
    }

    fn forget_imports(&mut self) -> Result<(), StoreError> {
        Ok(import_runs::forget(&mut self.transaction)?)
    }
}

impl CatalogTransaction for Writer {
    fn put(&mut self, product: &ProductInput) -> Result<(), PutError> {
        let mut outcomes = self.put_stretches(&[product])?;
        outcomes.pop().unwrap_or(Ok(()))
    }

    fn put_many(
        &mut self,
        products: &[&ProductInput],
    ) -> Result<Vec<Result<(), PutError>>, StoreError> {
        Ok(self.put_stretches(products)?)
    }

    fn delete_missing(&mut self) -> Result<(), StoreError> {
        self.settle_puts()?;
        let deleted = self.transaction.execute(
            "UPDATE product SET deleted_at = $1::timestamptz
             WHERE deleted_at IS NULL AND NOT EXISTS (
                 SELECT 1 FROM unnest($2) AS put (id) WHERE put.id = product.id)",
            &[
                (&self.now, Type::TEXT),
                (self.tally.all_put(), Type::INT8_ARRAY),
            ],
        )?;
        self.settle_products()?;
        self.tally.settled.deleted += deleted;
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
        let changed = stock::change(&mut self.transaction, sku, change)?;
        if let Ok(stock) = &changed {
            self.tally.written(stock.product_id);
        }
        Ok(changed)
    }

    fn find(&mut self, id: i64) -> Result<Option<StoredProduct>, StoreError> {
        edit::find(&mut self.transaction, id)
    }

    fn conflicts(
        &mut self,
        id: Option<i64>,
        product: &ProductInput,
    ) -> Result<Vec<Invalid>, StoreError> {
        Ok(edit::conflicts(&mut self.transaction, id, product)?)
    }

    fn create(&mut self, product: &ProductInput) -> Result<i64, PutError> {
        self.create_whole(product)
    }

    fn replace(&mut self, id: i64, product: &ProductInput) -> Result<(), PutError> {
        self.replace_whole(id, product)
    }

    fn delete(&mut self, id: i64) -> Result<(), StoreError> {
        self.transaction.execute(
            "UPDATE product SET deleted_at = $2::timestamptz WHERE id = $1 AND deleted_at IS NULL",
            &[(&id, Type::INT8), (&self.now, Type::TEXT)],
        )?;
        Ok(())
    }

    fn recall(&mut self, key: &RequestKey) -> Result<Option<KeptAnswer>, StoreError> {
        answers::recall(&mut self.transaction, key)
    }

    fn remember(&mut self, key: &RequestKey, answer: &KeptAnswer) -> Result<(), StoreError> {
        Ok(answers::remember(&mut self.transaction, key, answer)?)
    }

    fn settle(&mut self) -> Result<Settled, StoreError> {
        self.settle_puts()?;
        self.settle_relations()?;
        Ok(std::mem::take(&mut self.tally.settled))
    }
}
