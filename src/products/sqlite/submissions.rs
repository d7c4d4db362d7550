//! Reviews that customers sent.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::reviews::is_public;
use super::versions::settle_if_changed;
use crate::products::reviews::{NewReview, ReviewStatus, Submission, Submitted};

const COLUMNS: &str = "id, product_id, rating, title, body, author, status, reason, created_at";

fn submission(row: &Row<'_>) -> rusqlite::Result<Submission> {
    let status = ReviewStatus::parse(row.get_ref(6)?.as_str()?);
    Ok(Submission {
        id: row.get(0)?,
        product_id: row.get(1)?,
        rating: row.get(2)?,
        title: row.get(3)?,
        body: row.get(4)?,
        author: row.get(5)?,
        status: status.ok_or(rusqlite::Error::InvalidQuery)?,
        reason: row.get(7)?,
        created_at: row.get(8)?,
    })
}

pub(super) fn find(connection: &Connection, id: i64) -> rusqlite::Result<Option<Submission>> {
    let sql = format!("SELECT {COLUMNS} FROM review_submission WHERE id = ?1");
    connection
        .prepare_cached(&sql)?
        .query_row([id], submission)
        .optional()
}

/// Those that wait for a person.
pub(super) fn held(connection: &Connection, limit: usize) -> rusqlite::Result<Vec<Submission>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM review_submission WHERE status = 'held' ORDER BY id LIMIT ?1"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_map([limit], submission)?.collect()
}

pub(super) fn submit(
    connection: &Connection,
    product_id: i64,
    review: &NewReview,
    customer: [u8; 32],
) -> rusqlite::Result<Submitted> {
    if !is_public(connection, product_id)? {
        return Ok(Submitted::NoProduct);
    }
    let id = connection
        .prepare_cached(
            "INSERT INTO review_submission (product_id, rating, title, body, author, customer)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (product_id, customer) WHERE status <> 'rejected' DO NOTHING
             RETURNING id",
        )?
        .query_row(
            params![
                product_id,
                review.rating,
                review.title,
                review.body,
                review.author,
                customer
            ],
            |row| row.get(0),
        )
        .optional()?;
    Ok(id.map_or(Submitted::SentBefore, Submitted::Accepted))
}

/// Decides on one that is pending or held.
pub(super) fn decide(
    connection: &Connection,
    submission: &Submission,
    status: ReviewStatus,
    reason: Option<&str>,
) -> rusqlite::Result<()> {
    let decided = connection
        .prepare_cached(
            "UPDATE review_submission SET status = ?2, reason = ?3
             WHERE id = ?1 AND status IN ('pending', 'held')",
        )?
        .execute(params![submission.id, status.as_str(), reason])?;
    if decided == 0 || status != ReviewStatus::Published {
        return Ok(());
    }
    connection
        .prepare_cached(
            "INSERT INTO review (product_id, rating, title, body, author, status)
             SELECT product_id, rating, title, body, author, 'published' FROM review_submission WHERE id = ?1",
        )?
        .execute([submission.id])?;
    Ok(())
}

/// Adds to the rating what it does not have yet, and settles.
pub(super) fn count(connection: &Connection, product_id: i64) -> rusqlite::Result<bool> {
    let (sum, count): (i64, i64) = connection
        .prepare_cached(
            "SELECT coalesce(sum(rating), 0), count(*) FROM review_submission
             WHERE product_id = ?1 AND status = 'published' AND is_counted = 0",
        )?
        .query_row([product_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if count == 0 {
        return Ok(false);
    }
    connection
        .prepare_cached(
            "UPDATE review_submission SET is_counted = 1
             WHERE product_id = ?1 AND status = 'published' AND is_counted = 0",
        )?
        .execute([product_id])?;
    connection
        .prepare_cached(
            "UPDATE product SET rating_sum = rating_sum + ?2, rating_count = rating_count + ?3 WHERE id = ?1",
        )?
        .execute(params![product_id, sum, count])?;
    settle_if_changed(connection)?;
    Ok(true)
}
