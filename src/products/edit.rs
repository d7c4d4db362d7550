//! Writing one product: what a writer asks, checked against the product as it stands, in one transaction.

pub(super) mod whole;

use serde_json::Value;

use super::document::Document;
use super::export::jsonl;
use super::import::key_path::KeyPath;
use super::import::{SHOWN, shortened};
use super::input::ProductInput;
use super::merge_patch::merge_patch;
use super::store::{CatalogTransaction, PutError, StoreError, StoredProduct};
use super::validate::Invalid;

/// What is to be done. Documents are as `export` writes them.
#[derive(Debug, Clone)]
pub enum Edit {
    /// Make a new product, or bring back a deleted one that has its handle.
    Create(Value),
    /// Make it as the document says, and what the document does not say as it is by default.
    Replace(i64, Value),
    /// Merge into its document (RFC 7396).
    Patch(i64, Value),
    /// Soft-delete it.
    Delete(i64),
}

/// A product after a write.
#[derive(Debug, Clone, PartialEq)]
pub struct Edited {
    /// The product.
    pub id: i64,
    /// Its version, a new one unless nothing had to be changed.
    pub version: u64,
    /// What a condition is checked against; `None` once it is deleted.
    pub representation: Option<Representation>,
}

/// What stands for a product: to those who may read it, its public document; where it is not public, its
/// whole document as `export` writes it, which only those who may write get to see.
#[derive(Debug, Clone, PartialEq)]
pub struct Representation {
    /// JSON.
    pub document: Document,
    /// Whether it is the public one.
    pub is_public: bool,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// There is no such product.
    #[error("there is no such product")]
    NotFound,
    /// It was deleted.
    #[error("the product was deleted")]
    Deleted,
    /// The condition does not hold. The version there is.
    #[error("the product has version {version}")]
    Precondition {
        /// The version there is.
        version: u64,
    },
    /// The document is not that of a product: everything that is wrong with it.
    #[error("the document has {} errors", .0.len())]
    Invalid(Vec<Invalid>),
    /// Other products are in the way.
    #[error("{} other products are in the way", .0.len())]
    Conflict(Vec<Invalid>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Does it. `condition` is asked about the version and the representation there is, unless it is to be
/// created. After an error the transaction has to be rolled back.
pub fn edit(
    transaction: &mut dyn CatalogTransaction,
    edit: Edit,
    condition: &dyn Fn(u64, &Representation) -> bool,
) -> Result<Edited, EditError> {
    let id = match edit {
        Edit::Create(document) => {
            let product = whole::whole(document).map_err(EditError::Invalid)?;
            no_conflicts(transaction, None, &product)?;
            let id = transaction.create(&product).map_err(conflict)?;
            settle(transaction, &product)?;
            id
        }
        Edit::Replace(id, document) => {
            find(transaction, id, condition)?;
            replace(transaction, id, document)?;
            id
        }
        Edit::Patch(id, patch) => {
            let stored = find(transaction, id, condition)?;
            let mut document = to_value(&stored.product)?;
            merge_patch(&mut document, patch);
            clear_removed(&mut document);
            replace(transaction, id, document)?;
            id
        }
        Edit::Delete(id) => {
            find(transaction, id, condition)?;
            transaction.delete(id)?;
            transaction.settle()?;
            id
        }
    };
    let stored = transaction.find(id)?.ok_or(EditError::NotFound)?;
    let representation = (!stored.is_deleted).then(|| representation(&stored));
    Ok(Edited {
        id,
        version: stored.version,
        representation: representation.transpose()?,
    })
}

/// The product as it stands, provided that it may be written.
fn find(
    transaction: &mut dyn CatalogTransaction,
    id: i64,
    condition: &dyn Fn(u64, &Representation) -> bool,
) -> Result<StoredProduct, EditError> {
    let stored = transaction.find(id)?.ok_or(EditError::NotFound)?;
    if stored.is_deleted {
        return Err(EditError::Deleted);
    }
    if !condition(stored.version, &representation(&stored)?) {
        return Err(EditError::Precondition {
            version: stored.version,
        });
    }
    Ok(stored)
}

fn replace(
    transaction: &mut dyn CatalogTransaction,
    id: i64,
    document: Value,
) -> Result<(), EditError> {
    let product = whole::whole(document);
    let said_id = product.as_ref().ok().and_then(|product| product.id);
    if let Some(said_id) = said_id.filter(|said_id| *said_id != id) {
        return Err(EditError::Invalid(vec![Invalid {
            pointer: "/id".to_owned(),
            value: said_id.to_string(),
            reason: format!("the id of a product never changes; write {id} or leave it out"),
        }]));
    }
    let product = product.map_err(EditError::Invalid)?;
    no_conflicts(transaction, Some(id), &product)?;
    transaction.replace(id, &product).map_err(conflict)?;
    settle(transaction, &product)
}

/// What a patch removed is to be cleared, also where a document that does not speak of it would keep it or,
/// with a product that has no date, publish it.
fn clear_removed(document: &mut Value) {
    if let Value::Object(document) = document {
        for kept in ["reviews", "rating", "published_at"] {
            document.entry(kept).or_insert(Value::Null);
        }
    }
}

fn no_conflicts(
    transaction: &mut dyn CatalogTransaction,
    id: Option<i64>,
    product: &ProductInput,
) -> Result<(), EditError> {
    let conflicts = transaction.conflicts(id, product)?;
    if conflicts.is_empty() {
        Ok(())
    } else {
        Err(EditError::Conflict(conflicts))
    }
}

fn conflict(error: PutError) -> EditError {
    match error {
        PutError::Conflict {
            field,
            value,
            reason,
        } => EditError::Conflict(vec![Invalid {
            pointer: KeyPath::parse(&field).unwrap_or_default().pointer(),
            value: shortened(&value, SHOWN),
            reason,
        }]),
        PutError::Store(error) => EditError::Store(error),
    }
}

/// Makes versions and documents. A relation that leads nowhere is an error of the document.
fn settle(
    transaction: &mut dyn CatalogTransaction,
    product: &ProductInput,
) -> Result<(), EditError> {
    let unresolved = transaction.settle()?.unresolved;
    let relations = product.relations.iter().flatten().enumerate();
    let astray = relations.filter(|(_, relation)| {
        unresolved
            .iter()
            .any(|missing| missing.related == relation.handle)
    });
    let wrong: Vec<_> = astray
        .map(|(index, relation)| Invalid {
            pointer: format!("/relations/{index}/handle"),
            value: shortened(&relation.handle, SHOWN),
            reason: "there is no such product; create it first, or leave the relation out"
                .to_owned(),
        })
        .collect();
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(EditError::Invalid(wrong))
    }
}

fn representation(stored: &StoredProduct) -> Result<Representation, EditError> {
    Ok(match &stored.document {
        Some(document) => Representation {
            document: document.clone(),
            is_public: true,
        },
        None => Representation {
            document: Document::new(to_value(&stored.product)?.to_string().as_bytes()),
            is_public: false,
        },
    })
}

fn to_value(product: &ProductInput) -> Result<Value, StoreError> {
    jsonl::to_value(product).map_err(|error| StoreError::new(error.to_string()))
}

#[cfg(test)]
mod tests;
