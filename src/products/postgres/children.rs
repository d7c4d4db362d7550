//! What hangs on a product: its images, variants and reviews, written only where they differ.

use super::{read_back, variants};
use crate::db::postgres::{PostgresError, Transaction, Type};
use crate::products::input::{ImageInput, ProductInput, ReviewInput};
use crate::products::put::{Saying, same_reviews};
use crate::products::store::PutError;

const PUT_IMAGES: &str = include_str!("../../../sql/postgres/queries/put_images.sql");
const INSERT_REVIEWS: &str = include_str!("../../../sql/postgres/queries/insert_reviews.sql");

/// Writes the lists the input says something about. `is_new` spares a new product the look for old rows.
pub(super) fn put(
    transaction: &mut Transaction,
    product_id: i64,
    is_new: bool,
    saying: Saying,
    product: &ProductInput,
) -> Result<(), PutError> {
    if let Some(images) = &product.images {
        put_images(transaction, product_id, is_new, images)?;
    }
    if let Some(variants) = &product.variants {
        variants::put(transaction, product_id, is_new, saying, variants)?;
    }
    if let Some(reviews) = &product.reviews {
        put_reviews(transaction, product_id, is_new, reviews)?;
    }
    Ok(())
}

fn put_images(
    transaction: &mut Transaction,
    product_id: i64,
    is_new: bool,
    images: &[ImageInput],
) -> Result<(), PostgresError> {
    let count = i64::try_from(images.len()).unwrap_or(i64::MAX);
    if !images.is_empty() {
        let positions: Vec<i64> = (0..count).collect();
        let urls: Vec<&str> = images.iter().map(|image| image.url.as_str()).collect();
        let alts: Vec<&str> = images.iter().map(|image| image.alt.as_str()).collect();
        let widths: Vec<Option<i64>> = images.iter().map(|image| image.width).collect();
        let heights: Vec<Option<i64>> = images.iter().map(|image| image.height).collect();
        transaction.execute(
            PUT_IMAGES,
            &[
                (&product_id, Type::INT8),
                (&positions, Type::INT8_ARRAY),
                (&urls, Type::TEXT_ARRAY),
                (&alts, Type::TEXT_ARRAY),
                (&widths, Type::INT8_ARRAY),
                (&heights, Type::INT8_ARRAY),
            ],
        )?;
    }
    if !is_new {
        transaction.execute(
            "DELETE FROM image WHERE product_id = $1 AND position >= $2",
            &[(&product_id, Type::INT8), (&count, Type::INT8)],
        )?;
    }
    Ok(())
}

fn put_reviews(
    transaction: &mut Transaction,
    product_id: i64,
    is_new: bool,
    reviews: &[ReviewInput],
) -> Result<(), PutError> {
    if !is_new {
        let stored = transaction.on(async |connection| {
            let mut of = read_back::reviews(connection, &[product_id]).await;
            if let Ok(of) = &mut of {
                return Ok(Ok(of.remove(&product_id).unwrap_or_default()));
            }
            Ok(of.map(|_| Vec::new()))
        })??;
        if same_reviews(&stored, reviews) {
            return Ok(());
        }
        transaction.execute(
            "DELETE FROM review WHERE product_id = $1",
            &[(&product_id, Type::INT8)],
        )?;
    }
    if reviews.is_empty() {
        return Ok(());
    }
    let ratings: Vec<i64> = reviews.iter().map(|review| review.rating).collect();
    let texts =
        |text: fn(&ReviewInput) -> &str| -> Vec<&str> { reviews.iter().map(text).collect() };
    let times: Vec<Option<&str>> = reviews
        .iter()
        .map(|review| review.created_at.as_deref())
        .collect();
    transaction.execute(
        INSERT_REVIEWS,
        &[
            (&product_id, Type::INT8),
            (&ratings, Type::INT8_ARRAY),
            (&texts(|review| &review.title), Type::TEXT_ARRAY),
            (&texts(|review| &review.body), Type::TEXT_ARRAY),
            (&texts(|review| &review.author), Type::TEXT_ARRAY),
            (&texts(|review| &review.status), Type::TEXT_ARRAY),
            (&times, Type::TEXT_ARRAY),
        ],
    )?;
    Ok(())
}
