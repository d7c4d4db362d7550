//! Writing many products in one transaction, and telling what became of each.

use std::collections::HashMap;

use super::write::Writer;
use crate::db::postgres::{PostgresError, Type};
use crate::products::bulk::{PutOutcomes, PutProduct, PutStatus, conflict, distinct, vanished};
use crate::products::input::ProductInput;
use crate::products::store::{CatalogTransaction, Settled, StoreError};

impl Writer {
    /// See [`CatalogTransaction::put_each`].
    pub(super) fn put_every(
        &mut self,
        products: &[ProductInput],
    ) -> Result<PutOutcomes, StoreError> {
        let mut outcomes = Vec::with_capacity(products.len());
        let mut rest = products;
        while !rest.is_empty() {
            let (run, after) = rest.split_at(distinct(rest));
            self.put_distinct(run, &mut outcomes)?;
            rest = after;
        }
        Ok(outcomes)
    }

    fn put_distinct(
        &mut self,
        products: &[ProductInput],
        outcomes: &mut PutOutcomes,
    ) -> Result<(), StoreError> {
        self.prepare_for(products.len())?;
        let before = self.ids_and_versions(products)?;
        let put = self.put_many(&products.iter().collect::<Vec<_>>())?;
        let Settled { unresolved, .. } = self.settle()?;
        let after = self.ids_and_versions(products)?;
        for (product, put) in products.iter().zip(put) {
            let handle = product.handle.as_str();
            outcomes.push(if let Err(error) = put {
                Err(conflict(error)?)
            } else {
                let (id, version) = *after.get(handle).ok_or_else(|| vanished(handle))?;
                let status = match before.get(handle) {
                    None => PutStatus::Created,
                    Some((_, old)) if *old == version => PutStatus::Unchanged,
                    Some(_) => PutStatus::Updated,
                };
                let its_own = unresolved
                    .iter()
                    .filter(|relation| relation.handle == handle);
                Ok(PutProduct {
                    id,
                    version: version.unsigned_abs(),
                    status,
                    unresolved: its_own.cloned().collect(),
                })
            });
        }
        Ok(())
    }

    fn ids_and_versions(
        &mut self,
        products: &[ProductInput],
    ) -> Result<HashMap<String, (i64, i64)>, PostgresError> {
        let handles: Vec<&str> = products.iter().map(|it| it.handle.as_str()).collect();
        let rows = self.transaction.query(
            "SELECT handle, id, version FROM product WHERE handle = ANY ($1)",
            &[(&handles, Type::TEXT_ARRAY)],
        )?;
        let pair = |row: &crate::db::postgres::Row| {
            Ok((row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?)))
        };
        rows.iter().map(pair).collect()
    }
}
