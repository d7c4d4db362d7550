//! Where tokens are kept: beside the catalogue, whichever database that is in.

use futures_util::FutureExt;

use super::record::{FoundToken, NewToken, TokenRecord};
use super::token::{Token, TokenId};
use super::{postgres, sqlite};
use crate::db::postgres::{Postgres, PostgresError};
use crate::db::sqlite::{Access, Sqlite, SqliteError, open};

/// The tokens of a catalogue. The schema must be current.
#[derive(Debug, Clone)]
pub enum TokenStore {
    /// In the embedded store.
    Sqlite(Sqlite),
    /// In PostgreSQL.
    Postgres(Postgres),
}

/// Why the store gives no answer.
#[derive(Debug, thiserror::Error)]
pub enum TokenStoreError {
    /// The embedded store.
    #[error(transparent)]
    Sqlite(#[from] SqliteError),
    /// PostgreSQL.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
}

impl From<rusqlite::Error> for TokenStoreError {
    fn from(error: rusqlite::Error) -> Self {
        SqliteError::from(error).into()
    }
}

impl From<Sqlite> for TokenStore {
    fn from(database: Sqlite) -> Self {
        Self::Sqlite(database)
    }
}

impl From<Postgres> for TokenStore {
    fn from(database: Postgres) -> Self {
        Self::Postgres(database)
    }
}

impl TokenStore {
    /// Keeps a new token's hash, and returns what is known of it from now on. Blocks.
    pub fn insert(
        &self,
        token: &Token,
        new: &NewToken<'_>,
    ) -> Result<TokenRecord, TokenStoreError> {
        match self {
            Self::Sqlite(database) => Ok(sqlite::insert(
                &open(database.path(), Access::ReadWrite)?,
                token,
                new,
            )?),
            Self::Postgres(database) => Ok(database.block_on(async {
                let mut connection = database.read_fresh().await?;
                postgres::insert(&mut connection, token, new).await
            })?),
        }
    }

    /// All tokens, those made first in front. Blocks.
    pub fn list(&self) -> Result<Vec<TokenRecord>, TokenStoreError> {
        match self {
            Self::Sqlite(database) => Ok(sqlite::list(&open(database.path(), Access::ReadOnly)?)?),
            Self::Postgres(database) => Ok(database.block_on(async {
                let mut connection = database.read_fresh().await?;
                postgres::list(&mut connection).await
            })?),
        }
    }

    /// Has a token refused from now on; one that is already stays as it is. `None` where there is none. Blocks.
    pub fn revoke(&self, id: TokenId) -> Result<Option<TokenRecord>, TokenStoreError> {
        match self {
            Self::Sqlite(database) => Ok(sqlite::revoke(
                &open(database.path(), Access::ReadWrite)?,
                id,
            )?),
            Self::Postgres(database) => Ok(database.block_on(async {
                let mut connection = database.read_fresh().await?;
                postgres::revoke(&mut connection, id).await
            })?),
        }
    }

    /// What a request needs to know of a token. Ready at once in the embedded store.
    pub(super) async fn find(&self, id: TokenId) -> Result<Option<FoundToken>, TokenStoreError> {
        match self {
            Self::Sqlite(database) => {
                Ok(database.point_read(|connection| sqlite::find(connection, id))?)
            }
            Self::Postgres(database) => {
                let of = database.clone();
                let found = database.run(async move {
                    // A revocation has to be seen at once.
                    let mut connection = of.read_fresh().await?;
                    postgres::find(&mut connection, id).await
                });
                Ok(found.await?)
            }
        }
    }

    /// Has the use written down. Nobody waits for it.
    pub(super) fn note_use(&self, id: TokenId) {
        match self {
            Self::Sqlite(database) => {
                let note = database.write(move |transaction| {
                    transaction.execute(sqlite::NOTE_USE, [id.to_string()])?;
                    Ok(())
                });
                // The first poll hands it to the writer thread.
                let _ = note.now_or_never();
            }
            Self::Postgres(database) => {
                let of = database.clone();
                database.spawn(async move {
                    let noted = async {
                        let mut connection = of.read_fresh().await?;
                        postgres::note_use(&mut connection, id).await
                    };
                    if let Err(error) = noted.await {
                        tracing::debug!("the use of a token was not noted: {error}");
                    }
                });
            }
        }
    }
}
