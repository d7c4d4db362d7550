//! Writing one product whole, as a client of the API asks for it.

use rusqlite::{Connection, OptionalExtension, params};

use super::children;
use super::write::Writer;
use super::{read_back, read_document};
use crate::products::conflicts;
use crate::products::input::ProductInput;
use crate::products::put::Saying;
use crate::products::store::{PutError, StoredProduct};
use crate::products::validate::Invalid;

/// The product with this id, deleted or not.
pub(super) fn find(connection: &Connection, id: i64) -> rusqlite::Result<Option<StoredProduct>> {
    let Some((product, is_deleted)) = read_back::one_product(connection, id)? else {
        return Ok(None);
    };
    let Some(stored) = read_document(connection, id)? else {
        return Ok(None);
    };
    Ok(Some(StoredProduct {
        product,
        version: stored.version,
        is_deleted,
        document: stored.document.ok(),
    }))
}

/// Who has the handles, ids and skus of the catalogue.
struct Owners<'c>(&'c Connection);

impl conflicts::Owners for Owners<'_> {
    type Error = rusqlite::Error;

    fn of_handle(&mut self, handle: &str) -> rusqlite::Result<Option<(i64, bool)>> {
        self.0
            .prepare_cached("SELECT id, deleted_at IS NOT NULL FROM product WHERE handle = ?1")?
            .query_row([handle], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
    }

    fn of_id(&mut self, id: i64) -> rusqlite::Result<Option<String>> {
        self.0
            .prepare_cached("SELECT handle FROM product WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()
    }

    fn of_sku(&mut self, sku: &str, not: Option<i64>) -> rusqlite::Result<Option<String>> {
        self.0
            .prepare_cached(
                "SELECT p.handle FROM variant v JOIN product p ON p.id = v.product_id
                 WHERE v.sku = ?1 AND p.id IS NOT ?2 AND p.deleted_at IS NULL",
            )?
            .query_row(params![sku, not], |row| row.get(0))
            .optional()
    }

    fn of_variant_id(&mut self, id: i64, not: Option<i64>) -> rusqlite::Result<Option<String>> {
        self.0
            .prepare_cached(
                "SELECT p.handle FROM variant v JOIN product p ON p.id = v.product_id
                 WHERE v.id = ?1 AND p.id IS NOT ?2",
            )?
            .query_row(params![id, not], |row| row.get(0))
            .optional()
    }
}

/// Whatever belongs to others: handle, ids, skus.
pub(super) fn conflicts(
    connection: &Connection,
    id: Option<i64>,
    product: &ProductInput,
) -> rusqlite::Result<Vec<Invalid>> {
    conflicts::conflicts(&mut Owners(connection), id, product)
}

impl Writer<'_> {
    /// See [`CatalogTransaction::create`](crate::products::store::CatalogTransaction::create).
    pub(super) fn create_whole(&mut self, product: &ProductInput) -> Result<i64, PutError> {
        let deleted: Option<i64> = self
            .prepare("SELECT id FROM product WHERE handle = ?1 AND deleted_at IS NOT NULL")?
            .query_row([&product.handle], |row| row.get(0))
            .optional()?;
        if let Some(id) = deleted {
            self.replace_whole(id, product)?;
            return Ok(id);
        }
        let id = self.insert(product)?;
        children::put(self.connection, id, true, Saying::Everything, product)?;
        self.note_relations(id, product.relations.as_deref())?;
        self.tally.written(id);
        Ok(id)
    }

    /// See [`CatalogTransaction::replace`](crate::products::store::CatalogTransaction::replace).
    pub(super) fn replace_whole(
        &mut self,
        id: i64,
        product: &ProductInput,
    ) -> Result<(), PutError> {
        self.prepare("UPDATE product SET handle = ?2 WHERE id = ?1 AND handle <> ?2")?
            .execute(params![id, product.handle])?;
        self.update(id, product)?;
        children::put(self.connection, id, false, Saying::Everything, product)?;
        self.note_relations(id, product.relations.as_deref())?;
        self.tally.written(id);
        Ok(())
    }
}
