//! Putting products, many at once: those that have nothing to do with each other are written by a few statements, a
//! table each, and what is new goes by `COPY`.

use std::collections::HashSet;

use super::children;
use super::known::{Known, Placed};
use super::rows::NewRows;
use super::said::SaidOfProducts;
use super::write::Writer;
use crate::db::postgres::{PostgresError, Transaction, Type, is_unique_violation, microseconds};
use crate::products::bulk::distinct;
use crate::products::input::ProductInput;
use crate::products::put::Saying;
use crate::products::store::PutError;

const UPDATE_PRODUCTS: &str = include_str!("../../../sql/postgres/queries/update_products.sql");
const FREE_SKUS: &str = include_str!("../../../sql/postgres/queries/free_skus.sql");

/// How often a product is put that meets what other transactions write at the same time.
const TRIES: usize = 3;

impl Writer {
    /// See [`CatalogTransaction::put_many`](crate::products::store::CatalogTransaction::put_many).
    pub(super) fn put_stretches(
        &mut self,
        products: &[&ProductInput],
    ) -> Result<Vec<Result<(), PutError>>, PostgresError> {
        self.prepare_for(products.len())?;
        let mut outcomes = Vec::with_capacity(products.len());
        let mut rest = products;
        while !rest.is_empty() {
            let (stretch, after) = rest.split_at(distinct(rest.iter().copied()));
            outcomes.extend(self.put_stretch(stretch)?);
            rest = after;
        }
        Ok(outcomes)
    }

    /// Has the statements that follow planned for so many products.
    pub(super) fn prepare_for(&mut self, products: usize) -> Result<(), PostgresError> {
        if products > 1 && !self.is_of_many {
            self.is_of_many = true;
            self.transaction.plan_anew();
            // Rows are named by their keys, a few hundred at a time. Tables that grew since anybody looked make the
            // planner believe that it would soon have read all of them, be it by an index.
            self.transaction.batch(
                "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off;
                 SET LOCAL enable_mergejoin = off",
            )?;
        }
        Ok(())
    }

    /// Puts products with handles of their own.
    fn put_stretch(
        &mut self,
        products: &[&ProductInput],
    ) -> Result<Vec<Result<(), PutError>>, PostgresError> {
        if let [product] = products {
            return Ok(vec![self.put_alone(product)?]);
        }
        let known = Known::look_up(&mut self.transaction, products)?;
        let meeting = known.meeting(products);
        let mut refusals = Vec::with_capacity(products.len());
        let mut apart = Vec::with_capacity(products.len());
        for (product, meets) in products.iter().zip(&meeting) {
            let placed = known.place(product);
            let refusal = known.refusal(&placed);
            if !meets && refusal.is_none() {
                apart.push(placed);
            }
            refusals.push(refusal);
        }
        let is_written = self.or_nothing(|writer| {
            let ids = writer.write(&apart, &[], Saying::Something)?;
            for (placed, id) in apart.iter().zip(ids) {
                writer.tally.put(id, placed.id.is_none());
            }
            Ok(())
        })?;
        let mut outcomes = Vec::with_capacity(products.len());
        for ((product, refusal), meets) in products.iter().zip(refusals).zip(meeting) {
            outcomes.push(match refusal {
                _ if meets => self.put_alone(product)?,
                Some(refusal) => Err(refusal),
                None if is_written => Ok(()),
                None => self.put_alone(product)?,
            });
        }
        Ok(outcomes)
    }

    fn put_alone(&mut self, product: &ProductInput) -> Result<Result<(), PutError>, PostgresError> {
        let put = self.write_alone(product, Saying::Something, |_| Ok(()))?;
        Ok(put.map(|(id, is_new)| self.tally.put(id, is_new)))
    }

    /// Writes one product, which may meet anybody. `check` has the last word on which row it is. Tells the id, and
    /// whether the product is new.
    pub(super) fn write_alone(
        &mut self,
        product: &ProductInput,
        saying: Saying,
        check: impl Fn(&Placed<'_>) -> Result<(), PostgresError>,
    ) -> Result<Result<(i64, bool), PutError>, PostgresError> {
        for _ in 0..TRIES {
            let known = Known::look_up(&mut self.transaction, &[product])?;
            let placed = known.place(product);
            check(&placed)?;
            if let Some(refusal) = known.refusal(&placed) {
                return Ok(Err(refusal));
            }
            let freed = known.to_be_freed(&placed);
            let is_new = placed.id.is_none();
            let mut id = 0;
            let is_written = self.or_nothing(|writer| {
                let ids = writer.write(std::slice::from_ref(&placed), &freed, saying)?;
                id = ids.first().copied().unwrap_or_default();
                Ok(())
            })?;
            if is_written {
                return Ok(Ok((id, is_new)));
            }
            // Another transaction took a name between the look and the write; it shows now.
        }
        Err(PostgresError::Busy)
    }

    /// Writes something, or nothing where it breaks a rule of uniqueness; tells which.
    fn or_nothing(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<(), PostgresError>,
    ) -> Result<bool, PostgresError> {
        let relations = self.relations.len();
        self.transaction.batch("SAVEPOINT put")?;
        match write(self) {
            Ok(()) => {
                self.transaction.batch("RELEASE put")?;
                Ok(true)
            }
            Err(error) if is_unique_violation(&error) => {
                self.transaction.batch("ROLLBACK TO put; RELEASE put")?;
                self.transaction.explained();
                self.relations.truncate(relations);
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Writes products that do not meet; returns their ids.
    fn write(
        &mut self,
        placed: &[Placed<'_>],
        freed: &[i64],
        saying: Saying,
    ) -> Result<Vec<i64>, PostgresError> {
        if !freed.is_empty() {
            self.transaction
                .execute(FREE_SKUS, &[(&freed, Type::INT8_ARRAY)])?;
        }
        self.update_products(placed)?;
        let said = placed.iter().filter(|it| it.id.is_none());
        let ids = numbers(
            &mut self.transaction,
            "product_id_seq",
            said.map(|it| it.product.id),
        )?;
        let mut ids = ids.into_iter();
        let mut new = NewRows::new(microseconds(&self.now)?);
        let mut all = Vec::with_capacity(placed.len());
        for it in placed {
            let id = if let Some(id) = it.id {
                id
            } else {
                let id = ids.next().ok_or(PostgresError::Closed)?;
                new.product(id, it.product)?;
                id
            };
            all.push(id);
        }
        children::write(&mut self.transaction, placed, &all, saying, new)?;
        self.note_relations(placed, &all)?;
        Ok(all)
    }

    fn update_products(&mut self, placed: &[Placed<'_>]) -> Result<(), PostgresError> {
        let existing: Vec<(i64, &ProductInput)> = placed
            .iter()
            .filter_map(|it| Some((it.id?, it.product)))
            .collect();
        if !existing.is_empty() {
            let said = SaidOfProducts::new(&self.now, &existing);
            self.transaction.execute(UPDATE_PRODUCTS, &said.columns())?;
        }
        Ok(())
    }
}

/// A number for each row that is to come: the one it says, else the next of the sequence that none of the others
/// says.
pub(super) fn numbers(
    transaction: &mut Transaction,
    sequence: &str,
    said: impl Iterator<Item = Option<i64>>,
) -> Result<Vec<i64>, PostgresError> {
    let said: Vec<Option<i64>> = said.collect();
    let taken: HashSet<i64> = said.iter().flatten().copied().collect();
    let wanted = said.iter().filter(|it| it.is_none()).count();
    let mut given = Vec::with_capacity(wanted);
    while given.len() < wanted {
        let missing = i64::try_from(wanted - given.len()).unwrap_or(i64::MAX);
        let row = transaction.query_one(
            "SELECT array_agg(nextval($1::text::regclass)) FROM generate_series(1, $2)",
            &[(&sequence, Type::TEXT), (&missing, Type::INT8)],
        )?;
        let numbers: Vec<i64> = row.try_get(0)?;
        given.extend(numbers.into_iter().filter(|it| !taken.contains(it)));
    }
    let mut given = given.into_iter();
    let all = said.into_iter().map(|it| it.or_else(|| given.next()));
    all.map(|it| it.ok_or(PostgresError::Closed)).collect()
}
