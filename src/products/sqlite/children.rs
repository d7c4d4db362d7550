//! Images, variants with their stock, and reviews of one product: written only where they differ.

use rusqlite::{Connection, ErrorCode, OptionalExtension, named_params, params};

use super::read_back;
use super::write::policy_word;
use crate::products::input::{ImageInput, ProductInput, ReviewInput, VariantInput};
use crate::products::store::PutError;

const INSERT_VARIANT: &str = include_str!("../../../sql/sqlite/queries/insert_variant.sql");
const UPDATE_VARIANT: &str = include_str!("../../../sql/sqlite/queries/update_variant.sql");

/// Writes the lists the input says something about. `is_new` spares a new product the look for old rows.
pub(super) fn put(
    connection: &Connection,
    product_id: i64,
    is_new: bool,
    product: &ProductInput,
) -> Result<(), PutError> {
    if let Some(images) = &product.images {
        put_images(connection, product_id, is_new, images)?;
    }
    if let Some(variants) = &product.variants {
        put_variants(connection, product_id, is_new, variants)?;
    }
    if let Some(reviews) = &product.reviews {
        put_reviews(connection, product_id, is_new, reviews)?;
    }
    Ok(())
}

fn put_images(
    connection: &Connection,
    product_id: i64,
    is_new: bool,
    images: &[ImageInput],
) -> rusqlite::Result<()> {
    let kept = if is_new {
        0
    } else {
        let mut update = connection.prepare_cached(
            "UPDATE image SET url = ?3, alt = ?4, width = ?5, height = ?6
             WHERE product_id = ?1 AND position = ?2
               AND (url, alt, width, height) IS NOT (?3, ?4, ?5, ?6)",
        )?;
        let count = connection
            .prepare_cached("SELECT count(*) FROM image WHERE product_id = ?1")?
            .query_row([product_id], |row| row.get::<_, i64>(0))?;
        for (position, image) in (0..count).zip(images) {
            update.execute(params![
                product_id,
                position,
                image.url,
                image.alt,
                image.width,
                image.height
            ])?;
        }
        connection
            .prepare_cached("DELETE FROM image WHERE product_id = ?1 AND position >= ?2")?
            .execute(params![product_id, images.len()])?;
        count
    };
    let mut insert = connection.prepare_cached(
        "INSERT INTO image (product_id, position, url, alt, width, height)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (position, image) in (0_i64..).zip(images).filter(|(p, _)| *p >= kept) {
        insert.execute(params![
            product_id,
            position,
            image.url,
            image.alt,
            image.width,
            image.height
        ])?;
    }
    Ok(())
}

/// A variant the product has already.
struct Existing {
    id: i64,
    sku: Option<String>,
    option_values: Vec<String>,
}

fn put_variants(
    connection: &Connection,
    product_id: i64,
    is_new: bool,
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
    for (position, (variant, id)) in variants.iter().zip(ids).enumerate() {
        let image_id = variant.image.and_then(|index| images.get(index).copied());
        let row = VariantRow {
            connection,
            product_id,
            position,
            variant,
            image_id,
        };
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

fn existing_variants(connection: &Connection, product_id: i64) -> rusqlite::Result<Vec<Existing>> {
    connection
        .prepare_cached(
            "SELECT id, sku, option1, option2, option3 FROM variant
             WHERE product_id = ?1 ORDER BY position",
        )?
        .query_map([product_id], |row| {
            let values: [Option<String>; 3] = [row.get(2)?, row.get(3)?, row.get(4)?];
            Ok(Existing {
                id: row.get(0)?,
                sku: row.get(1)?,
                option_values: values.into_iter().flatten().collect(),
            })
        })?
        .collect()
}

/// Finds for each variant of the input the row it describes: by sku, else by option values. What it
/// takes is removed from `existing`.
fn match_variants(existing: &mut Vec<Existing>, variants: &[VariantInput]) -> Vec<Option<i64>> {
    let mut ids: Vec<Option<i64>> = vec![None; variants.len()];
    let mut take = |id: &mut Option<i64>, same: &dyn Fn(&Existing) -> bool| {
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
    position: usize,
    variant: &'a VariantInput,
    image_id: Option<i64>,
}

impl VariantRow<'_> {
    fn option(&self, index: usize) -> Option<&str> {
        self.variant.option_values.get(index).map(String::as_str)
    }

    fn path(&self, field: &str) -> String {
        format!("variants[{}].{field}", self.position)
    }

    fn insert(&self) -> Result<(), PutError> {
        let variant = self.variant;
        let Some(price) = variant.price else {
            return Err(PutError::Conflict {
                field: self.path("price"),
                value: String::new(),
                reason: "a new variant needs a price".to_owned(),
            });
        };
        self.connection
            .prepare_cached(INSERT_VARIANT)?
            .execute(named_params! {
                ":id": variant.id,
                ":product_id": self.product_id,
                ":position": self.position,
                ":sku": variant.sku,
                ":barcode": variant.barcode,
                ":mpn": variant.mpn,
                ":condition": variant.condition,
                ":option1": self.option(0),
                ":option2": self.option(1),
                ":option3": self.option(2),
                ":price_minor": price.minor,
                ":compare_at_minor": variant.compare_at_minor.flatten(),
                ":cost_minor": variant.cost_minor.flatten(),
                ":currency": price.currency.code(),
                ":weight_g": variant.weight_g.flatten(),
                ":requires_shipping": variant.requires_shipping,
                ":taxable": variant.taxable,
                ":tax_code": variant.tax_code,
                ":inventory_tracked": variant.inventory_tracked,
                ":inventory_policy": policy_word(variant.inventory_policy),
                ":on_hand": variant.on_hand,
                ":image_id": self.image_id,
            })
            .map_err(|error| self.explain(error))?;
        let id = self.connection.last_insert_rowid();
        self.connection
            .prepare_cached(
                "INSERT INTO inventory (variant_id, on_hand, reserved, low_stock_at)
                 VALUES (?1, coalesce(?2, 0), coalesce(?3, 0), coalesce(?4, 5))",
            )?
            .execute(params![
                id,
                variant.on_hand,
                variant.reserved,
                variant.low_stock_at
            ])?;
        Ok(())
    }

    fn update(&self, id: i64) -> Result<(), PutError> {
        let variant = self.variant;
        self.connection
            .prepare_cached(UPDATE_VARIANT)?
            .execute(named_params! {
                ":id": id,
                ":position": self.position,
                ":sku": variant.sku,
                ":barcode": variant.barcode,
                ":mpn": variant.mpn,
                ":condition": variant.condition,
                ":option1": self.option(0),
                ":option2": self.option(1),
                ":option3": self.option(2),
                ":price_minor": variant.price.map(|price| price.minor),
                ":compare_at_said": variant.compare_at_minor.is_some(),
                ":compare_at_minor": variant.compare_at_minor.flatten(),
                ":cost_said": variant.cost_minor.is_some(),
                ":cost_minor": variant.cost_minor.flatten(),
                ":currency": variant.price.map(|price| price.currency.code().to_owned()),
                ":weight_said": variant.weight_g.is_some(),
                ":weight_g": variant.weight_g.flatten(),
                ":requires_shipping": variant.requires_shipping,
                ":taxable": variant.taxable,
                ":tax_code": variant.tax_code,
                ":inventory_tracked": variant.inventory_tracked,
                ":inventory_policy": policy_word(variant.inventory_policy),
                ":image_id": self.image_id,
            })
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
            return PutError::Conflict {
                field: self.path("sku"),
                value: sku.clone(),
                reason: format!("belongs to product {handle:?}; a sku is unique in the catalogue"),
            };
        }
        if let Some(id) = self.variant.id.filter(|_| unique)
            && let Some(handle) = owner("id", &id)
        {
            return PutError::Conflict {
                field: self.path("id"),
                value: id.to_string(),
                reason: format!("belongs to product {handle:?}; leave it out to get a new one"),
            };
        }
        error.into()
    }

    /// A deleted product keeps its variants for the day it comes back, but not their skus against a
    /// product that is sold. Returns whether one was freed.
    fn free_sku_of_deleted_product(&self) -> rusqlite::Result<bool> {
        let freed = self
            .connection
            .prepare_cached(
                "UPDATE variant SET sku = NULL WHERE sku = ?1 AND product_id IN (
                     SELECT id FROM product WHERE deleted_at IS NOT NULL)",
            )?
            .execute([&self.variant.sku])?;
        Ok(freed > 0)
    }
}

fn put_reviews(
    connection: &Connection,
    product_id: i64,
    is_new: bool,
    reviews: &[ReviewInput],
) -> rusqlite::Result<()> {
    if !is_new {
        if same_reviews(&read_back::reviews(connection, product_id)?, reviews) {
            return Ok(());
        }
        connection
            .prepare_cached("DELETE FROM review WHERE product_id = ?1")?
            .execute([product_id])?;
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO review (product_id, rating, title, body, author, status, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, coalesce(?7, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')))",
    )?;
    for review in reviews {
        insert.execute(params![
            product_id,
            review.rating,
            review.title,
            review.body,
            review.author,
            review.status,
            review.created_at
        ])?;
    }
    Ok(())
}

/// A review without a time is the same whatever time the stored one has.
fn same_reviews(stored: &[ReviewInput], said: &[ReviewInput]) -> bool {
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
