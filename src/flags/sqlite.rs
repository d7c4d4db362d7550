//! Flags in the embedded store.

use rusqlite::{Connection, Row, params};

use super::record::{Said, Word};

const COLUMNS: &str = "key, definition, reason, set_by, set_at, expires_at,
    CAST(round((julianday(expires_at) - julianday('now')) * 86400000) AS INTEGER)";

fn said(row: &Row<'_>) -> rusqlite::Result<Said> {
    Ok(Said {
        key: row.get(0)?,
        definition: row.get(1)?,
        reason: row.get(2)?,
        set_by: row.get(3)?,
        set_at: row.get(4)?,
        expires_at: row.get(5)?,
        left: row.get(6)?,
    })
}

/// What was said of each flag last.
pub(super) fn current(connection: &Connection) -> rusqlite::Result<Vec<Said>> {
    let sql = format!("SELECT {COLUMNS} FROM flag ORDER BY key");
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_map([], said)?.collect()
}

/// What was said, the newest first.
pub(super) fn history(
    connection: &Connection,
    key: Option<&str>,
    limit: usize,
) -> rusqlite::Result<Vec<Said>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM flag_history WHERE ?1 IS NULL OR key = ?1 ORDER BY id DESC LIMIT ?2"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_map(params![key, limit], said)?.collect()
}

/// Writes a word down, for now and for later, in the transaction of the caller.
pub(super) fn say(connection: &Connection, word: &Word) -> rusqlite::Result<Said> {
    let lifetime = word
        .lifetime
        .map(|lifetime| format!("+{:.3} seconds", lifetime.as_secs_f64()));
    connection.execute(
        "INSERT INTO flag (key, definition, reason, set_by, set_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
                 strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?5))
         ON CONFLICT (key) DO UPDATE SET definition = excluded.definition, reason = excluded.reason,
             set_by = excluded.set_by, set_at = excluded.set_at, expires_at = excluded.expires_at",
        params![
            word.key,
            word.definition,
            word.reason,
            word.set_by,
            lifetime
        ],
    )?;
    connection.execute(
        "INSERT INTO flag_history (key, definition, reason, set_by, set_at, expires_at)
         SELECT key, definition, reason, set_by, set_at, expires_at FROM flag WHERE key = ?1",
        [&word.key],
    )?;
    let sql = format!("SELECT {COLUMNS} FROM flag WHERE key = ?1");
    connection.query_row(&sql, [&word.key], said)
}
