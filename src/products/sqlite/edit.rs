//! Writing one product whole, as a client of the API asks for it.

use rusqlite::{Connection, OptionalExtension, params};

use super::children::{self, Saying};
use super::write::Writer;
use super::{read_back, read_document};
use crate::products::import::{SHOWN, shortened};
use crate::products::input::ProductInput;
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

/// Whatever belongs to others: handle, ids, skus.
pub(super) fn conflicts(
    connection: &Connection,
    id: Option<i64>,
    product: &ProductInput,
) -> rusqlite::Result<Vec<Invalid>> {
    let mut found = Vec::new();
    let mut add = |pointer: String, value: &str, reason: String| {
        found.push(Invalid {
            pointer,
            value: shortened(value, SHOWN),
            reason,
        });
    };
    let by_handle: Option<(i64, bool)> = connection
        .prepare_cached("SELECT id, deleted_at IS NOT NULL FROM product WHERE handle = ?1")?
        .query_row([&product.handle], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    // A deleted product comes back when one with its handle is created.
    let revived = by_handle.filter(|(_, is_deleted)| *is_deleted && id.is_none());
    let own = id.or(revived.map(|(id, _)| id));
    if let Some((other, is_deleted)) = by_handle.filter(|(other, _)| Some(*other) != own) {
        let reason = if is_deleted {
            format!("belongs to product {other}, which was deleted; create it to bring it back")
        } else {
            format!("belongs to product {other}; a handle is unique in the catalogue")
        };
        add("/handle".to_owned(), &product.handle, reason);
    }
    let mut by_id = connection.prepare_cached("SELECT handle FROM product WHERE id = ?1")?;
    if let Some(said) = product.id.filter(|said| Some(*said) != own) {
        let owner: Option<String> = by_id.query_row([said], |row| row.get(0)).optional()?;
        let reason = match (owner, own) {
            (Some(owner), _) => Some(format!(
                "belongs to product {owner:?}; leave it out to get a new one"
            )),
            (None, Some(own)) => Some(format!(
                "the deleted product that has this handle has the id {own}; leave it out"
            )),
            (None, None) => None,
        };
        if let Some(reason) = reason {
            add("/id".to_owned(), &said.to_string(), reason);
        }
    }
    let mut by_sku = connection.prepare_cached(
        "SELECT p.handle FROM variant v JOIN product p ON p.id = v.product_id
         WHERE v.sku = ?1 AND p.id IS NOT ?2 AND p.deleted_at IS NULL",
    )?;
    // An id is never freed, so those of deleted products count.
    let mut by_variant_id = connection.prepare_cached(
        "SELECT p.handle FROM variant v JOIN product p ON p.id = v.product_id
         WHERE v.id = ?1 AND p.id IS NOT ?2",
    )?;
    for (index, variant) in product.variants.iter().flatten().enumerate() {
        if let Some(sku) = &variant.sku {
            let owner = by_sku.query_row(params![sku, own], |row| row.get::<_, String>(0));
            if let Some(owner) = owner.optional()? {
                let reason =
                    format!("belongs to product {owner:?}; a sku is unique in the catalogue");
                add(format!("/variants/{index}/sku"), sku, reason);
            }
        }
        if let Some(said) = variant.id {
            let owner = by_variant_id.query_row(params![said, own], |row| row.get::<_, String>(0));
            if let Some(owner) = owner.optional()? {
                let reason = format!(
                    "belongs to a variant of product {owner:?}; leave it out to get a new one"
                );
                add(format!("/variants/{index}/id"), &said.to_string(), reason);
            }
        }
    }
    Ok(found)
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
        self.written.push(id);
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
        self.written.push(id);
        Ok(())
    }
}
