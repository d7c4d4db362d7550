//! Tokens in the embedded store.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::record::{FoundToken, NewToken, TokenRecord};
use super::scope::Scopes;
use super::token::{Token, TokenHash, TokenId};

const FIND: &str = include_str!("../../sql/sqlite/queries/find_token.sql");
pub(super) const NOTE_USE: &str = include_str!("../../sql/sqlite/queries/note_token_use.sql");

const COLUMNS: &str = "id, name, scopes, created_at, expires_at, last_used_at, revoked_at,
    expires_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";

fn record(row: &Row<'_>) -> rusqlite::Result<TokenRecord> {
    Ok(TokenRecord {
        id: TokenId::parse(row.get_ref(0)?.as_str()?)
            .ok_or(rusqlite::types::FromSqlError::InvalidType)?,
        name: row.get(1)?,
        scopes: Scopes::parse(row.get_ref(2)?.as_str()?),
        created_at: row.get(3)?,
        expires_at: row.get(4)?,
        last_used_at: row.get(5)?,
        revoked_at: row.get(6)?,
        is_expired: row.get::<_, Option<bool>>(7)?.unwrap_or(false),
    })
}

/// Keeps a new token's hash, and returns what is known of it from now on.
pub(super) fn insert(
    connection: &Connection,
    token: &Token,
    new: &NewToken<'_>,
) -> rusqlite::Result<TokenRecord> {
    let lifetime = new
        .lifetime
        .map(|lifetime| format!("+{:.3} seconds", lifetime.as_secs_f64()));
    connection.execute(
        "INSERT INTO token (id, name, hash, scopes, expires_at)
         VALUES (?1, ?2, ?3, ?4, strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?5))",
        params![
            token.id().to_string(),
            new.name,
            token.hash().as_bytes(),
            new.scopes.to_string(),
            lifetime,
        ],
    )?;
    let sql = format!("SELECT {COLUMNS} FROM token WHERE id = ?1");
    connection.query_row(&sql, [token.id().to_string()], record)
}

/// All tokens, those made first in front.
pub(super) fn list(connection: &Connection) -> rusqlite::Result<Vec<TokenRecord>> {
    let sql = format!("SELECT {COLUMNS} FROM token ORDER BY created_at, id");
    connection
        .prepare(&sql)?
        .query_map([], record)?
        .collect::<rusqlite::Result<_>>()
}

/// Has a token refused from now on; one that is already stays as it is. `None` where there is none.
pub(super) fn revoke(
    connection: &Connection,
    id: TokenId,
) -> rusqlite::Result<Option<TokenRecord>> {
    connection.execute(
        "UPDATE token SET revoked_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
         WHERE id = ?1 AND revoked_at IS NULL",
        [id.to_string()],
    )?;
    let sql = format!("SELECT {COLUMNS} FROM token WHERE id = ?1");
    connection
        .query_row(&sql, [id.to_string()], record)
        .optional()
}

/// What a request needs to know of a token.
pub(super) fn find(connection: &Connection, id: TokenId) -> rusqlite::Result<Option<FoundToken>> {
    connection
        .prepare_cached(FIND)?
        .query_row([id.to_string()], |row| {
            Ok(FoundToken {
                hash: TokenHash::new(row.get(0)?),
                name: row.get(1)?,
                scopes: Scopes::parse(row.get_ref(2)?.as_str()?),
                is_revoked: row.get(3)?,
                left: row.get(4)?,
            })
        })
        .optional()
}
