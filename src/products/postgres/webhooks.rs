//! How far webhooks have come.

use crate::db::postgres::{Connection, PostgresError, Transaction, Type};
use crate::products::store::OutboxMark;

const FOLLOWED: &str = "SELECT mark FROM outbox_follower WHERE name = $1";

pub(super) async fn followed(
    connection: &mut Connection,
    name: &str,
) -> Result<Option<OutboxMark>, PostgresError> {
    let row = connection
        .query_opt(FOLLOWED, &[(&name, Type::TEXT)])
        .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?.map(OutboxMark))
}

pub(super) async fn disabled(
    connection: &mut Connection,
    url: &str,
) -> Result<Option<String>, PostgresError> {
    let sql = "SELECT reason FROM webhook_disabled WHERE url = $1";
    let row = connection.query_opt(sql, &[(&url, Type::TEXT)]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

pub(super) async fn sent(
    connection: &mut Connection,
    url: &str,
    product_id: i64,
) -> Result<u64, PostgresError> {
    let sql = "SELECT version FROM webhook_sent WHERE url = $1 AND product_id = $2";
    let of = [(&url as _, Type::TEXT), (&product_id as _, Type::INT8)];
    let row = connection.query_opt(sql, &of).await?;
    let version: Option<i64> = row.map(|row| row.try_get(0)).transpose()?;
    Ok(version.map_or(0, i64::unsigned_abs))
}

/// Of two who believe to be at the same place one is.
pub(super) fn follow(
    transaction: &mut Transaction,
    name: &str,
    before: Option<&OutboxMark>,
    after: &OutboxMark,
) -> Result<bool, PostgresError> {
    let rows = match before {
        None => transaction.execute(
            "INSERT INTO outbox_follower (name, mark) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            &[(&name, Type::TEXT), (&after.0, Type::TEXT)],
        )?,
        Some(before) => transaction.execute(
            "UPDATE outbox_follower SET mark = $2 WHERE name = $1 AND mark = $3",
            &[
                (&name, Type::TEXT),
                (&after.0, Type::TEXT),
                (&before.0, Type::TEXT),
            ],
        )?,
    };
    Ok(rows > 0)
}

pub(super) fn disable(
    transaction: &mut Transaction,
    url: &str,
    reason: Option<&str>,
) -> Result<(), PostgresError> {
    match reason {
        Some(reason) => transaction.execute(
            "INSERT INTO webhook_disabled (url, reason) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            &[(&url, Type::TEXT), (&reason, Type::TEXT)],
        )?,
        None => transaction.execute(
            "DELETE FROM webhook_disabled WHERE url = $1",
            &[(&url, Type::TEXT)],
        )?,
    };
    Ok(())
}

pub(super) fn note_sent(
    transaction: &mut Transaction,
    url: &str,
    product_id: i64,
    version: u64,
) -> Result<(), PostgresError> {
    let version = i64::try_from(version).unwrap_or(i64::MAX);
    transaction.execute(
        "INSERT INTO webhook_sent (url, product_id, version) VALUES ($1, $2, $3)
         ON CONFLICT (url, product_id) DO UPDATE SET version = excluded.version
             WHERE webhook_sent.version < excluded.version OR excluded.version = 0",
        &[
            (&url, Type::TEXT),
            (&product_id, Type::INT8),
            (&version, Type::INT8),
        ],
    )?;
    Ok(())
}

/// What another one has locked is that one's to pass on.
pub(super) fn take_stock(
    transaction: &mut Transaction,
    limit: usize,
) -> Result<Vec<i64>, PostgresError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = transaction.query(
        "WITH next AS (SELECT id FROM stock_change ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
         DELETE FROM stock_change USING next WHERE stock_change.id = next.id
         RETURNING stock_change.product_id",
        &[(&limit, Type::INT8)],
    )?;
    let ids = rows.iter().map(|row| row.try_get(0));
    Ok(ids.collect::<Result<_, _>>()?)
}

pub(super) fn end_stock(transaction: &mut Transaction) -> Result<(), PostgresError> {
    transaction.batch("DELETE FROM outbox_follower WHERE name = 'stock'; DELETE FROM stock_change")
}
