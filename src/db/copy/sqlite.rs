//! Tables of SQLite.

use rusqlite::Connection;
use rusqlite::types::{ToSqlOutput, Value as Stored, ValueRef};

use super::{CopyError, ROWS_AT_ONCE, Row, Source, Table, Target, Value, names};
use crate::db::sqlite::{Access, Sqlite, open};

/// A transaction that reads.
pub(super) struct Reader(Connection);

impl Reader {
    pub(super) fn begin(database: &Sqlite) -> Result<Self, CopyError> {
        let connection = open(database.path(), Access::ReadOnly)?;
        connection.execute_batch("BEGIN")?;
        Ok(Self(connection))
    }
}

impl Source for Reader {
    fn read(
        &mut self,
        table: &Table,
        visit: &mut dyn FnMut(Vec<Row>) -> Result<(), CopyError>,
    ) -> Result<(), CopyError> {
        let Table { name, order, .. } = table;
        let sql = format!("SELECT {} FROM {name} ORDER BY {order}", names(table));
        let mut statement = self.0.prepare(&sql)?;
        let mut stored = statement.query([])?;
        let mut rows = Vec::with_capacity(ROWS_AT_ONCE);
        while let Some(row) = stored.next()? {
            let mut values = Vec::with_capacity(table.columns.len());
            for (index, (column, _)) in table.columns.iter().enumerate() {
                let odd = |reason: String| CopyError::Value {
                    table: table.name,
                    column,
                    reason,
                };
                values.push(match row.get_ref(index)? {
                    ValueRef::Null => Value::Null,
                    ValueRef::Integer(number) => Value::Integer(number),
                    ValueRef::Blob(bytes) => Value::Bytes(bytes.to_owned()),
                    ValueRef::Text(text) => match std::str::from_utf8(text) {
                        Ok(text) => Value::Text(text.to_owned()),
                        Err(error) => return Err(odd(error.to_string())),
                    },
                    ValueRef::Real(number) => {
                        return Err(odd(format!("{number} is no whole number")));
                    }
                });
            }
            rows.push(values);
            if rows.len() == ROWS_AT_ONCE {
                visit(std::mem::take(&mut rows))?;
            }
        }
        visit(rows)
    }
}

/// A transaction that writes.
pub(super) struct Writer(Connection);

impl Writer {
    pub(super) fn begin(database: &Sqlite) -> Result<Self, CopyError> {
        let connection = open(database.path(), Access::ReadWrite)?;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        Ok(Self(connection))
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Stored::Null),
            Self::Integer(number) => ToSqlOutput::Owned(Stored::Integer(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

impl Target for Writer {
    fn count(&mut self, table: &Table) -> Result<u64, CopyError> {
        let sql = format!("SELECT count(*) FROM {}", table.name);
        Ok(self.0.query_row(&sql, [], |row| row.get(0))?)
    }

    fn clear(&mut self, table: &Table) -> Result<(), CopyError> {
        self.0.execute(&format!("DELETE FROM {}", table.name), [])?;
        Ok(())
    }

    fn write(&mut self, table: &Table, rows: Vec<Row>) -> Result<(), CopyError> {
        let places = vec!["?"; table.columns.len()].join(", ");
        let (name, names) = (table.name, names(table));
        let sql = format!("INSERT INTO {name} ({names}) VALUES ({places})");
        let mut statement = self.0.prepare_cached(&sql)?;
        for row in rows {
            statement.execute(rusqlite::params_from_iter(row))?;
        }
        Ok(())
    }

    /// SQLite gives the number behind the highest there is.
    fn go_on(&mut self, _table: &Table) -> Result<(), CopyError> {
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<(), CopyError> {
        Ok(self.0.execute_batch("COMMIT")?)
    }
}
