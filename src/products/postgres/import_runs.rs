//! Imports that were asked for over HTTP.

use crate::db::postgres::{Connection, PostgresError, Transaction, Type};
use crate::products::import_runs::{ImportEnd, ImportRun, ImportStatus};

pub(super) async fn find(
    connection: &mut Connection,
    id: i64,
) -> Result<Option<ImportRun>, PostgresError> {
    let sql = "SELECT id, status, url, options, products, outcome, error, rfc3339(created_at), rfc3339(ended_at)
               FROM import_run WHERE id = $1";
    let row = connection.query_opt(sql, &[(&id, Type::INT8)]).await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let status: &str = row.try_get(1)?;
    let damaged = || PostgresError::Damaged(format!("status {status:?} of an import"));
    Ok(Some(ImportRun {
        id: row.try_get(0)?,
        status: ImportStatus::parse(status).ok_or_else(damaged)?,
        url: row.try_get(2)?,
        options: row.try_get(3)?,
        products: row.try_get(4)?,
        outcome: row.try_get(5)?,
        error: row.try_get(6)?,
        created_at: row.try_get(7)?,
        ended_at: row.try_get(8)?,
    }))
}

pub(super) async fn report(
    connection: &mut Connection,
    id: i64,
) -> Result<Option<String>, PostgresError> {
    let sql = "SELECT report FROM import_run WHERE id = $1";
    let row = connection.query_opt(sql, &[(&id, Type::INT8)]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

pub(super) async fn chunk(
    connection: &mut Connection,
    id: i64,
    position: i64,
) -> Result<Option<Vec<u8>>, PostgresError> {
    let sql = "SELECT bytes FROM import_chunk WHERE import_id = $1 AND position = $2";
    let of = [(&id as _, Type::INT8), (&position as _, Type::INT8)];
    let row = connection.query_opt(sql, &of).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

pub(super) fn begin(
    transaction: &mut Transaction,
    url: Option<&str>,
    options: &str,
) -> Result<i64, PostgresError> {
    let row = transaction.query_one(
        "INSERT INTO import_run (url, options) VALUES ($1, $2) RETURNING id",
        &[(&url, Type::TEXT), (&options, Type::TEXT)],
    )?;
    Ok(row.try_get(0)?)
}

pub(super) fn add_chunk(
    transaction: &mut Transaction,
    id: i64,
    position: i64,
    bytes: &[u8],
) -> Result<(), PostgresError> {
    transaction.execute(
        "INSERT INTO import_chunk VALUES ($1, $2, $3)",
        &[
            (&id, Type::INT8),
            (&position, Type::INT8),
            (&bytes, Type::BYTEA),
        ],
    )?;
    Ok(())
}

pub(super) fn note(
    transaction: &mut Transaction,
    id: i64,
    status: ImportStatus,
    products: i64,
) -> Result<(), PostgresError> {
    transaction.execute(
        "UPDATE import_run SET status = $2, products = $3 WHERE id = $1 AND ended_at IS NULL",
        &[
            (&id, Type::INT8),
            (&status.as_str(), Type::TEXT),
            (&products, Type::INT8),
        ],
    )?;
    Ok(())
}

pub(super) fn end(
    transaction: &mut Transaction,
    id: i64,
    end: &ImportEnd,
) -> Result<(), PostgresError> {
    let status = if end.error.is_some() {
        ImportStatus::Failed
    } else {
        ImportStatus::Done
    };
    transaction.execute(
        "UPDATE import_run SET status = $2, outcome = $3, error = $4, report = $5,
             products = coalesce(($3::json ->> 'created')::bigint + ($3::json ->> 'updated')::bigint
                 + ($3::json ->> 'unchanged')::bigint, 0),
             ended_at = date_trunc('milliseconds', clock_timestamp())
         WHERE id = $1",
        &[
            (&id, Type::INT8),
            (&status.as_str(), Type::TEXT),
            (&end.outcome, Type::TEXT),
            (&end.error, Type::TEXT),
            (&end.report, Type::TEXT),
        ],
    )?;
    transaction.execute(
        "DELETE FROM import_chunk WHERE import_id = $1",
        &[(&id, Type::INT8)],
    )?;
    Ok(())
}

pub(super) fn forget(transaction: &mut Transaction) -> Result<(), PostgresError> {
    transaction.batch(
        "DELETE FROM import_run
         WHERE status = 'receiving' AND created_at < now() - interval '1 day'
             OR ended_at < now() - interval '30 days';
         DELETE FROM import_chunk c WHERE NOT EXISTS (SELECT FROM import_run r WHERE r.id = c.import_id)",
    )
}
