//! Who waits for a product to be there again.

use super::public::is_public_in;
use crate::db::postgres::{Connection, PostgresError, Transaction, Type};
use crate::products::back_in_stock::{SignUp, SignUpStatus, SignedUp, UNCONFIRMED_AT_MOST};

pub(super) async fn find(
    connection: &mut Connection,
    id: i64,
) -> Result<Option<SignUp>, PostgresError> {
    let sql = "SELECT id, product_id, email, status FROM back_in_stock WHERE id = $1";
    let Some(row) = connection.query_opt(sql, &[(&id, Type::INT8)]).await? else {
        return Ok(None);
    };
    let status: &str = row.try_get(3)?;
    let damaged = || PostgresError::Damaged(format!("status {status:?} of a sign-up"));
    Ok(Some(SignUp {
        id: row.try_get(0)?,
        product_id: row.try_get(1)?,
        email: row.try_get(2)?,
        status: SignUpStatus::parse(status).ok_or_else(damaged)?,
    }))
}

pub(super) async fn does_anybody_wait(connection: &mut Connection) -> Result<bool, PostgresError> {
    let sql = "SELECT 1 FROM back_in_stock WHERE status = 'waiting' LIMIT 1";
    Ok(connection.query_opt(sql, &[]).await?.is_some())
}

pub(super) fn sign_up(
    transaction: &mut Transaction,
    product_id: i64,
    email: &str,
    customer: [u8; 32],
) -> Result<SignedUp, PostgresError> {
    if !is_public_in(transaction, product_id)? {
        return Ok(SignedUp::NoProduct);
    }
    let customer = &customer[..];
    let row = transaction.query_opt(
        "INSERT INTO back_in_stock (product_id, email, customer)
         SELECT $1, $2, $3
         WHERE (SELECT count(*) FROM back_in_stock WHERE customer = $3 AND status = 'unconfirmed') < $4
         ON CONFLICT (customer, product_id) DO NOTHING RETURNING id",
        &[
            (&product_id, Type::INT8),
            (&email, Type::TEXT),
            (&customer, Type::BYTEA),
            (&UNCONFIRMED_AT_MOST, Type::INT8),
        ],
    )?;
    Ok(match row {
        Some(row) => SignedUp::Asked(row.try_get(0)?),
        None => SignedUp::AsBefore,
    })
}

pub(super) fn move_on(
    transaction: &mut Transaction,
    id: i64,
    from: SignUpStatus,
    to: SignUpStatus,
) -> Result<Option<i64>, PostgresError> {
    let row = transaction.query_opt(
        "UPDATE back_in_stock SET status = $3 WHERE id = $1 AND status = $2 RETURNING product_id",
        &[
            (&id, Type::INT8),
            (&from.as_str(), Type::TEXT),
            (&to.as_str(), Type::TEXT),
        ],
    )?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

pub(super) fn end(transaction: &mut Transaction, id: i64) -> Result<bool, PostgresError> {
    let ended = transaction.execute(
        "DELETE FROM back_in_stock WHERE id = $1",
        &[(&id, Type::INT8)],
    )?;
    Ok(ended > 0)
}

pub(super) fn awaited(
    transaction: &mut Transaction,
    products: &[i64],
) -> Result<Vec<i64>, PostgresError> {
    let rows = transaction.query(
        "SELECT id FROM unnest($1::bigint[]) AS id
         WHERE EXISTS (SELECT FROM back_in_stock WHERE product_id = id AND status = 'waiting')",
        &[(&products, Type::INT8_ARRAY)],
    )?;
    let ids = rows.iter().map(|row| row.try_get(0));
    Ok(ids.collect::<Result<_, _>>()?)
}

/// Rows that another one has locked are that one's to make due.
pub(super) fn have_due(
    transaction: &mut Transaction,
    product_id: i64,
    limit: usize,
) -> Result<Vec<i64>, PostgresError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = transaction.query(
        "WITH next AS (
             SELECT id FROM back_in_stock WHERE product_id = $1 AND status = 'waiting'
             ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)
         UPDATE back_in_stock SET status = 'due' FROM next WHERE back_in_stock.id = next.id
         RETURNING back_in_stock.id",
        &[(&product_id, Type::INT8), (&limit, Type::INT8)],
    )?;
    let ids = rows.iter().map(|row| row.try_get(0));
    let mut ids: Vec<i64> = ids.collect::<Result<_, _>>()?;
    ids.sort_unstable();
    Ok(ids)
}

pub(super) fn forget_unconfirmed(transaction: &mut Transaction) -> Result<(), PostgresError> {
    transaction.execute(
        "DELETE FROM back_in_stock WHERE status = 'unconfirmed' AND created_at < now() - interval '7 days'",
        &[],
    )?;
    Ok(())
}
