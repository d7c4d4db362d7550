//! Tokens in PostgreSQL.

use super::record::{FoundToken, NewToken, TokenRecord};
use super::scope::Scopes;
use super::token::{Token, TokenHash, TokenId};
use crate::db::postgres::{Connection, PostgresError, Row, Type};

const FIND: &str = include_str!("../../sql/postgres/queries/find_token.sql");
const NOTE_USE: &str = include_str!("../../sql/postgres/queries/note_token_use.sql");
const COLUMNS: &str =
    "id, name, scopes, rfc3339(created_at), rfc3339(expires_at), rfc3339(last_used_at),
    rfc3339(revoked_at), coalesce(expires_at <= now(), false)";

fn record(row: &Row) -> Result<TokenRecord, PostgresError> {
    let id: &str = row.try_get(0)?;
    Ok(TokenRecord {
        id: TokenId::parse(id).ok_or_else(|| PostgresError::Damaged(format!("token {id:?}")))?,
        name: row.try_get(1)?,
        scopes: Scopes::parse(row.try_get(2)?),
        created_at: row.try_get(3)?,
        expires_at: row.try_get(4)?,
        last_used_at: row.try_get(5)?,
        revoked_at: row.try_get(6)?,
        is_expired: row.try_get(7)?,
    })
}

/// Keeps a new token's hash, and returns what is known of it from now on.
pub(super) async fn insert(
    connection: &mut Connection,
    token: &Token,
    new: &NewToken<'_>,
) -> Result<TokenRecord, PostgresError> {
    let seconds = new.lifetime.map(|lifetime| lifetime.as_secs_f64());
    let sql = format!(
        "INSERT INTO token (id, name, hash, scopes, expires_at)
         VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))
         RETURNING {COLUMNS}"
    );
    let row = connection
        .query_one(
            &sql,
            &[
                (&token.id().to_string(), Type::TEXT),
                (&new.name, Type::TEXT),
                (&&token.hash().as_bytes()[..], Type::BYTEA),
                (&new.scopes.to_string(), Type::TEXT),
                (&seconds, Type::FLOAT8),
            ],
        )
        .await?;
    record(&row)
}

/// All tokens, those made first in front.
pub(super) async fn list(connection: &mut Connection) -> Result<Vec<TokenRecord>, PostgresError> {
    let sql = format!("SELECT {COLUMNS} FROM token ORDER BY created_at, id");
    let rows = connection.query(&sql, &[]).await?;
    rows.iter().map(record).collect()
}

/// Has a token refused from now on; one that is already stays as it is. `None` where there is none.
pub(super) async fn revoke(
    connection: &mut Connection,
    id: TokenId,
) -> Result<Option<TokenRecord>, PostgresError> {
    let sql = format!(
        "UPDATE token SET revoked_at = coalesce(revoked_at, date_trunc('milliseconds', now()))
         WHERE id = $1
         RETURNING {COLUMNS}"
    );
    let id = id.to_string();
    let row = connection.query_opt(&sql, &[(&id, Type::TEXT)]).await?;
    row.as_ref().map(record).transpose()
}

/// What a request needs to know of a token.
pub(super) async fn find(
    connection: &mut Connection,
    id: TokenId,
) -> Result<Option<FoundToken>, PostgresError> {
    let id = id.to_string();
    let row = connection.query_opt(FIND, &[(&id, Type::TEXT)]).await?;
    let Some(row) = row else { return Ok(None) };
    let hash: &[u8] = row.try_get(0)?;
    // The table allows 32 bytes and no others.
    let Ok(hash) = hash.try_into() else {
        return Ok(None);
    };
    Ok(Some(FoundToken {
        hash: TokenHash::new(hash),
        name: row.try_get(1)?,
        scopes: Scopes::parse(row.try_get(2)?),
        is_revoked: row.try_get(3)?,
        left: row.try_get(4)?,
    }))
}

/// Writes down that it was used, to within an hour.
pub(super) async fn note_use(
    connection: &mut Connection,
    id: TokenId,
) -> Result<(), PostgresError> {
    let id = id.to_string();
    connection.execute(NOTE_USE, &[(&id, Type::TEXT)]).await?;
    Ok(())
}
