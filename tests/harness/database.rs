//! The tables of a catalogue, as a program sees them that knows nothing of ours.

use rusqlite::Connection;

use super::Session;

/// A session with whichever database the catalogue is in.
pub(crate) enum Database {
    Sqlite(Connection),
    Postgres(Session),
}

impl Database {
    /// Runs a statement that both databases understand; returns how many rows it touched.
    pub(crate) fn execute(&self, sql: &str, _no_parameters: [(); 0]) -> Result<u64, String> {
        match self {
            Self::Sqlite(connection) => {
                let rows = connection
                    .execute(sql, [])
                    .map_err(|error| error.to_string())?;
                Ok(rows as u64)
            }
            Self::Postgres(session) => session.execute(sql).map_err(|error| format!("{error:?}")),
        }
    }

    /// Runs statements that both databases understand.
    pub(crate) fn execute_batch(&self, sql: &str) -> Result<(), String> {
        match self {
            Self::Sqlite(connection) => connection
                .execute_batch(sql)
                .map_err(|error| error.to_string()),
            Self::Postgres(session) => session.batch(sql).map_err(|error| format!("{error:?}")),
        }
    }

    /// The number in the first column of the first row.
    #[track_caller]
    pub(crate) fn number(&self, sql: &str) -> i64 {
        match self {
            Self::Sqlite(connection) => connection.query_row(sql, [], |row| row.get(0)).unwrap(),
            Self::Postgres(session) => session.value(sql),
        }
    }

    /// The text in the first column of each row.
    pub(crate) fn texts(&self, sql: &str) -> Vec<String> {
        match self {
            Self::Sqlite(connection) => {
                let mut rows = connection.prepare(sql).unwrap();
                let rows = rows.query_map([], |row| row.get(0)).unwrap();
                rows.map(Result::unwrap).collect()
            }
            Self::Postgres(session) => session.values(sql),
        }
    }

    /// Keeps everybody else from writing, until the session ends or [`Self::let_write`].
    pub(crate) fn block_writes(&self) {
        let block = match self {
            Self::Sqlite(_) => "BEGIN IMMEDIATE",
            Self::Postgres(_) => "BEGIN; LOCK TABLE product, inventory IN SHARE ROW EXCLUSIVE MODE",
        };
        self.execute_batch(block).unwrap();
    }

    pub(crate) fn let_write(&self) {
        self.execute_batch("COMMIT").unwrap();
    }

    /// Whether no reader keeps old rows from being removed.
    pub(crate) fn is_free_of_readers(&self) -> bool {
        match self {
            Self::Sqlite(connection) => {
                let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
                let row: (i64, i64) = connection
                    .query_row(checkpoint, [], |row| Ok((row.get(0)?, row.get(1)?)))
                    .unwrap();
                row == (0, 0)
            }
            Self::Postgres(session) => {
                let readers = "SELECT count(*) FROM pg_stat_activity
                     WHERE datname = current_database() AND pid <> pg_backend_pid()
                         AND backend_xmin IS NOT NULL";
                session.value::<i64>(readers) == 0
            }
        }
    }
}
