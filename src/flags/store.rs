//! Where the words of operators are kept: beside the catalogue, whichever database that is in.

use super::record::{Said, Word};
use super::{postgres, sqlite};
use crate::db::postgres::{Postgres, PostgresError};
use crate::db::sqlite::{Access, Sqlite, SqliteError, in_transaction, open};

/// The flags of a catalogue. The schema must be current.
#[derive(Debug, Clone)]
pub enum FlagStore {
    /// In the embedded store.
    Sqlite(Sqlite),
    /// In PostgreSQL.
    Postgres(Postgres),
}

/// Why the store gives no answer.
#[derive(Debug, thiserror::Error)]
pub enum FlagStoreError {
    /// The embedded store.
    #[error(transparent)]
    Sqlite(#[from] SqliteError),
    /// PostgreSQL.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
}

impl From<rusqlite::Error> for FlagStoreError {
    fn from(error: rusqlite::Error) -> Self {
        SqliteError::from(error).into()
    }
}

impl From<Sqlite> for FlagStore {
    fn from(database: Sqlite) -> Self {
        Self::Sqlite(database)
    }
}

impl From<Postgres> for FlagStore {
    fn from(database: Postgres) -> Self {
        Self::Postgres(database)
    }
}

impl FlagStore {
    /// What was said of each flag last. Blocks.
    pub fn current(&self) -> Result<Vec<Said>, FlagStoreError> {
        match self {
            Self::Sqlite(database) => {
                Ok(sqlite::current(&open(database.path(), Access::ReadOnly)?)?)
            }
            Self::Postgres(database) => Ok(database.block_on(async {
                let mut connection = database.read_fresh().await?;
                postgres::current(&mut connection).await
            })?),
        }
    }

    /// What was said of one flag, or of all, the newest first. Blocks.
    pub fn history(&self, key: Option<&str>, limit: usize) -> Result<Vec<Said>, FlagStoreError> {
        match self {
            Self::Sqlite(database) => {
                let connection = open(database.path(), Access::ReadOnly)?;
                Ok(sqlite::history(&connection, key, limit)?)
            }
            Self::Postgres(database) => Ok(database.block_on(async {
                let mut connection = database.read_fresh().await?;
                let limit = i64::try_from(limit).unwrap_or(i64::MAX);
                postgres::history(&mut connection, key, limit).await
            })?),
        }
    }

    /// Writes a word down: it is what is in force, and it is remembered. Nodes heed it within a second. Blocks.
    pub fn say(&self, word: &Word) -> Result<Said, FlagStoreError> {
        match self {
            Self::Sqlite(database) => {
                let mut connection = open(database.path(), Access::ReadWrite)?;
                in_transaction(&mut connection, |transaction| {
                    Ok(sqlite::say(transaction, word)?)
                })
            }
            Self::Postgres(database) => Ok(database.block_on(async {
                let mut connection = database.read_fresh().await?;
                postgres::say(&mut connection, word).await
            })?),
        }
    }
}
