//! Writing one product whole, as a client of the API asks for it.

use super::known::Placed;
use super::write::Writer;
use super::{read_back, read_documents};
use crate::db::postgres::{Parameters, PostgresError, Transaction, Type};
use crate::products::conflicts;
use crate::products::input::ProductInput;
use crate::products::put::Saying;
use crate::products::store::{PutError, StoreError, StoredProduct};
use crate::products::validate::Invalid;

const ONE_PRODUCT: &str = include_str!("../../../sql/postgres/queries/one_product.sql");

/// The product with this id, deleted or not, locked until the transaction ends.
pub(super) fn find(
    transaction: &mut Transaction,
    id: i64,
) -> Result<Option<StoredProduct>, StoreError> {
    let rows = transaction.query(ONE_PRODUCT, &[(&id, Type::INT8)])?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let is_deleted = row.try_get("is_deleted").map_err(PostgresError::from)?;
    let (products, documents) = transaction.on(async |connection| {
        let products = read_back::with_children(connection, &rows).await?;
        let documents = read_documents(connection, &[id]).await?;
        Ok((products, documents))
    })?;
    let product = products.into_iter().next();
    let stored = documents.into_values().next();
    Ok(product.zip(stored).map(|(product, stored)| StoredProduct {
        product,
        version: stored.version,
        is_deleted,
        document: stored.document.ok(),
    }))
}

/// Who has the handles, ids and skus of the catalogue.
struct Owners<'t>(&'t mut Transaction);

impl Owners<'_> {
    fn handle(
        &mut self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Option<String>, PostgresError> {
        let row = self.0.query_opt(sql, parameters)?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }
}

impl conflicts::Owners for Owners<'_> {
    type Error = PostgresError;

    fn of_handle(&mut self, handle: &str) -> Result<Option<(i64, bool)>, PostgresError> {
        let row = self.0.query_opt(
            "SELECT id, deleted_at IS NOT NULL FROM product WHERE handle = $1",
            &[(&handle, Type::TEXT)],
        )?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some((row.try_get(0)?, row.try_get(1)?)))
    }

    fn of_id(&mut self, id: i64) -> Result<Option<String>, PostgresError> {
        self.handle(
            "SELECT handle FROM product WHERE id = $1",
            &[(&id, Type::INT8)],
        )
    }

    fn of_sku(&mut self, sku: &str, not: Option<i64>) -> Result<Option<String>, PostgresError> {
        self.handle(
            "SELECT p.handle FROM variant v JOIN product p ON p.id = v.product_id
             WHERE v.sku = $1 AND p.id IS DISTINCT FROM $2 AND p.deleted_at IS NULL",
            &[(&sku, Type::TEXT), (&not, Type::INT8)],
        )
    }

    fn of_variant_id(
        &mut self,
        id: i64,
        not: Option<i64>,
    ) -> Result<Option<String>, PostgresError> {
        self.handle(
            "SELECT p.handle FROM variant v JOIN product p ON p.id = v.product_id
             WHERE v.id = $1 AND p.id IS DISTINCT FROM $2",
            &[(&id, Type::INT8), (&not, Type::INT8)],
        )
    }
}

/// Whatever belongs to others: handle, ids, skus.
pub(super) fn conflicts(
    transaction: &mut Transaction,
    id: Option<i64>,
    product: &ProductInput,
) -> Result<Vec<Invalid>, PostgresError> {
    conflicts::conflicts(&mut Owners(transaction), id, product)
}

impl Writer {
    /// See [`CatalogTransaction::create`](crate::products::store::CatalogTransaction::create).
    pub(super) fn create_whole(&mut self, product: &ProductInput) -> Result<i64, PutError> {
        let deleted = self.transaction.query_opt(
            "SELECT id FROM product WHERE handle = $1 AND deleted_at IS NOT NULL FOR NO KEY UPDATE",
            &[(&product.handle, Type::TEXT)],
        )?;
        if let Some(row) = deleted {
            let id = row.try_get(0).map_err(PostgresError::from)?;
            self.replace_whole(id, product)?;
            return Ok(id);
        }
        // Whoever made one with this handle meanwhile was first.
        let is_new = |placed: &Placed<'_>| match placed.id {
            None => Ok(()),
            Some(_) => Err(PostgresError::Busy),
        };
        let (id, _) = self.write_alone(product, Saying::Everything, is_new)??;
        self.tally.written(id);
        Ok(id)
    }

    /// See [`CatalogTransaction::replace`](crate::products::store::CatalogTransaction::replace).
    pub(super) fn replace_whole(
        &mut self,
        id: i64,
        product: &ProductInput,
    ) -> Result<(), PutError> {
        self.transaction.execute(
            "UPDATE product SET handle = $2 WHERE id = $1 AND handle <> $2",
            &[(&id, Type::INT8), (&product.handle, Type::TEXT)],
        )?;
        self.write_alone(product, Saying::Everything, |_| Ok(()))??;
        self.tally.written(id);
        Ok(())
    }
}
