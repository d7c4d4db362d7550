//! How far webhooks have come.

use rusqlite::{Connection, OptionalExtension, params};

use crate::products::store::OutboxMark;

pub(super) fn followed(
    connection: &Connection,
    name: &str,
) -> rusqlite::Result<Option<OutboxMark>> {
    connection
        .prepare_cached("SELECT mark FROM outbox_follower WHERE name = ?1")?
        .query_row([name], |row| Ok(OutboxMark(row.get(0)?)))
        .optional()
}

pub(super) fn disabled(connection: &Connection, url: &str) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT reason FROM webhook_disabled WHERE url = ?1")?
        .query_row([url], |row| row.get(0))
        .optional()
}

pub(super) fn sent(connection: &Connection, url: &str, product_id: i64) -> rusqlite::Result<u64> {
    let version: Option<i64> = connection
        .prepare_cached("SELECT version FROM webhook_sent WHERE url = ?1 AND product_id = ?2")?
        .query_row(params![url, product_id], |row| row.get(0))
        .optional()?;
    Ok(version.map_or(0, i64::unsigned_abs))
}

pub(super) fn follow(
    connection: &Connection,
    name: &str,
    before: Option<&OutboxMark>,
    after: &OutboxMark,
) -> rusqlite::Result<bool> {
    if followed(connection, name)?.as_ref() != before {
        return Ok(false);
    }
    connection
        .prepare_cached(
            "INSERT INTO outbox_follower (name, mark) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET mark = excluded.mark",
        )?
        .execute(params![name, after.0])?;
    Ok(true)
}

pub(super) fn disable(
    connection: &Connection,
    url: &str,
    reason: Option<&str>,
) -> rusqlite::Result<()> {
    match reason {
        Some(reason) => connection
            .prepare_cached(
                "INSERT INTO webhook_disabled (url, reason) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            )?
            .execute([url, reason])?,
        None => connection
            .prepare_cached("DELETE FROM webhook_disabled WHERE url = ?1")?
            .execute([url])?,
    };
    Ok(())
}

pub(super) fn note_sent(
    connection: &Connection,
    url: &str,
    product_id: i64,
    version: u64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO webhook_sent (url, product_id, version) VALUES (?1, ?2, ?3)
             ON CONFLICT (url, product_id) DO UPDATE SET version = excluded.version
                 WHERE version < excluded.version OR excluded.version = 0",
        )?
        .execute(params![url, product_id, version])?;
    Ok(())
}

pub(super) fn take_stock(connection: &Connection, limit: usize) -> rusqlite::Result<Vec<i64>> {
    connection
        .prepare_cached(
            "DELETE FROM stock_change WHERE id IN (SELECT id FROM stock_change ORDER BY id LIMIT ?1)
             RETURNING product_id",
        )?
        .query_map([limit], |row| row.get(0))?
        .collect()
}

pub(super) fn end_stock(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "DELETE FROM outbox_follower WHERE name = 'stock'; DELETE FROM stock_change;",
    )
}
