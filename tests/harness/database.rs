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
}
