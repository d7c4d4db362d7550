//! What putting a product means in every store: what is kept, and which row it is that an input describes.

use std::collections::HashSet;

use super::input::{ProductInput, ReviewInput, VariantInput};
use super::store::{PutError, Settled};

/// What it means that a variant says nothing of a sku or an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Saying {
    /// That it keeps them: a file has what its maker knows.
    Something,
    /// That it has none.
    Everything,
}

/// A variant the product has already.
pub(super) struct ExistingVariant {
    pub(super) id: i64,
    pub(super) sku: Option<String>,
    pub(super) option_values: Vec<String>,
}

/// Finds for each variant of the input the row it describes: by sku, else by option values. What it
/// takes is removed from `existing`.
pub(super) fn match_variants(
    existing: &mut Vec<ExistingVariant>,
    variants: &[VariantInput],
) -> Vec<Option<i64>> {
    let mut ids: Vec<Option<i64>> = vec![None; variants.len()];
    let mut take = |id: &mut Option<i64>, same: &dyn Fn(&ExistingVariant) -> bool| {
        if let (None, Some(index)) = (*id, existing.iter().position(same)) {
            *id = Some(existing.remove(index).id);
        }
    };
    for (id, variant) in ids.iter_mut().zip(variants) {
        if variant.sku.is_some() {
            take(id, &|row| row.sku == variant.sku);
        }
    }
    for (id, variant) in ids.iter_mut().zip(variants) {
        take(id, &|row| row.option_values == variant.option_values);
    }
    ids
}

/// A review without a time is the same whatever time the stored one has.
pub(super) fn same_reviews(stored: &[ReviewInput], said: &[ReviewInput]) -> bool {
    stored.len() == said.len()
        && stored.iter().zip(said).all(|(stored, said)| {
            let said_at = said.created_at.as_ref().or(stored.created_at.as_ref());
            said_at == stored.created_at.as_ref()
                && (
                    stored.rating,
                    &stored.title,
                    &stored.body,
                    &stored.author,
                    &stored.status,
                ) == (
                    said.rating,
                    &said.title,
                    &said.body,
                    &said.author,
                    &said.status,
                )
        })
}

/// The products that one transaction wrote, and what became of those that are settled.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Every product put, in order, one more time for each time it was put.
    put: Vec<i64>,
    /// Products that were written otherwise.
    written: Vec<i64>,
    /// How many of those put were there at the last settlement.
    put_settled: usize,
    existing_since_settled: u64,
    pub(super) settled: Settled,
}

impl Tally {
    /// A product was put, whole.
    pub(super) fn put(&mut self, id: i64, is_new: bool) {
        self.put.push(id);
        self.existing_since_settled += u64::from(!is_new);
    }

    /// A product was written otherwise.
    pub(super) fn written(&mut self, id: i64) {
        self.written.push(id);
    }

    /// Every product put.
    pub(super) fn all_put(&self) -> &Vec<i64> {
        &self.put
    }

    /// Every product that was put or written.
    pub(super) fn touched(&self) -> Vec<i64> {
        [&*self.put, &*self.written].concat()
    }

    /// Products put since the last settlement.
    pub(super) fn unsettled(&self) -> &[i64] {
        &self.put[self.put_settled..]
    }

    /// How many of these products, which exist and were changed, were put since the last settlement: a deleted one that
    /// gave up its sku is changed, too.
    pub(super) fn updated(&self, changed: impl IntoIterator<Item = i64>) -> u64 {
        let put: HashSet<&i64> = self.unsettled().iter().collect();
        let updated = changed.into_iter().filter(|id| put.contains(id));
        updated.count() as u64
    }

    /// Counts what was put since the last call and is settled now, of which so many got a new version.
    pub(super) fn settle(&mut self, updated: u64) {
        let put = self.unsettled().len() as u64;
        self.settled.created += put - self.existing_since_settled;
        self.settled.updated += updated;
        self.settled.unchanged += self.existing_since_settled - updated;
        self.put_settled = self.put.len();
        self.existing_since_settled = 0;
    }
}

/// A new product without a title.
pub(super) fn untitled(product: &ProductInput) -> PutError {
    PutError::Conflict {
        field: "title".to_owned(),
        value: String::new(),
        reason: format!("a new product ({}) needs a title", product.handle),
    }
}

/// A new product with the id of the one that has this handle.
pub(super) fn id_taken(id: i64, handle: &str) -> PutError {
    PutError::Conflict {
        field: "id".to_owned(),
        value: id.to_string(),
        reason: format!("belongs to product {handle:?}; leave it out to get a new one"),
    }
}

/// What is wrong with a variant in its place among those of its product.
#[derive(Debug, Clone, Copy)]
pub(super) struct WrongVariant {
    pub(super) position: usize,
}

impl WrongVariant {
    /// New, and without a price.
    pub(super) fn unpriced(self) -> PutError {
        self.conflict(
            "price",
            String::new(),
            "a new variant needs a price".to_owned(),
        )
    }

    /// With a sku of the product that has this handle.
    pub(super) fn sku_taken(self, sku: &str, handle: &str) -> PutError {
        let reason = format!("belongs to product {handle:?}; a sku is unique in the catalogue");
        self.conflict("sku", sku.to_owned(), reason)
    }

    /// With the id of a variant of the product that has this handle.
    pub(super) fn id_taken(self, id: i64, handle: &str) -> PutError {
        let reason = format!("belongs to product {handle:?}; leave it out to get a new one");
        self.conflict("id", id.to_string(), reason)
    }

    fn conflict(self, field: &str, value: String, reason: String) -> PutError {
        PutError::Conflict {
            field: format!("variants[{}].{field}", self.position),
            value,
            reason,
        }
    }
}
