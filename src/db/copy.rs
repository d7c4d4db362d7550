//! Copying tables from one database to another, whichever kind they are, in transactions that see and write all of
//! them at once.

mod postgres;
mod sqlite;

use super::postgres::{Postgres, PostgresError};
use super::sqlite::{Sqlite, SqliteError};

/// Rows that are in memory at once.
const ROWS_AT_ONCE: usize = 1_000;

/// What a column holds. Each database writes it its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Of 64 bits.
    Integer,
    /// Of 32 bits.
    Small,
    /// True or false.
    Boolean,
    /// Text.
    Text,
    /// A moment, to the millisecond.
    Time,
    /// JSON, as it was written.
    Json,
    /// A list of texts.
    Texts,
    /// Bytes.
    Bytes,
}

/// A table that both databases have.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// The columns that are copied: not those that are computed or that nobody refers to.
    pub columns: &'static [(&'static str, Kind)],
    /// Columns that put the rows in an order.
    pub order: &'static str,
    /// Whether numbers for `id` are given out, which go on behind those that are copied.
    pub is_numbered: bool,
    /// Whether an empty database has rows of it, in whose place those of the source come.
    pub is_replaced: bool,
}

/// What a row has in a column.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Null,
    /// Also true and false.
    Integer(i64),
    /// Also a time in RFC 3339, and JSON, as which a list of texts comes, too.
    Text(String),
    Bytes(Vec<u8>),
}

type Row = Vec<Value>;

/// Why tables were not copied. Nothing was.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// There would be no telling what came from where.
    #[error("the target is not empty: its table {table} has {rows} rows; name an empty catalogue")]
    NotEmpty {
        /// The first table with rows.
        table: &'static str,
        /// How many it has.
        rows: u64,
    },
    /// SQLite failed.
    #[error(transparent)]
    Sqlite(#[from] SqliteError),
    /// PostgreSQL failed.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    /// A value is not what the column is for.
    #[error("table {table}, column {column}: {reason}")]
    Value {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl From<rusqlite::Error> for CopyError {
    fn from(error: rusqlite::Error) -> Self {
        SqliteError::from(error).into()
    }
}

impl From<tokio_postgres::Error> for CopyError {
    fn from(error: tokio_postgres::Error) -> Self {
        PostgresError::from(error).into()
    }
}

/// One of the two databases.
#[derive(Debug, Clone, Copy)]
pub enum Side<'a> {
    /// SQLite.
    Sqlite(&'a Sqlite),
    /// PostgreSQL.
    Postgres(&'a Postgres),
}

trait Source {
    /// Hands over all rows, in their order, [`ROWS_AT_ONCE`].
    fn read(
        &mut self,
        table: &Table,
        visit: &mut dyn FnMut(Vec<Row>) -> Result<(), CopyError>,
    ) -> Result<(), CopyError>;
}

trait Target {
    /// How many rows there are.
    fn count(&mut self, table: &Table) -> Result<u64, CopyError>;

    /// Removes all rows.
    fn clear(&mut self, table: &Table) -> Result<(), CopyError>;

    /// Adds rows.
    fn write(&mut self, table: &Table, rows: Vec<Row>) -> Result<(), CopyError>;

    /// Has the numbers that are given out go on behind those there are.
    fn go_on(&mut self, table: &Table) -> Result<(), CopyError>;

    /// Keeps everything.
    fn commit(self: Box<Self>) -> Result<(), CopyError>;
}

/// Copies tables into a database in which they are empty, and commits all of them at once. Tells how many rows of each
/// were copied. Blocks.
pub fn copy(from: Side<'_>, to: Side<'_>, tables: &[Table]) -> Result<Vec<u64>, CopyError> {
    let mut source: Box<dyn Source> = match from {
        Side::Sqlite(database) => Box::new(sqlite::Reader::begin(database)?),
        Side::Postgres(database) => Box::new(postgres::Reader::begin(database)?),
    };
    let mut target: Box<dyn Target> = match to {
        Side::Sqlite(database) => Box::new(sqlite::Writer::begin(database)?),
        Side::Postgres(database) => Box::new(postgres::Writer::begin(database)?),
    };
    for table in tables {
        if table.is_replaced {
            target.clear(table)?;
            continue;
        }
        let rows = target.count(table)?;
        if rows > 0 {
            let table = table.name;
            return Err(CopyError::NotEmpty { table, rows });
        }
    }
    let mut counts = Vec::with_capacity(tables.len());
    for table in tables {
        let mut count = 0;
        source.read(table, &mut |rows| {
            count += rows.len() as u64;
            target.write(table, rows)
        })?;
        if table.is_numbered {
            target.go_on(table)?;
        }
        counts.push(count);
    }
    target.commit()?;
    Ok(counts)
}

/// The columns, as both databases name them.
fn names(table: &Table) -> String {
    let names = table.columns.iter().map(|(name, _)| *name);
    names.collect::<Vec<_>>().join(", ")
}
