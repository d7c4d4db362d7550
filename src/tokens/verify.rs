//! Verifying the token of a request.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use quick_cache::sync::Cache;
use rusqlite::OptionalExtension;

use super::scope::{Scope, Scopes};
use super::token::{Token, TokenHash, TokenId};
use crate::db::sqlite::{Sqlite, SqliteError};

const FIND: &str = include_str!("../../sql/sqlite/queries/find_token.sql");
const NOTE_USE: &str = include_str!("../../sql/sqlite/queries/note_token_use.sql");

/// How long a verified token is believed without a look at the store: a revocation reaches every process
/// within that.
const BELIEVED: Duration = Duration::from_millis(500);
/// Verified tokens remembered.
const REMEMBERED: usize = 1_000;
/// How exactly the last use is known. A write a request would be a dear curiosity.
const NOTE_USE_EVERY: Duration = Duration::from_hours(1);

/// Who asks, as far as the token tells.
#[derive(Debug, Clone)]
pub struct Principal {
    /// The token's public part.
    pub token: TokenId,
    /// The token's name.
    pub name: Arc<str>,
    scopes: Scopes,
}

impl Principal {
    /// True where the token allows it.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(scope)
    }
}

/// Why a token is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// No such token was ever made here.
    #[error("the token is unknown")]
    Unknown,
    /// It was good once.
    #[error("the token has expired")]
    Expired,
    /// It was taken back.
    #[error("the token was revoked")]
    Revoked,
    /// The store gives no answer.
    #[error(transparent)]
    Store(#[from] SqliteError),
}

/// The tokens of a catalogue, those verified lately in memory. Clones share everything.
#[derive(Clone)]
pub struct Tokens {
    database: Sqlite,
    verified: Arc<Cache<TokenId, Verified>>,
}

/// A token that was good when it was looked at.
#[derive(Clone)]
struct Verified {
    hash: TokenHash,
    principal: Principal,
    until: Instant,
    use_noted: Option<Instant>,
}

/// A row of the store.
struct Row {
    hash: TokenHash,
    name: String,
    scopes: Scopes,
    is_revoked: bool,
    /// Milliseconds until it expires.
    left: Option<i64>,
}

impl Tokens {
    /// The schema must be current.
    pub fn new(database: Sqlite) -> Self {
        Self {
            database,
            verified: Arc::new(Cache::new(REMEMBERED)),
        }
    }

    /// Whose token this is. Reads the store by key, inline, where the token was not verified lately.
    pub fn verify(&self, presented: &str) -> Result<Principal, VerifyError> {
        let token = Token::parse(presented).ok_or(VerifyError::Unknown)?;
        let (id, hash) = (token.id(), token.hash());
        let known = self.verified.get(&id);
        if let Some(known) = &known
            && Instant::now() < known.until
        {
            return if known.hash.is_same(&hash) {
                Ok(known.principal.clone())
            } else {
                Err(VerifyError::Unknown)
            };
        }
        let row = self.find(id)?.ok_or(VerifyError::Unknown)?;
        if !row.hash.is_same(&hash) {
            return Err(VerifyError::Unknown);
        }
        if row.is_revoked {
            return Err(VerifyError::Revoked);
        }
        let left = match row.left {
            Some(left) => u64::try_from(left).map_err(|_| VerifyError::Expired)?,
            None => u64::MAX,
        };
        let principal = Principal {
            token: id,
            name: row.name.into(),
            scopes: row.scopes,
        };
        let verified = Verified {
            hash: row.hash,
            principal: principal.clone(),
            until: Instant::now() + BELIEVED.min(Duration::from_millis(left)),
            use_noted: self.note_use(id, known.and_then(|known| known.use_noted)),
        };
        self.verified.insert(id, verified);
        Ok(principal)
    }

    fn find(&self, id: TokenId) -> Result<Option<Row>, SqliteError> {
        self.database.point_read(|connection| {
            connection
                .prepare_cached(FIND)?
                .query_row([id.to_string()], |row| {
                    Ok(Row {
                        hash: TokenHash::new(row.get(0)?),
                        name: row.get(1)?,
                        scopes: Scopes::parse(row.get_ref(2)?.as_str()?),
                        is_revoked: row.get(3)?,
                        left: row.get(4)?,
                    })
                })
                .optional()
        })
    }

    /// Has the use written down, unless that was done lately; returns when it was. Nobody waits for it.
    fn note_use(&self, id: TokenId, noted: Option<Instant>) -> Option<Instant> {
        if noted.is_some_and(|noted| noted.elapsed() < NOTE_USE_EVERY) {
            return noted;
        }
        let note = self.database.write(move |transaction| {
            transaction.execute(NOTE_USE, [id.to_string()])?;
            Ok(())
        });
        // The first poll hands it to the writer thread.
        let _ = note.now_or_never();
        Some(Instant::now())
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({:?})", self.database)
    }
}

#[cfg(test)]
mod tests;
