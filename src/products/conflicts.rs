//! What of a product belongs to other products already.

use super::import::{SHOWN, shortened};
use super::input::ProductInput;
use super::validate::Invalid;

/// Who has the handles, ids and skus of a catalogue.
pub(super) trait Owners {
    /// Why the catalogue cannot tell.
    type Error;

    /// The product that has this handle, and whether it is deleted.
    fn of_handle(&mut self, handle: &str) -> Result<Option<(i64, bool)>, Self::Error>;

    /// The handle of the product that has this id.
    fn of_id(&mut self, id: i64) -> Result<Option<String>, Self::Error>;

    /// The handle of the product, other than `not` and not deleted, whose variant has this sku.
    fn of_sku(&mut self, sku: &str, not: Option<i64>) -> Result<Option<String>, Self::Error>;

    /// The handle of the product, other than `not`, whose variant has this id.
    fn of_variant_id(&mut self, id: i64, not: Option<i64>) -> Result<Option<String>, Self::Error>;
}

/// Whatever belongs to others: handle, ids, skus.
pub(super) fn conflicts<O: Owners>(
    owners: &mut O,
    id: Option<i64>,
    product: &ProductInput,
) -> Result<Vec<Invalid>, O::Error> {
    let mut found = Vec::new();
    let mut add = |pointer: String, value: &str, reason: String| {
        found.push(Invalid {
            pointer,
            value: shortened(value, SHOWN),
            reason,
        });
    };
    let by_handle = owners.of_handle(&product.handle)?;
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
    if let Some(said) = product.id.filter(|said| Some(*said) != own) {
        let owner = owners.of_id(said)?;
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
    for (index, variant) in product.variants.iter().flatten().enumerate() {
        if let Some(sku) = &variant.sku
            && let Some(owner) = owners.of_sku(sku, own)?
        {
            let reason = format!("belongs to product {owner:?}; a sku is unique in the catalogue");
            add(format!("/variants/{index}/sku"), sku, reason);
        }
        if let Some(said) = variant.id {
            // An id is never freed, so those of deleted products count.
            if let Some(owner) = owners.of_variant_id(said, own)? {
                let reason = format!(
                    "belongs to a variant of product {owner:?}; leave it out to get a new one"
                );
                add(format!("/variants/{index}/id"), &said.to_string(), reason);
            }
        }
    }
    Ok(found)
}
