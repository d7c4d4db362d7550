//! What hangs on products: their images, variants and reviews, written only where they differ.

use std::collections::HashMap;

use super::known::Placed;
use super::put::numbers;
use super::read_back;
use super::rows::{self, NewRows};
use super::said::{SaidOfImages, SaidOfVariant, SaidOfVariants};
use crate::db::postgres::{PostgresError, Transaction, Type};
use crate::products::put::{Saying, same_reviews};

const PUT_IMAGES: &str = include_str!("../../../sql/postgres/queries/put_images.sql");
const UPDATE_VARIANTS: &str = include_str!("../../../sql/postgres/queries/update_variants.sql");
const UPDATE_INVENTORY: &str = include_str!("../../../sql/postgres/queries/update_inventory.sql");

/// Writes the lists that are said, and before them the rows of the products that are `new`. `ids` are those of the
/// products.
pub(super) fn write(
    transaction: &mut Transaction,
    placed: &[Placed<'_>],
    ids: &[i64],
    saying: Saying,
    mut new: NewRows,
) -> Result<(), PostgresError> {
    let images = write_images(transaction, placed, ids, &mut new)?;
    write_variants(transaction, placed, ids, saying, &images, &mut new)?;
    write_reviews(transaction, placed, ids, &mut new)?;
    transaction.copy_in(rows::COPY_PRODUCTS, new.products)?;
    transaction.copy_in(rows::COPY_IMAGES, new.images)?;
    transaction.copy_in(rows::COPY_VARIANTS, new.variants)?;
    transaction.copy_in(rows::COPY_INVENTORY, new.inventory)?;
    transaction.copy_in(rows::COPY_REVIEWS, new.reviews)?;
    Ok(())
}

/// Returns the ids of the images that variants may name, by product.
fn write_images(
    transaction: &mut Transaction,
    placed: &[Placed<'_>],
    ids: &[i64],
    new: &mut NewRows,
) -> Result<HashMap<i64, Vec<i64>>, PostgresError> {
    let said = SaidOfImages::new(placed);
    if !said.is_empty() {
        transaction.execute(PUT_IMAGES, &said.columns())?;
        transaction.execute(
            "DELETE FROM image
             USING unnest($1, $2) AS said (product_id, count)
             WHERE image.product_id = said.product_id AND image.position >= said.count",
            &said.counts(),
        )?;
    }
    let of_new = || placed.iter().zip(ids).filter(|(it, _)| it.id.is_none());
    let unnumbered = of_new().flat_map(|(it, _)| it.product.images.iter().flatten());
    let mut numbers = numbers(transaction, "image_id_seq", unnumbered.map(|_| None))?.into_iter();
    let mut by_product: HashMap<i64, Vec<i64>> = HashMap::new();
    for (it, product_id) in of_new() {
        let images = it.product.images.iter().flatten();
        for ((position, image), id) in (0..).zip(images).zip(numbers.by_ref()) {
            new.image(id, *product_id, position, image)?;
            by_product.entry(*product_id).or_default().push(id);
        }
    }
    let with_pictures = placed.iter().filter(|it| {
        let mut variants = it.variants().iter();
        variants.any(|variant| variant.image.is_some())
    });
    let existing: Vec<i64> = with_pictures.filter_map(|it| it.id).collect();
    if !existing.is_empty() {
        let rows = transaction.query(
            "SELECT product_id, id FROM image WHERE product_id = ANY ($1)
             ORDER BY product_id, position",
            &[(&existing, Type::INT8_ARRAY)],
        )?;
        for row in rows {
            let of_product = by_product.entry(row.try_get(0)?).or_default();
            of_product.push(row.try_get(1)?);
        }
    }
    Ok(by_product)
}

fn write_variants(
    transaction: &mut Transaction,
    placed: &[Placed<'_>],
    ids: &[i64],
    saying: Saying,
    images: &HashMap<i64, Vec<i64>>,
    new: &mut NewRows,
) -> Result<(), PostgresError> {
    // Removed first: a new variant may claim the sku of one that goes.
    let gone: Vec<i64> = placed.iter().flat_map(|it| it.gone.clone()).collect();
    if !gone.is_empty() {
        transaction.execute(
            "DELETE FROM variant WHERE id = ANY ($1)",
            &[(&gone, Type::INT8_ARRAY)],
        )?;
    }
    let is_new = |(_, row): &(_, &Option<i64>)| row.is_none();
    let said = placed.iter().flat_map(|it| {
        let variants = it.variants().iter().zip(&it.variant_ids);
        variants.filter(is_new).map(|(variant, _)| variant.id)
    });
    let mut numbers = numbers(transaction, "variant_id_seq", said)?.into_iter();
    let mut existing = Vec::new();
    for (it, product_id) in placed.iter().zip(ids) {
        let images = images.get(product_id).map_or(&[][..], Vec::as_slice);
        let variants = it.variants().iter().zip(&it.variant_ids);
        for (position, (variant, row)) in (0..).zip(variants) {
            let image_id = variant.image.and_then(|index| images.get(index).copied());
            if let Some(id) = *row {
                existing.push(SaidOfVariant {
                    id,
                    position,
                    image_id,
                    variant,
                });
            } else {
                let id = numbers.next().ok_or(PostgresError::Closed)?;
                new.variant(id, *product_id, position, image_id, variant)?;
            }
        }
    }
    if !existing.is_empty() {
        let said = SaidOfVariants::new(saying == Saying::Everything, &existing);
        transaction.execute(UPDATE_VARIANTS, &said.columns())?;
        transaction.execute(UPDATE_INVENTORY, &said.stock())?;
    }
    Ok(())
}

fn write_reviews(
    transaction: &mut Transaction,
    placed: &[Placed<'_>],
    ids: &[i64],
    new: &mut NewRows,
) -> Result<(), PostgresError> {
    let said = || {
        let said = placed.iter().zip(ids);
        said.filter_map(|(it, id)| Some((it, *id, it.product.reviews.as_ref()?)))
    };
    let existing: Vec<i64> = said().filter_map(|(it, ..)| it.id).collect();
    let stored = if existing.is_empty() {
        HashMap::new()
    } else {
        transaction.on(async |connection| read_back::reviews(connection, &existing).await)?
    };
    let mut other = Vec::new();
    for (it, id, reviews) in said() {
        let stored = stored.get(&id).map_or(&[][..], Vec::as_slice);
        if it.id.is_some() {
            if same_reviews(stored, reviews) {
                continue;
            }
            other.push(id);
        }
        for review in reviews {
            new.review(id, review)?;
        }
    }
    if !other.is_empty() {
        transaction.execute(
            "DELETE FROM review WHERE product_id = ANY ($1)",
            &[(&other, Type::INT8_ARRAY)],
        )?;
    }
    Ok(())
}
