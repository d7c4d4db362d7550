//! Reviews that customers sent.

use super::public::is_public_in;
use crate::db::postgres::{Connection, PostgresError, Row, Transaction, Type};
use crate::products::reviews::{NewReview, ReviewStatus, Submission, Submitted};

const COLUMNS: &str =
    "id, product_id, rating, title, body, author, status, reason, rfc3339(created_at)";

fn submission(row: &Row) -> Result<Submission, PostgresError> {
    let status: &str = row.try_get(6)?;
    let damaged = || PostgresError::Damaged(format!("status {status:?} of a review"));
    Ok(Submission {
        id: row.try_get(0)?,
        product_id: row.try_get(1)?,
        rating: row.try_get(2)?,
        title: row.try_get(3)?,
        body: row.try_get(4)?,
        author: row.try_get(5)?,
        status: ReviewStatus::parse(status).ok_or_else(damaged)?,
        reason: row.try_get(7)?,
        created_at: row.try_get(8)?,
    })
}

pub(super) async fn find(
    connection: &mut Connection,
    id: i64,
) -> Result<Option<Submission>, PostgresError> {
    let sql = format!("SELECT {COLUMNS} FROM review_submission WHERE id = $1");
    let row = connection.query_opt(&sql, &[(&id, Type::INT8)]).await?;
    row.as_ref().map(submission).transpose()
}

/// Those that wait for a person.
pub(super) async fn held(
    connection: &mut Connection,
    limit: usize,
) -> Result<Vec<Submission>, PostgresError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM review_submission WHERE status = 'held' ORDER BY id LIMIT $1"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = connection.query(&sql, &[(&limit, Type::INT8)]).await?;
    rows.iter().map(submission).collect()
}

/// Locked until the transaction ends.
pub(super) fn lock(
    transaction: &mut Transaction,
    id: i64,
) -> Result<Option<Submission>, PostgresError> {
    let sql = format!("SELECT {COLUMNS} FROM review_submission WHERE id = $1 FOR NO KEY UPDATE");
    let row = transaction.query_opt(&sql, &[(&id, Type::INT8)])?;
    row.as_ref().map(submission).transpose()
}

pub(super) fn submit(
    transaction: &mut Transaction,
    product_id: i64,
    review: &NewReview,
    customer: [u8; 32],
) -> Result<Submitted, PostgresError> {
    if !is_public_in(transaction, product_id)? {
        return Ok(Submitted::NoProduct);
    }
    let customer = &customer[..];
    let row = transaction.query_opt(
        "INSERT INTO review_submission (product_id, rating, title, body, author, customer)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (product_id, customer) WHERE status <> 'rejected' DO NOTHING
         RETURNING id",
        &[
            (&product_id, Type::INT8),
            (&review.rating, Type::INT8),
            (&review.title, Type::TEXT),
            (&review.body, Type::TEXT),
            (&review.author, Type::TEXT),
            (&customer, Type::BYTEA),
        ],
    )?;
    Ok(match row {
        Some(row) => Submitted::Accepted(row.try_get(0)?),
        None => Submitted::SentBefore,
    })
}

/// Decides on one that is pending or held.
pub(super) fn decide(
    transaction: &mut Transaction,
    submission: &Submission,
    status: ReviewStatus,
    reason: Option<&str>,
) -> Result<(), PostgresError> {
    let decided = transaction.execute(
        "UPDATE review_submission SET status = $2, reason = $3
         WHERE id = $1 AND status IN ('pending', 'held')",
        &[
            (&submission.id, Type::INT8),
            (&status.as_str(), Type::TEXT),
            (&reason, Type::TEXT),
        ],
    )?;
    if decided > 0 && status == ReviewStatus::Published {
        transaction.execute(
            "INSERT INTO review (product_id, rating, title, body, author, status)
             SELECT product_id, rating, title, body, author, 'published' FROM review_submission WHERE id = $1",
            &[(&submission.id, Type::INT8)],
        )?;
    }
    Ok(())
}

/// Adds to the rating what it does not have yet. Two that do so at once are one after the other by the row of the product.
pub(super) fn count(transaction: &mut Transaction, product_id: i64) -> Result<bool, PostgresError> {
    let id = &[(&product_id as _, Type::INT8)];
    transaction.query_opt("SELECT 1 FROM product WHERE id = $1 FOR NO KEY UPDATE", id)?;
    let counted = transaction.execute(
        "WITH counted AS (
             UPDATE review_submission SET is_counted = true
             WHERE product_id = $1 AND status = 'published' AND NOT is_counted
             RETURNING rating
         ), added AS (SELECT sum(rating)::bigint AS stars, count(*) AS count FROM counted)
         UPDATE product SET rating_sum = rating_sum + stars, rating_count = rating_count + count
         FROM added WHERE product.id = $1 AND count > 0",
        id,
    )?;
    Ok(counted > 0)
}
