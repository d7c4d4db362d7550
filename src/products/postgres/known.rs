//! What the catalogue has already of what some products name: their handles, ids and skus. From it follows which
//! rows they are, what stands in their way, and which of them have nothing to do with each other.

use std::collections::{HashMap, HashSet};

use crate::db::postgres::{PostgresError, Transaction, Type};
use crate::products::input::{ProductInput, VariantInput};
use crate::products::put::{ExistingVariant, WrongVariant, id_taken, match_variants, untitled};
use crate::products::store::PutError;

const KNOWN_PRODUCTS: &str = include_str!("../../../sql/postgres/queries/known_products.sql");
const KNOWN_VARIANTS: &str = include_str!("../../../sql/postgres/queries/known_variants.sql");

/// See the module text.
#[derive(Default)]
pub(super) struct Known {
    by_handle: HashMap<String, i64>,
    products: HashMap<i64, KnownProduct>,
    variants: HashMap<i64, KnownVariant>,
    by_sku: HashMap<String, i64>,
    /// By product, in order of their positions.
    variants_of: HashMap<i64, Vec<i64>>,
}

struct KnownProduct {
    handle: String,
    is_deleted: bool,
}

struct KnownVariant {
    product_id: i64,
    sku: Option<String>,
    option_values: Vec<String>,
}

/// A product and the rows it is.
pub(super) struct Placed<'a> {
    pub(super) product: &'a ProductInput,
    /// `None` for a new one.
    pub(super) id: Option<i64>,
    /// The rows that its variants are, in their order; `None` for a new one.
    pub(super) variant_ids: Vec<Option<i64>>,
    /// Variants that it no longer names.
    pub(super) gone: Vec<i64>,
}

impl<'a> Placed<'a> {
    pub(super) fn variants(&self) -> &'a [VariantInput] {
        self.product.variants.as_deref().unwrap_or_default()
    }
}

impl Known {
    /// Asks the catalogue.
    pub(super) fn look_up(
        transaction: &mut Transaction,
        products: &[&ProductInput],
    ) -> Result<Self, PostgresError> {
        let mut known = Self::default();
        let handles: Vec<&str> = products.iter().map(|it| it.handle.as_str()).collect();
        let ids: Vec<i64> = products.iter().filter_map(|it| it.id).collect();
        let rows = transaction.query(
            KNOWN_PRODUCTS,
            &[(&handles, Type::TEXT_ARRAY), (&ids, Type::INT8_ARRAY)],
        )?;
        for row in rows {
            let id = row.try_get(0)?;
            let handle: String = row.try_get(1)?;
            known.by_handle.insert(handle.clone(), id);
            let is_deleted = row.try_get(2)?;
            known
                .products
                .insert(id, KnownProduct { handle, is_deleted });
        }
        let own = products.iter().filter(|it| it.variants.is_some());
        let own: Vec<i64> = own.filter_map(|it| known.id(it)).collect();
        let variants = || products.iter().flat_map(|it| it.variants.iter().flatten());
        let skus: Vec<&str> = variants().filter_map(|it| it.sku.as_deref()).collect();
        let variant_ids: Vec<i64> = variants().filter_map(|it| it.id).collect();
        if own.is_empty() && skus.is_empty() && variant_ids.is_empty() {
            return Ok(known);
        }
        let rows = transaction.query(
            KNOWN_VARIANTS,
            &[
                (&own, Type::INT8_ARRAY),
                (&skus, Type::TEXT_ARRAY),
                (&variant_ids, Type::INT8_ARRAY),
            ],
        )?;
        for row in rows {
            let values: [Option<String>; 3] = [row.try_get(3)?, row.try_get(4)?, row.try_get(5)?];
            let id = row.try_get(0)?;
            let variant = KnownVariant {
                product_id: row.try_get(1)?,
                sku: row.try_get(2)?,
                option_values: values.into_iter().flatten().collect(),
            };
            if let Some(sku) = &variant.sku {
                known.by_sku.insert(sku.clone(), id);
            }
            let of_product = known.variants_of.entry(variant.product_id).or_default();
            of_product.push(id);
            let owner = KnownProduct {
                handle: row.try_get(6)?,
                is_deleted: row.try_get(7)?,
            };
            known.products.insert(variant.product_id, owner);
            known.variants.insert(id, variant);
        }
        Ok(known)
    }

    fn id(&self, product: &ProductInput) -> Option<i64> {
        self.by_handle.get(&product.handle).copied()
    }

    /// Which rows a product is.
    pub(super) fn place<'a>(&self, product: &'a ProductInput) -> Placed<'a> {
        let id = self.id(product);
        let variants = product.variants.as_deref().unwrap_or_default();
        let own = id.filter(|_| product.variants.is_some());
        let own = own.and_then(|id| self.variants_of.get(&id));
        let mut existing: Vec<ExistingVariant> = own
            .into_iter()
            .flatten()
            .filter_map(|id| self.variants.get(id).map(|variant| (*id, variant)))
            .map(|(id, variant)| ExistingVariant {
                id,
                sku: variant.sku.clone(),
                option_values: variant.option_values.clone(),
            })
            .collect();
        let variant_ids = match_variants(&mut existing, variants);
        Placed {
            product,
            id,
            variant_ids,
            gone: existing.into_iter().map(|variant| variant.id).collect(),
        }
    }

    /// Why the catalogue as it stands forbids this product.
    pub(super) fn refusal(&self, placed: &Placed<'_>) -> Option<PutError> {
        let product = placed.product;
        if placed.id.is_none() {
            if product.title.is_none() {
                return Some(untitled(product));
            }
            if let Some((id, owner)) = product
                .id
                .and_then(|id| Some((id, self.products.get(&id)?)))
            {
                return Some(id_taken(id, &owner.handle));
            }
        }
        let mut ids = HashSet::new();
        let variants = placed.variants().iter().zip(&placed.variant_ids);
        for (position, (variant, row)) in variants.enumerate() {
            let wrong = WrongVariant { position };
            if row.is_none() && variant.price.is_none() {
                return Some(wrong.unpriced());
            }
            if let Some(sku) = &variant.sku
                && let Some(owner) = self.owner_of_sku(sku)
                && Some(owner) != placed.id
                && let Some(KnownProduct { handle, is_deleted }) = self.products.get(&owner)
                && !is_deleted
            {
                return Some(wrong.sku_taken(sku, handle));
            }
            // That of a row which is there already is not heeded. One that is never freed counts, deleted or not.
            if let (None, Some(id)) = (row, variant.id) {
                let is_going = placed.gone.contains(&id);
                let owner = self.owner_of_variant(id).filter(|_| !is_going);
                let owner = owner.and_then(|owner| self.products.get(&owner));
                let owner = owner.map(|owner| owner.handle.as_str());
                let twice = (!ids.insert(id)).then_some(product.handle.as_str());
                if let Some(handle) = owner.or(twice) {
                    return Some(wrong.id_taken(id, handle));
                }
            }
        }
        None
    }

    /// Variants of deleted products that have skus of this product.
    pub(super) fn to_be_freed(&self, placed: &Placed<'_>) -> Vec<i64> {
        let skus = placed.variants().iter().filter_map(|it| it.sku.as_deref());
        let owners = skus.filter_map(|sku| self.by_sku.get(sku));
        owners
            .filter(|id| {
                let owner = self.variants.get(id).map(|variant| variant.product_id);
                owner != placed.id
            })
            .copied()
            .collect()
    }

    fn owner_of_sku(&self, sku: &str) -> Option<i64> {
        let variant = self.by_sku.get(sku)?;
        self.owner_of_variant(*variant)
    }

    fn owner_of_variant(&self, id: i64) -> Option<i64> {
        Some(self.variants.get(&id)?.product_id)
    }

    /// For each product whether it meets another one: names something that another one of these names or has, or that
    /// a product of the catalogue has. What meets nobody can be written in any order, and all at once.
    pub(super) fn meeting(&self, products: &[&ProductInput]) -> Vec<bool> {
        let mut meeting = vec![false; products.len()];
        let at: HashMap<i64, usize> = products
            .iter()
            .enumerate()
            .filter_map(|(index, product)| Some((self.id(product)?, index)))
            .collect();
        let mut first_named = HashMap::new();
        for (index, product) in products.iter().enumerate() {
            let own = self.id(product);
            let mut names = Vec::new();
            if let Some(id) = product.id {
                let owner = self.products.contains_key(&id).then_some(id);
                names.push((Name::Product(id), owner));
            }
            for variant in product.variants.iter().flatten() {
                if let Some(sku) = variant.sku.as_deref() {
                    names.push((Name::Sku(sku), self.owner_of_sku(sku)));
                }
                if let Some(id) = variant.id {
                    names.push((Name::Variant(id), self.owner_of_variant(id)));
                }
            }
            for (name, owner) in names {
                let before = *first_named.entry(name).or_insert(index);
                let owner_here = owner.and_then(|owner| at.get(&owner)).copied();
                let is_foreign = owner.is_some() && owner != own;
                for met in [Some(before), owner_here].into_iter().flatten() {
                    if met != index {
                        meeting[met] = true;
                        meeting[index] = true;
                    }
                }
                meeting[index] |= is_foreign;
            }
        }
        meeting
    }
}

/// What no two products may have.
#[derive(PartialEq, Eq, Hash)]
enum Name<'a> {
    Product(i64),
    Sku(&'a str),
    Variant(i64),
}
