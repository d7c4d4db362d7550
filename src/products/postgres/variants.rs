//! The variants of one product with their stock, written only where they differ.

use super::said::SaidOfVariant;
use crate::db::postgres::{PostgresError, Transaction, Type, is_unique_violation};
use crate::products::input::VariantInput;
use crate::products::put::{ExistingVariant, Saying, WrongVariant, match_variants};
use crate::products::store::PutError;

const INSERT_VARIANT: &str = include_str!("../../../sql/postgres/queries/insert_variant.sql");
const UPDATE_VARIANT: &str = include_str!("../../../sql/postgres/queries/update_variant.sql");
const UPDATE_INVENTORY: &str = include_str!("../../../sql/postgres/queries/update_inventory.sql");

/// Writes the whole list: variants not named are removed.
pub(super) fn put(
    transaction: &mut Transaction,
    product_id: i64,
    is_new: bool,
    saying: Saying,
    variants: &[VariantInput],
) -> Result<(), PutError> {
    let mut existing = if is_new {
        Vec::new()
    } else {
        existing_variants(transaction, product_id)?
    };
    let ids = match_variants(&mut existing, variants);
    // Removed first: a new variant may claim the sku of one that goes.
    let leftover: Vec<i64> = existing.iter().map(|variant| variant.id).collect();
    if !leftover.is_empty() {
        transaction.execute(
            "DELETE FROM variant WHERE id = ANY ($1)",
            &[(&leftover, Type::INT8_ARRAY)],
        )?;
    }
    free_skus_of_deleted_products(transaction, product_id, variants)?;
    let images = image_ids(transaction, product_id, variants)?;
    for (position, (variant, id)) in variants.iter().zip(ids).enumerate() {
        let image_id = variant.image.and_then(|index| images.get(index).copied());
        let row = VariantRow {
            product_id,
            position,
            variant,
            image_id,
        };
        if let (Some(id), Saying::Everything) = (id, saying) {
            row.clear_unsaid(transaction, id)?;
        }
        match id {
            Some(id) => row.update(transaction, id)?,
            None => row.insert(transaction)?,
        }
    }
    Ok(())
}

fn existing_variants(
    transaction: &mut Transaction,
    product_id: i64,
) -> Result<Vec<ExistingVariant>, PostgresError> {
    let rows = transaction.query(
        "SELECT id, sku, option1, option2, option3 FROM variant
         WHERE product_id = $1 ORDER BY position",
        &[(&product_id, Type::INT8)],
    )?;
    let mut existing = Vec::with_capacity(rows.len());
    for row in &rows {
        let values: [Option<String>; 3] = [row.try_get(2)?, row.try_get(3)?, row.try_get(4)?];
        existing.push(ExistingVariant {
            id: row.try_get(0)?,
            sku: row.try_get(1)?,
            option_values: values.into_iter().flatten().collect(),
        });
    }
    Ok(existing)
}

/// A deleted product keeps its variants for the day it comes back, but not their skus against a product that is sold.
fn free_skus_of_deleted_products(
    transaction: &mut Transaction,
    product_id: i64,
    variants: &[VariantInput],
) -> Result<(), PostgresError> {
    let skus: Vec<&str> = variants
        .iter()
        .filter_map(|variant| variant.sku.as_deref())
        .collect();
    if !skus.is_empty() {
        transaction.execute(
            "UPDATE variant SET sku = NULL
             FROM product p
             WHERE variant.sku = ANY ($1) AND variant.product_id <> $2
                 AND p.id = variant.product_id AND p.deleted_at IS NOT NULL",
            &[(&skus, Type::TEXT_ARRAY), (&product_id, Type::INT8)],
        )?;
    }
    Ok(())
}

fn image_ids(
    transaction: &mut Transaction,
    product_id: i64,
    variants: &[VariantInput],
) -> Result<Vec<i64>, PostgresError> {
    if variants.iter().all(|variant| variant.image.is_none()) {
        return Ok(Vec::new());
    }
    let rows = transaction.query(
        "SELECT id FROM image WHERE product_id = $1 ORDER BY position",
        &[(&product_id, Type::INT8)],
    )?;
    let ids = rows.iter().map(|row| Ok(row.try_get(0)?));
    ids.collect()
}

/// One variant on its way into the table.
struct VariantRow<'a> {
    product_id: i64,
    position: usize,
    variant: &'a VariantInput,
    image_id: Option<i64>,
}

impl VariantRow<'_> {
    fn wrong(&self) -> WrongVariant {
        WrongVariant {
            position: self.position,
        }
    }

    fn insert(&self, transaction: &mut Transaction) -> Result<(), PutError> {
        let variant = self.variant;
        if variant.price.is_none() {
            return Err(self.wrong().unpriced());
        }
        let said = SaidOfVariant::new(variant, self.position, self.image_id);
        let mut parameters = said.parameters();
        parameters.extend([
            (&variant.id as _, Type::INT8),
            (&self.product_id as _, Type::INT8),
            (&variant.on_hand as _, Type::INT8),
        ]);
        let row = self.written(transaction, |transaction| {
            transaction.query_one(INSERT_VARIANT, &parameters)
        })?;
        let id: i64 = row.try_get(0).map_err(PostgresError::from)?;
        transaction.execute(
            "INSERT INTO inventory (variant_id, on_hand, reserved, low_stock_at)
             VALUES ($1, coalesce($2, 0), coalesce($3, 0), coalesce($4, 5))",
            &[
                (&id, Type::INT8),
                (&variant.on_hand, Type::INT8),
                (&variant.reserved, Type::INT8),
                (&variant.low_stock_at, Type::INT8),
            ],
        )?;
        Ok(())
    }

    fn update(&self, transaction: &mut Transaction, id: i64) -> Result<(), PutError> {
        let variant = self.variant;
        let said = SaidOfVariant::new(variant, self.position, self.image_id);
        let mut parameters = said.parameters();
        let (compare_at_said, cost_said, weight_said) = (
            variant.compare_at_minor.is_some(),
            variant.cost_minor.is_some(),
            variant.weight_g.is_some(),
        );
        parameters.extend([
            (&id as _, Type::INT8),
            (&compare_at_said as _, Type::BOOL),
            (&cost_said as _, Type::BOOL),
            (&weight_said as _, Type::BOOL),
        ]);
        self.written(transaction, |transaction| {
            transaction.execute(UPDATE_VARIANT, &parameters)
        })?;
        transaction.execute(
            UPDATE_INVENTORY,
            &[
                (&id, Type::INT8),
                (&variant.on_hand, Type::INT8),
                (&variant.reserved, Type::INT8),
                (&variant.low_stock_at, Type::INT8),
            ],
        )?;
        Ok(())
    }

    /// Takes away what [`VariantRow::update`] would keep.
    fn clear_unsaid(&self, transaction: &mut Transaction, id: i64) -> Result<(), PostgresError> {
        for (is_said, clear) in [
            (
                self.variant.sku.is_some(),
                "UPDATE variant SET sku = NULL WHERE id = $1 AND sku IS NOT NULL",
            ),
            (
                self.variant.image.is_some(),
                "UPDATE variant SET image_id = NULL WHERE id = $1 AND image_id IS NOT NULL",
            ),
        ] {
            if !is_said {
                transaction.execute(clear, &[(&id, Type::INT8)])?;
            }
        }
        Ok(())
    }

    /// Writes, and turns a broken rule of uniqueness into words a shop understands.
    fn written<T>(
        &self,
        transaction: &mut Transaction,
        write: impl FnOnce(&mut Transaction) -> Result<T, PostgresError>,
    ) -> Result<T, PutError> {
        // A failed statement takes the transaction with it, but for what comes after a savepoint, and the owner is
        // asked for in it.
        transaction.batch("SAVEPOINT variant")?;
        match write(transaction) {
            Ok(written) => {
                transaction.batch("RELEASE variant")?;
                Ok(written)
            }
            Err(error) if is_unique_violation(&error) => {
                transaction.batch("ROLLBACK TO variant; RELEASE variant")?;
                self.explain(transaction, error)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn explain<T>(
        &self,
        transaction: &mut Transaction,
        error: PostgresError,
    ) -> Result<T, PutError> {
        let mut owner = |sql: &str, parameters: crate::db::postgres::Parameters<'_>| {
            let row = transaction.query_opt(sql, parameters)?;
            Ok::<Option<String>, PostgresError>(row.map(|row| row.try_get(0)).transpose()?)
        };
        let sku = self.variant.sku.as_ref();
        if let Some(sku) = sku
            && let Some(handle) = owner(
                "SELECT p.handle FROM variant v JOIN product p ON p.id = v.product_id
                 WHERE v.sku = $1 AND p.deleted_at IS NULL",
                &[(sku, Type::TEXT)],
            )?
        {
            transaction.explained();
            return Err(self.wrong().sku_taken(sku, &handle));
        }
        if let Some(id) = self.variant.id
            && let Some(handle) = owner(
                "SELECT p.handle FROM variant v JOIN product p ON p.id = v.product_id
                 WHERE v.id = $1 AND p.deleted_at IS NULL",
                &[(&id, Type::INT8)],
            )?
        {
            transaction.explained();
            return Err(self.wrong().id_taken(id, &handle));
        }
        Err(error.into())
    }
}
