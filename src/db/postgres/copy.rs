//! Rows for `COPY … FROM STDIN (FORMAT binary)`: what the server takes fastest.

use std::borrow::Cow;

use bytes::{BufMut, Bytes, BytesMut};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_postgres::types::{IsNull, ToSql, Type};

use super::PostgresError;

/// How the format begins: its signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// In place of a number of fields: no more rows.
const END: i16 = -1;
/// In place of a length: no value.
const NULL: i32 = -1;

/// Rows of one table, in the making.
pub struct CopyRows {
    types: Cow<'static, [Type]>,
    buffer: BytesMut,
    rows: u64,
}

impl CopyRows {
    /// None yet. `types` are those of the columns, or others whose values have the same bytes.
    pub fn new(types: impl Into<Cow<'static, [Type]>>) -> Self {
        Self {
            types: types.into(),
            buffer: BytesMut::from(HEADER),
            rows: 0,
        }
    }

    /// Adds a row, with a value for each column.
    pub fn push(&mut self, values: &[&(dyn ToSql + Sync)]) -> Result<(), PostgresError> {
        let unfit = |error: &dyn std::fmt::Display| PostgresError::Damaged(error.to_string());
        let fields = i16::try_from(values.len()).map_err(|error| unfit(&error))?;
        self.buffer.put_i16(fields);
        for (value, of) in values.iter().zip(&*self.types) {
            let length_at = self.buffer.len();
            self.buffer.put_i32(NULL);
            let is_null = value
                .to_sql_checked(of, &mut self.buffer)
                .map_err(|error| unfit(&error))?;
            if let IsNull::No = is_null {
                let start = length_at + size_of::<i32>();
                let length =
                    i32::try_from(self.buffer.len() - start).map_err(|error| unfit(&error))?;
                self.buffer[length_at..start].copy_from_slice(&length.to_be_bytes());
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// True where there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub(super) fn finish(mut self) -> Bytes {
        self.buffer.put_i16(END);
        self.buffer.freeze()
    }
}

/// Microseconds since the year 2000, which is how PostgreSQL keeps a time (RFC 3339).
pub fn microseconds(time: &str) -> Result<i64, PostgresError> {
    /// From 1970 to 2000, in seconds.
    const EPOCH: i128 = 946_684_800;

    let parsed = OffsetDateTime::parse(time, &Rfc3339).ok();
    parsed
        .map(|it| it.unix_timestamp_nanos() / 1000 - EPOCH * 1_000_000)
        .and_then(|it| i64::try_from(it).ok())
        .ok_or_else(|| PostgresError::Damaged(format!("{time:?} is not a time")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_postgresql() {
        for (time, expected) in [
            ("2000-01-01T00:00:00.000Z", 0),
            ("1999-12-31T23:59:59.999Z", -1_000),
            ("2026-11-28T09:17:34.097Z", 849_172_654_097_000),
        ] {
            assert_eq!(microseconds(time).unwrap(), expected, "{time}");
        }
        microseconds("yesterday").unwrap_err();
    }
}
