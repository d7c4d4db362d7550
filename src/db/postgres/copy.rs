//! Rows for `COPY … FROM STDIN (FORMAT binary)`: what the server takes fastest.

use bytes::{BufMut, Bytes, BytesMut};
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
    types: &'static [Type],
    buffer: BytesMut,
    rows: u64,
}

impl CopyRows {
    /// None yet. `types` are those of the columns, or others whose values have the same bytes.
    pub fn new(types: &'static [Type]) -> Self {
        Self {
            types,
            buffer: BytesMut::from(HEADER),
            rows: 0,
        }
    }

    /// Adds a row, with a value for each column.
    pub fn push(&mut self, values: &[&(dyn ToSql + Sync)]) -> Result<(), PostgresError> {
        let unfit = |error: &dyn std::fmt::Display| PostgresError::Damaged(error.to_string());
        let fields = i16::try_from(values.len()).map_err(|error| unfit(&error))?;
        self.buffer.put_i16(fields);
        for (value, of) in values.iter().zip(self.types) {
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
