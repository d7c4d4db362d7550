//! The embedded store: one SQLite file in WAL mode.
//!
//! Three ways in, by how long the work takes:
//! - [`Sqlite::point_read`] runs inline on a connection of the calling thread. A primary-key read costs
//!   about 3 µs there, a tenth of what handing it to another thread does.
//! - [`Sqlite::read`] runs anything longer on a small pool of reader threads.
//! - [`Sqlite::write`] runs on the one writer thread, in order of arrival, in a transaction that those who wait
//!   share.

mod connection;
mod migrations;
#[cfg(test)]
mod tests;
mod threads;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{MigrationReport, SchemaState};
pub use connection::{Access, open};
use threads::{NoAnswer, Pool, with_thread_connection};
use writer::Writer;

/// Reader threads for anything longer than a point read.
pub const READERS: usize = 2;

/// How long a write for which nobody waits keeps its place.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads that may wait for a reader thread: as many as are done within a fraction of a second where each takes
/// a millisecond. Beyond them a read is refused at once rather than late.
const MOST_WAITING_READS: usize = 256;

/// Why the embedded store could not do something.
#[derive(Debug, thiserror::Error)]
pub enum SqliteError {
    /// The file or its folder.
    #[error("cannot open the catalogue at {path}: {reason}")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The schema is newer than this program, was edited, or a migration failed.
    #[error("cannot migrate the catalogue at {path}: {reason}")]
    Migrate {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A statement failed.
    #[error("catalogue query failed: {0}")]
    Query(#[from] rusqlite::Error),
    /// Too many reads or writes wait, or another process writes for too long. Nothing was written.
    #[error("the catalogue has more to do than it can in time")]
    Busy,
    /// The transaction that a write was part of could not be committed. Nothing was written.
    #[error("the transaction was lost: {0}")]
    Lost(String),
    /// The store is shutting down.
    #[error("the catalogue is closed")]
    Closed,
}

/// A handle to one database file; clones share its threads, which end with the last clone.
#[derive(Clone)]
pub struct Sqlite {
    shared: Arc<Shared>,
}

struct Shared {
    /// Tells databases apart in the per-thread connections; paths can be reused by tests.
    id: u64,
    path: PathBuf,
    readers: Pool,
    writer: Writer,
}

impl From<NoAnswer> for SqliteError {
    fn from(none: NoAnswer) -> Self {
        match none {
            NoAnswer::Busy => Self::Busy,
            NoAnswer::Lost => Self::Closed,
        }
    }
}

impl Sqlite {
    /// Opens the file, creating it and its folder where missing. Does not migrate.
    pub fn open(path: &Path) -> Result<Self, SqliteError> {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);

        // The first connection creates the file and switches it to WAL, which lasts.
        let writer = open(path, Access::ReadWrite)?;
        let readers = (0..READERS)
            .map(|_| open(path, Access::ReadOnly))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            shared: Arc::new(Shared {
                id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
                path: path.to_owned(),
                readers: Pool::start("sqlite-reader", readers, MOST_WAITING_READS),
                writer: Writer::start(writer),
            }),
        })
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Runs pending migrations under a lock that other processes respect.
    pub fn migrate(&self) -> Result<MigrationReport, SqliteError> {
        migrations::run(self.path())
    }

    /// Compares the schema of the file with the one this program has, changing nothing.
    pub fn schema_state(path: &Path) -> Result<SchemaState, SqliteError> {
        migrations::state(path)
    }

    /// Reads by key, inline on a connection that belongs to the calling thread. Sees every commit that
    /// finished before the call. Never call it for anything that can take longer than microseconds.
    pub fn point_read<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, SqliteError> {
        with_thread_connection(self.shared.id, self.path(), read)
    }

    /// Reads on a pool thread. Dropping the future, which a deadline does, stops the work.
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, SqliteError> + Send + 'static,
    ) -> Result<T, SqliteError> {
        self.shared
            .readers
            .run_while_awaited(move |connection| read(connection))
            .await?
    }

    /// Copies what is committed from the log into the database file, on a pool thread: for a connection that
    /// commits much and would otherwise do it while others wait for the end of its COMMIT.
    pub fn checkpoint_soon(&self) {
        self.shared.readers.run_soon(|connection| {
            // What was not copied now is by the next checkpoint.
            if let Err(error) = connection.query_row("PRAGMA wal_checkpoint", [], |_| Ok(())) {
                tracing::debug!("no checkpoint: {error}");
            }
        });
    }

    /// Writes on the writer thread. What `write` did is kept when it returns `Ok`, and undone otherwise; the
    /// answer comes after the COMMIT. Others that wait may be part of the same transaction, so it is not for
    /// `write` to end it. Dropping the future does not stop the work.
    pub async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Connection) -> Result<T, SqliteError> + Send + 'static,
    ) -> Result<T, SqliteError> {
        let deadline = Instant::now() + PATIENCE;
        self.shared.writer.run(deadline, write).await
    }

    /// Like [`Sqlite::write`], but [`SqliteError::Busy`], with nothing written, where too many wait already
    /// or where its turn has not come by the deadline, because of another process's transaction perhaps. Once
    /// it has, its end is awaited. The caller has to run on a Tokio runtime.
    pub async fn write_by<T, E>(
        &self,
        deadline: Instant,
        write: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<SqliteError> + Send + 'static,
    {
        self.shared.writer.run_by(deadline, write).await
    }
}

/// Runs `write` in a transaction that takes the write lock at once, so that it cannot fail half-way for
/// want of it.
pub fn in_transaction<T, E: From<rusqlite::Error>>(
    connection: &mut Connection,
    write: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value = write(&transaction)?;
    transaction.commit()?;
    Ok(value)
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sqlite({})", self.path().display())
    }
}
