//! Tokens where they are kept: what an operator does with them.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::scope::Scopes;
use super::token::{Token, TokenId};

/// A token to be made.
#[derive(Debug, Clone)]
pub struct NewToken<'a> {
    /// For people: who or what will bear it.
    pub name: &'a str,
    /// What it will allow.
    pub scopes: Scopes,
    /// From now on; `None` is for ever.
    pub lifetime: Option<Duration>,
}

/// All that is known of a token. Times are RFC 3339, UTC, milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// Its public part.
    pub id: TokenId,
    /// For people.
    pub name: String,
    /// What it allows.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: String,
    /// When it ends; `None` is never.
    pub expires_at: Option<String>,
    /// To within an hour; `None` where it never was.
    pub last_used_at: Option<String>,
    /// Since when it is refused.
    pub revoked_at: Option<String>,
    /// True where its time is up.
    pub is_expired: bool,
}

impl TokenRecord {
    /// In one word.
    pub fn state(&self) -> &'static str {
        match (&self.revoked_at, self.is_expired) {
            (Some(_), _) => "revoked",
            (None, true) => "expired",
            (None, false) => "active",
        }
    }
}

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
pub fn insert(
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
pub fn list(connection: &Connection) -> rusqlite::Result<Vec<TokenRecord>> {
    let sql = format!("SELECT {COLUMNS} FROM token ORDER BY created_at, id");
    connection
        .prepare(&sql)?
        .query_map([], record)?
        .collect::<rusqlite::Result<_>>()
}

/// Has a token refused from now on; one that is already stays as it is. `None` where there is none.
pub fn revoke(connection: &Connection, id: TokenId) -> rusqlite::Result<Option<TokenRecord>> {
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
