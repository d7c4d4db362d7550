//! The variants of one product with their stock, written only where they differ.

use rusqlite::{Connection, ErrorCode, OptionalExtension, ToSql, named_params, params};

use super::rows::{self, INSERT_INVENTORY, INSERT_VARIANT};
use crate::products::input::{InventoryPolicy, VariantInput};
use crate::products::put::{ExistingVariant, Saying, WrongVariant, match_variants};
use crate::products::store::PutError;

const FREE_SKU: &str = include_str!("../../../sql/sqlite/queries/free_sku.sql");
const UPDATE_VARIANT: &str = include_str!("../../../sql/sqlite/queries/update_variant.sql");

/// Writes the whole list: variants not named are removed.
pub(super) fn put(
    connection: &Connection,
    product_id: i64,
    is_new: bool,
    saying: Saying,
    variants: &[VariantInput],
) -> Result<(), PutError> {
    let mut existing = if is_new {
        Vec::new()
    } else {
        existing_variants(connection, product_id)?
    };
    let ids = match_variants(&mut existing, variants);
    // Removed first: a new variant may claim the sku of one that goes.
    let mut delete = connection.prepare_cached("DELETE FROM variant WHERE id = ?1")?;
    for leftover in existing {
        delete.execute([leftover.id])?;
    }
    let images = image_ids(connection, product_id, variants)?;
    for (position, (variant, id)) in (0..).zip(variants.iter().zip(ids)) {
        let image_id = variant.image.and_then(|index| images.get(index).copied());
        let row = VariantRow {
            connection,
            product_id,
            position,
            variant,
            image_id,
        };
        if let (Some(id), Saying::Everything) = (id, saying) {
            row.clear_unsaid(id)?;
        }
        let written = match id {
            Some(id) => row.update(id),
            None => row.insert(),
        };
        match written {
            Err(PutError::Store(_)) if row.free_sku_of_deleted_product()? => match id {
                Some(id) => row.update(id)?,
                None => row.insert()?,
            },
            other => other?,
        }
    }
    Ok(())
}

fn existing_variants(
    connection: &Connection,
    product_id: i64,
) -> rusqlite::Result<Vec<ExistingVariant>> {
    connection
        .prepare_cached(
            "SELECT id, sku, option1, option2, option3 FROM variant
             WHERE product_id = ?1 ORDER BY position",
        )?
        .query_map([product_id], |row| {
            let values: [Option<String>; 3] = [row.get(2)?, row.get(3)?, row.get(4)?];
            Ok(ExistingVariant {
                id: row.get(0)?,
                sku: row.get(1)?,
                option_values: values.into_iter().flatten().collect(),
            })
        })?
        .collect()
}

fn image_ids(
    connection: &Connection,
    product_id: i64,
    variants: &[VariantInput],
) -> rusqlite::Result<Vec<i64>> {
    if variants.iter().all(|variant| variant.image.is_none()) {
        return Ok(Vec::new());
    }
    connection
        .prepare_cached("SELECT id FROM image WHERE product_id = ?1 ORDER BY position")?
        .query_map([product_id], |row| row.get(0))?
        .collect()
}

/// One variant on its way into the table.
struct VariantRow<'a> {
    connection: &'a Connection,
    product_id: i64,
    position: i64,
    variant: &'a VariantInput,
    image_id: Option<i64>,
}

impl VariantRow<'_> {
    fn wrong(&self) -> WrongVariant {
        WrongVariant {
            position: usize::try_from(self.position).unwrap_or_default(),
        }
    }

    fn insert(&self) -> Result<(), PutError> {
        let variant = self.variant;
        if variant.price.is_none() {
            return Err(self.wrong().unpriced());
        }
        let row = rows::variant(
            variant.id,
            self.product_id,
            self.position,
            self.image_id,
            variant,
        );
        rows::execute(self.connection, INSERT_VARIANT, &row)
            .map_err(|error| self.explain(error))?;
        let id = self.connection.last_insert_rowid();
        let row = rows::inventory(id, variant);
        Ok(rows::execute(self.connection, INSERT_INVENTORY, &row)?)
    }

    fn update(&self, id: i64) -> Result<(), PutError> {
        let variant = self.variant;
        let said = SaidOfVariant::new(self);
        let mut parameters = said.parameters();
        let (compare_at_said, cost_said, weight_said) = (
            variant.compare_at_minor.is_some(),
            variant.cost_minor.is_some(),
            variant.weight_g.is_some(),
        );
        parameters.extend(named_params! {
            ":id": id,
            ":compare_at_said": compare_at_said,
            ":cost_said": cost_said,
            ":weight_said": weight_said,
        });
        self.connection
            .prepare_cached(UPDATE_VARIANT)?
            .execute(&*parameters)
            .map_err(|error| self.explain(error))?;
        self.connection
            .prepare_cached(
                "UPDATE inventory SET
                     on_hand = coalesce(?2, on_hand),
                     reserved = coalesce(?3, reserved),
                     low_stock_at = coalesce(?4, low_stock_at)
                 WHERE variant_id = ?1 AND (on_hand, reserved, low_stock_at) IS NOT
                     (coalesce(?2, on_hand), coalesce(?3, reserved), coalesce(?4, low_stock_at))",
            )?
            .execute(params![
                id,
                variant.on_hand,
                variant.reserved,
                variant.low_stock_at
            ])?;
        Ok(())
    }

    /// Takes away what [`VariantRow::update`] would keep.
    fn clear_unsaid(&self, id: i64) -> rusqlite::Result<()> {
        for (is_said, clear) in [
            (
                self.variant.sku.is_some(),
                "UPDATE variant SET sku = NULL WHERE id = ?1 AND sku IS NOT NULL",
            ),
            (
                self.variant.image.is_some(),
                "UPDATE variant SET image_id = NULL WHERE id = ?1 AND image_id IS NOT NULL",
            ),
        ] {
            if !is_said {
                self.connection.prepare_cached(clear)?.execute([id])?;
            }
        }
        Ok(())
    }

    /// Turns a broken uniqueness rule into words a shop understands.
    fn explain(&self, error: rusqlite::Error) -> PutError {
        let unique = error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation);
        let owner = |column: &str, key: &dyn rusqlite::ToSql| -> Option<String> {
            let sql = format!(
                "SELECT p.handle FROM variant v JOIN product p ON p.id = v.product_id
                 WHERE v.{column} = ?1 AND p.deleted_at IS NULL"
            );
            let found = self.connection.query_row(&sql, [key], |row| row.get(0));
            found.optional().ok().flatten()
        };
        if let Some(sku) = self.variant.sku.as_ref().filter(|_| unique)
            && let Some(handle) = owner("sku", sku)
        {
            return self.wrong().sku_taken(sku, &handle);
        }
        if let Some(id) = self.variant.id.filter(|_| unique)
            && let Some(handle) = owner("id", &id)
        {
            return self.wrong().id_taken(id, &handle);
        }
        error.into()
    }

    /// A deleted product keeps its variants for the day it comes back, but not their skus against a
    /// product that is sold. Returns whether one was freed.
    fn free_sku_of_deleted_product(&self) -> rusqlite::Result<bool> {
        let freed = self
            .connection
            .prepare_cached(FREE_SKU)?
            .execute([&self.variant.sku])?;
        Ok(freed > 0)
    }
}

/// What an input says about a variant's own row, as the database keeps it.
struct SaidOfVariant<'a> {
    row: &'a VariantRow<'a>,
    options: [Option<&'a str>; 3],
    price_minor: Option<i64>,
    currency: Option<String>,
    compare_at_minor: Option<i64>,
    cost_minor: Option<i64>,
    weight_g: Option<i64>,
    inventory_policy: Option<&'static str>,
}

impl<'a> SaidOfVariant<'a> {
    fn new(row: &'a VariantRow<'a>) -> Self {
        let variant = row.variant;
        let option = |index: usize| variant.option_values.get(index).map(String::as_str);
        Self {
            row,
            options: [option(0), option(1), option(2)],
            price_minor: variant.price.map(|price| price.minor),
            currency: variant.price.map(|price| price.currency.code().to_owned()),
            compare_at_minor: variant.compare_at_minor.flatten(),
            cost_minor: variant.cost_minor.flatten(),
            weight_g: variant.weight_g.flatten(),
            inventory_policy: variant.inventory_policy.map(InventoryPolicy::as_str),
        }
    }

    /// The parameters of `update_variant.sql` but for what it keeps.
    fn parameters(&self) -> Vec<(&'static str, &dyn ToSql)> {
        let variant = self.row.variant;
        Vec::from(named_params! {
            ":position": self.row.position,
            ":sku": variant.sku,
            ":barcode": variant.barcode,
            ":mpn": variant.mpn,
            ":condition": variant.condition,
            ":option1": self.options[0],
            ":option2": self.options[1],
            ":option3": self.options[2],
            ":price_minor": self.price_minor,
            ":compare_at_minor": self.compare_at_minor,
            ":cost_minor": self.cost_minor,
            ":currency": self.currency,
            ":weight_g": self.weight_g,
            ":requires_shipping": variant.requires_shipping,
            ":taxable": variant.taxable,
            ":tax_code": variant.tax_code,
            ":inventory_tracked": variant.inventory_tracked,
            ":inventory_policy": self.inventory_policy,
            ":image_id": self.row.image_id,
        })
    }
}
