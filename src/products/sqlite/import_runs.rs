//! Imports that were asked for over HTTP.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::products::import_runs::{ImportEnd, ImportRun, ImportStatus};

fn import_run(row: &Row<'_>) -> rusqlite::Result<ImportRun> {
    let status = ImportStatus::parse(row.get_ref(1)?.as_str()?);
    Ok(ImportRun {
        id: row.get(0)?,
        status: status.ok_or(rusqlite::Error::InvalidQuery)?,
        url: row.get(2)?,
        options: row.get(3)?,
        products: row.get(4)?,
        outcome: row.get(5)?,
        error: row.get(6)?,
        created_at: row.get(7)?,
        ended_at: row.get(8)?,
    })
}

pub(super) fn find(connection: &Connection, id: i64) -> rusqlite::Result<Option<ImportRun>> {
    connection
        .prepare_cached(
            "SELECT id, status, url, options, products, outcome, error, created_at, ended_at
             FROM import_run WHERE id = ?1",
        )?
        .query_row([id], import_run)
        .optional()
}

pub(super) fn report(connection: &Connection, id: i64) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT report FROM import_run WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()
}

pub(super) fn chunk(
    connection: &Connection,
    id: i64,
    position: i64,
) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("SELECT bytes FROM import_chunk WHERE import_id = ?1 AND position = ?2")?
        .query_row([id, position], |row| row.get(0))
        .optional()
}

pub(super) fn begin(
    connection: &Connection,
    url: Option<&str>,
    options: &str,
) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("INSERT INTO import_run (url, options) VALUES (?1, ?2) RETURNING id")?
        .query_row(params![url, options], |row| row.get(0))
}

pub(super) fn add_chunk(
    connection: &Connection,
    id: i64,
    position: i64,
    bytes: &[u8],
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO import_chunk VALUES (?1, ?2, ?3)")?
        .execute(params![id, position, bytes])?;
    Ok(())
}

pub(super) fn note(
    connection: &Connection,
    id: i64,
    status: ImportStatus,
    products: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE import_run SET status = ?2, products = ?3 WHERE id = ?1 AND ended_at IS NULL",
        )?
        .execute(params![id, status.as_str(), products])?;
    Ok(())
}

pub(super) fn end(connection: &Connection, id: i64, end: &ImportEnd) -> rusqlite::Result<()> {
    let status = if end.error.is_some() {
        ImportStatus::Failed
    } else {
        ImportStatus::Done
    };
    connection
        .prepare_cached(
            "UPDATE import_run SET status = ?2, outcome = ?3, error = ?4, report = ?5,
                 products = coalesce(?3 ->> '$.created' + ?3 ->> '$.updated' + ?3 ->> '$.unchanged', 0),
                 ended_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
             WHERE id = ?1",
        )?
        .execute(params![
            id,
            status.as_str(),
            end.outcome,
            end.error,
            end.report
        ])?;
    connection
        .prepare_cached("DELETE FROM import_chunk WHERE import_id = ?1")?
        .execute([id])?;
    Ok(())
}

pub(super) fn forget(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "DELETE FROM import_run
         WHERE status = 'receiving' AND created_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 day')
             OR ended_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-30 days');
         DELETE FROM import_chunk WHERE import_id NOT IN (SELECT id FROM import_run);",
    )
}
