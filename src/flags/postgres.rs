//! Flags in PostgreSQL.

use super::record::{Said, Word};
use crate::db::postgres::{Connection, PostgresError, Row, Type};

const COLUMNS: &str = "key, definition::text, reason, set_by, rfc3339(set_at), rfc3339(expires_at),
    (extract(epoch FROM expires_at - now()) * 1000)::bigint";

fn said(row: &Row) -> Result<Said, PostgresError> {
    Ok(Said {
        key: row.try_get(0)?,
        definition: row.try_get(1)?,
        reason: row.try_get(2)?,
        set_by: row.try_get(3)?,
        set_at: row.try_get(4)?,
        expires_at: row.try_get(5)?,
        left: row.try_get(6)?,
    })
}

/// What was said of each flag last.
pub(super) async fn current(connection: &mut Connection) -> Result<Vec<Said>, PostgresError> {
    let sql = format!("SELECT {COLUMNS} FROM flag ORDER BY key");
    let rows = connection.query(&sql, &[]).await?;
    rows.iter().map(said).collect()
}

/// What was said, the newest first.
pub(super) async fn history(
    connection: &mut Connection,
    key: Option<&str>,
    limit: i64,
) -> Result<Vec<Said>, PostgresError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM flag_history WHERE $1 IS NULL OR key = $1 ORDER BY id DESC LIMIT $2"
    );
    let rows = connection
        .query(&sql, &[(&key, Type::TEXT), (&limit, Type::INT8)])
        .await?;
    rows.iter().map(said).collect()
}

/// Writes a word down, for now and for later, in one statement, and so in one transaction.
pub(super) async fn say(connection: &mut Connection, word: &Word) -> Result<Said, PostgresError> {
    let sql = format!(
        "WITH word AS (
             INSERT INTO flag (key, definition, reason, set_by, set_at, expires_at)
             VALUES ($1, $2::json, $3, $4, now(), now() + make_interval(secs => $5))
             ON CONFLICT (key) DO UPDATE SET definition = excluded.definition, reason = excluded.reason,
                 set_by = excluded.set_by, set_at = excluded.set_at, expires_at = excluded.expires_at
             RETURNING *
         ), kept AS (
             INSERT INTO flag_history (key, definition, reason, set_by, set_at, expires_at)
             SELECT key, definition, reason, set_by, set_at, expires_at FROM word
         )
         SELECT {COLUMNS} FROM word"
    );
    let seconds = word.lifetime.map(|lifetime| lifetime.as_secs_f64());
    let row = connection
        .query_one(
            &sql,
            &[
                (&word.key, Type::TEXT),
                (&word.definition, Type::TEXT),
                (&word.reason, Type::TEXT),
                (&word.set_by, Type::TEXT),
                (&seconds, Type::FLOAT8),
            ],
        )
        .await?;
    said(&row)
}
