//! Writing many products in one transaction, and telling what became of each.

use rusqlite::{Connection, OptionalExtension};

use super::write::Writer;
use crate::products::bulk::{PutOutcomes, PutProduct, PutStatus, conflict, distinct, vanished};
use crate::products::input::ProductInput;
use crate::products::store::{CatalogTransaction, Settled, StoreError};

impl Writer<'_> {
    /// See [`CatalogTransaction::put_each`].
    pub(super) fn put_every(
        &mut self,
        products: &[ProductInput],
    ) -> Result<PutOutcomes, StoreError> {
        let mut outcomes = Vec::with_capacity(products.len());
        let mut rest = products;
        while !rest.is_empty() {
            let (run, after) = rest.split_at(distinct(rest));
            put_distinct(self, run, &mut outcomes)?;
            rest = after;
        }
        Ok(outcomes)
    }
}

fn put_distinct(
    writer: &mut Writer<'_>,
    products: &[ProductInput],
    outcomes: &mut PutOutcomes,
) -> Result<(), StoreError> {
    let connection = writer.connection;
    let before = products
        .iter()
        .map(|product| id_and_version(connection, &product.handle))
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let put = writer.put_many(&products.iter().collect::<Vec<_>>())?;
    let Settled { unresolved, .. } = writer.settle()?;
    for ((product, put), before) in products.iter().zip(put).zip(before) {
        if let Err(error) = put {
            outcomes.push(Err(conflict(error)?));
            continue;
        }
        let after = id_and_version(connection, &product.handle)?;
        let (id, version) = after.ok_or_else(|| vanished(&product.handle))?;
        let status = match before {
            None => PutStatus::Created,
            Some((_, old)) if old == version => PutStatus::Unchanged,
            Some(_) => PutStatus::Updated,
        };
        let its_own = unresolved
            .iter()
            .filter(|relation| relation.handle == product.handle);
        outcomes.push(Ok(PutProduct {
            id,
            version: version.unsigned_abs(),
            status,
            unresolved: its_own.cloned().collect(),
        }));
    }
    Ok(())
}

fn id_and_version(connection: &Connection, handle: &str) -> rusqlite::Result<Option<(i64, i64)>> {
    connection
        .prepare_cached("SELECT id, version FROM product WHERE handle = ?1")?
        .query_row([handle], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}
