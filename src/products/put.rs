//! What putting a product means in every store: what is kept, and which row it is that an input describes.

use super::input::{ReviewInput, VariantInput};

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
