//! Who waits for a product to be there again.

use rusqlite::{Connection, OptionalExtension, params};

use super::reviews::is_public;
use crate::products::back_in_stock::{SignUp, SignUpStatus, SignedUp, UNCONFIRMED_AT_MOST};

pub(super) fn find(connection: &Connection, id: i64) -> rusqlite::Result<Option<SignUp>> {
    connection
        .prepare_cached("SELECT id, product_id, email, status FROM back_in_stock WHERE id = ?1")?
        .query_row([id], |row| {
            let status = SignUpStatus::parse(row.get_ref(3)?.as_str()?);
            Ok(SignUp {
                id: row.get(0)?,
                product_id: row.get(1)?,
                email: row.get(2)?,
                status: status.ok_or(rusqlite::Error::InvalidQuery)?,
            })
        })
        .optional()
}

pub(super) fn does_anybody_wait(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM back_in_stock WHERE status = 'waiting' LIMIT 1")?
        .exists([])
}

pub(super) fn sign_up(
    connection: &Connection,
    product_id: i64,
    email: &str,
    customer: [u8; 32],
) -> rusqlite::Result<SignedUp> {
    if !is_public(connection, product_id)? {
        return Ok(SignedUp::NoProduct);
    }
    let unconfirmed: i64 = connection
        .prepare_cached(
            "SELECT count(*) FROM back_in_stock WHERE customer = ?1 AND status = 'unconfirmed'",
        )?
        .query_row([customer], |row| row.get(0))?;
    if unconfirmed >= UNCONFIRMED_AT_MOST {
        return Ok(SignedUp::AsBefore);
    }
    let id = connection
        .prepare_cached(
            "INSERT INTO back_in_stock (product_id, email, customer) VALUES (?1, ?2, ?3)
             ON CONFLICT (customer, product_id) DO NOTHING RETURNING id",
        )?
        .query_row(params![product_id, email, customer], |row| row.get(0))
        .optional()?;
    Ok(id.map_or(SignedUp::AsBefore, SignedUp::Asked))
}

pub(super) fn move_on(
    connection: &Connection,
    id: i64,
    from: SignUpStatus,
    to: SignUpStatus,
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(
            "UPDATE back_in_stock SET status = ?3 WHERE id = ?1 AND status = ?2 RETURNING product_id",
        )?
        .query_row(params![id, from.as_str(), to.as_str()], |row| row.get(0))
        .optional()
}

pub(super) fn end(connection: &Connection, id: i64) -> rusqlite::Result<bool> {
    let ended = connection
        .prepare_cached("DELETE FROM back_in_stock WHERE id = ?1")?
        .execute([id])?;
    Ok(ended > 0)
}

pub(super) fn awaited(connection: &Connection, products: &[i64]) -> rusqlite::Result<Vec<i64>> {
    let mut is_awaited = connection.prepare_cached(
        "SELECT 1 FROM back_in_stock WHERE product_id = ?1 AND status = 'waiting' LIMIT 1",
    )?;
    let mut awaited = Vec::new();
    for product in products {
        if is_awaited.exists([product])? {
            awaited.push(*product);
        }
    }
    Ok(awaited)
}

pub(super) fn have_due(
    connection: &Connection,
    product_id: i64,
    limit: usize,
) -> rusqlite::Result<Vec<i64>> {
    let mut ids: Vec<i64> = connection
        .prepare_cached(
            "UPDATE back_in_stock SET status = 'due' WHERE id IN (
                 SELECT id FROM back_in_stock WHERE product_id = ?1 AND status = 'waiting' ORDER BY id LIMIT ?2)
             RETURNING id",
        )?
        .query_map(params![product_id, limit], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    // They come back in any order.
    ids.sort_unstable();
    Ok(ids)
}

pub(super) fn forget_unconfirmed(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM back_in_stock WHERE status = 'unconfirmed'
             AND created_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-7 days')",
        )?
        .execute([])?;
    Ok(())
}
