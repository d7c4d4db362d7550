//! What hangs on a product: its images, variants and reviews, written only where they differ.

use rusqlite::{Connection, params};

use super::{read_back, variants};
use crate::products::input::{ImageInput, ProductInput, ReviewInput};
use crate::products::put::{Saying, same_reviews};
use crate::products::store::PutError;

/// Writes the lists the input says something about. `is_new` spares a new product the look for old rows.
pub(super) fn put(
    connection: &Connection,
    product_id: i64,
    is_new: bool,
    saying: Saying,
    product: &ProductInput,
) -> Result<(), PutError> {
    if let Some(images) = &product.images {
        put_images(connection, product_id, is_new, images)?;
    }
    if let Some(variants) = &product.variants {
        variants::put(connection, product_id, is_new, saying, variants)?;
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
    let mut write = connection.prepare_cached(
        "INSERT INTO image (product_id, position, url, alt, width, height)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (product_id, position) DO UPDATE SET
             url = excluded.url, alt = excluded.alt, width = excluded.width, height = excluded.height
         WHERE (url, alt, width, height)
             IS NOT (excluded.url, excluded.alt, excluded.width, excluded.height)",
    )?;
    for (position, image) in images.iter().enumerate() {
        write.execute(params![
            product_id,
            position,
            image.url,
            image.alt,
            image.width,
            image.height
        ])?;
    }
    if !is_new {
        connection
            .prepare_cached("DELETE FROM image WHERE product_id = ?1 AND position >= ?2")?
            .execute(params![product_id, images.len()])?;
    }
    Ok(())
}

pub(super) fn put_reviews(
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
