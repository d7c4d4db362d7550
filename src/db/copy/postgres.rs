//! Tables of PostgreSQL.

use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::{CopyError, Kind, ROWS_AT_ONCE, Row, Source, Table, Target, Value, names};
use crate::db::postgres::{CopyRows, Postgres, PostgresError, Transaction, microseconds};

/// A transaction that sees one moment.
pub(super) struct Reader(Transaction);

impl Reader {
    pub(super) fn begin(database: &Postgres) -> Result<Self, CopyError> {
        let mut transaction = database.write(None)?;
        transaction.batch("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        // The same words fetch from a cursor over each of the tables.
        transaction.plan_anew();
        Ok(Self(transaction))
    }
}

impl Source for Reader {
    fn read(
        &mut self,
        table: &Table,
        visit: &mut dyn FnMut(Vec<Row>) -> Result<(), CopyError>,
    ) -> Result<(), CopyError> {
        let columns = table.columns.iter().map(|(column, kind)| match kind {
            Kind::Integer | Kind::Bytes => (*column).to_owned(),
            Kind::Small | Kind::Boolean => format!("{column}::integer::bigint"),
            Kind::Text | Kind::Json => format!("{column}::text"),
            Kind::Time => format!("rfc3339({column})"),
            Kind::Texts => format!("array_to_json({column})::text"),
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        let Table { name, order, .. } = table;
        self.0.batch(&format!(
            "DECLARE copied NO SCROLL CURSOR FOR SELECT {columns} FROM {name} ORDER BY {order}"
        ))?;
        let fetch = format!("FETCH {ROWS_AT_ONCE} FROM copied");
        loop {
            let stored = self.0.query(&fetch, &[])?;
            let is_last = stored.len() < ROWS_AT_ONCE;
            let mut rows = Vec::with_capacity(stored.len());
            for row in &stored {
                let mut values = Vec::with_capacity(table.columns.len());
                for (index, (_, kind)) in table.columns.iter().enumerate() {
                    let value = match kind {
                        Kind::Integer | Kind::Small | Kind::Boolean => {
                            row.try_get::<_, Option<i64>>(index)?.map(Value::Integer)
                        }
                        Kind::Text | Kind::Time | Kind::Json | Kind::Texts => {
                            row.try_get::<_, Option<String>>(index)?.map(Value::Text)
                        }
                        Kind::Bytes => row.try_get::<_, Option<Vec<u8>>>(index)?.map(Value::Bytes),
                    };
                    values.push(value.unwrap_or(Value::Null));
                }
                rows.push(values);
            }
            visit(rows)?;
            if is_last {
                return Ok(self.0.batch("CLOSE copied")?);
            }
        }
    }
}

/// A transaction that writes.
pub(super) struct Writer(Transaction);

impl Writer {
    pub(super) fn begin(database: &Postgres) -> Result<Self, CopyError> {
        let mut transaction = database.write(None)?;
        // Statements over many rows, on tables that grow meanwhile.
        transaction.plan_anew();
        Ok(Self(transaction))
    }
}

impl Target for Writer {
    fn count(&mut self, table: &Table) -> Result<u64, CopyError> {
        let row = self
            .0
            .query_one(&format!("SELECT count(*) FROM {}", table.name), &[])?;
        let count: i64 = row.try_get(0)?;
        Ok(count.unsigned_abs())
    }

    fn clear(&mut self, table: &Table) -> Result<(), CopyError> {
        Ok(self.0.batch(&format!("DELETE FROM {}", table.name))?)
    }

    fn write(&mut self, table: &Table, rows: Vec<Row>) -> Result<(), CopyError> {
        let types: Vec<Type> = table
            .columns
            .iter()
            .map(|(_, kind)| type_of(*kind))
            .collect();
        let mut copied = CopyRows::new(types);
        for row in rows {
            let mut values = Vec::with_capacity(row.len());
            for (value, (column, kind)) in row.into_iter().zip(table.columns) {
                values.push(parameter(value, *kind).map_err(|reason| CopyError::Value {
                    table: table.name,
                    column,
                    reason,
                })?);
            }
            let values: Vec<&(dyn ToSql + Sync)> =
                values.iter().map(|value| &**value as _).collect();
            copied.push(&values)?;
        }
        let (name, names) = (table.name, names(table));
        let sql = format!("COPY {name} ({names}) FROM STDIN (FORMAT binary)");
        self.0.copy_in(&sql, copied)?;
        Ok(())
    }

    fn go_on(&mut self, table: &Table) -> Result<(), CopyError> {
        let name = table.name;
        Ok(self.0.batch(&format!(
            "SELECT setval(pg_get_serial_sequence('{name}', 'id'), max(id)) FROM {name} HAVING max(id) IS NOT NULL"
        ))?)
    }

    fn commit(self: Box<Self>) -> Result<(), CopyError> {
        Ok(self.0.commit()?)
    }
}

/// A type with the bytes of the column's.
fn type_of(kind: Kind) -> Type {
    match kind {
        Kind::Integer | Kind::Time => Type::INT8,
        Kind::Small => Type::INT4,
        Kind::Boolean => Type::BOOL,
        Kind::Text | Kind::Json => Type::TEXT,
        Kind::Texts => Type::TEXT_ARRAY,
        Kind::Bytes => Type::BYTEA,
    }
}

/// No value, of whatever type.
#[derive(Debug)]
struct Null;

impl ToSql for Null {
    fn to_sql(
        &self,
        _: &Type,
        _: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        Ok(IsNull::Yes)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn parameter(value: Value, kind: Kind) -> Result<Box<dyn ToSql + Sync>, String> {
    Ok(match (kind, value) {
        (_, Value::Null) => Box::new(Null),
        (Kind::Integer, Value::Integer(number)) => Box::new(number),
        (Kind::Small, Value::Integer(number)) => {
            Box::new(i32::try_from(number).map_err(|error| error.to_string())?)
        }
        (Kind::Boolean, Value::Integer(number)) => Box::new(number != 0),
        (Kind::Text | Kind::Json, Value::Text(text)) => Box::new(text),
        (Kind::Time, Value::Text(time)) => {
            let time = microseconds(&time).map_err(|error: PostgresError| error.to_string())?;
            Box::new(time)
        }
        (Kind::Texts, Value::Text(json)) => {
            let texts: Vec<String> =
                serde_json::from_str(&json).map_err(|error| error.to_string())?;
            Box::new(texts)
        }
        (Kind::Bytes, Value::Bytes(bytes)) => Box::new(bytes),
        (kind, value) => return Err(format!("{value:?} is no {kind:?}")),
    })
}
