//! Pages from rows: what every list that goes on behind a position shares.

use std::ops::Range;

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Row, Rows};

use crate::products::cursor::{Key, Page, Position};

/// The `LIMIT` that tells whether a page of `limit` items has a next one.
pub(super) fn probe(limit: usize) -> Value {
    Value::from(i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX))
}

/// Takes a page from rows of which there is one more than `limit` where there is a next page: see [`probe`].
pub(super) fn page<T>(
    rows: &mut Rows<'_>,
    limit: usize,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<(T, Position)>,
) -> rusqlite::Result<Page<T>> {
    let mut items = Vec::new();
    let mut last = None;
    while let Some(row) = rows.next()? {
        if items.len() == limit {
            return Ok(Page { items, next: last });
        }
        let (item, position) = read(row)?;
        items.push(item);
        last = Some(position);
    }
    Ok(Page { items, next: None })
}

/// These columns of a row, as keys.
pub(super) fn position(row: &Row<'_>, columns: Range<usize>) -> rusqlite::Result<Position> {
    let key = |index| match row.get_ref(index)? {
        ValueRef::Integer(number) => Ok(Key::Integer(number)),
        other => Ok(Key::Text(other.as_str()?.to_owned())),
    };
    Ok(Position(columns.map(key).collect::<rusqlite::Result<_>>()?))
}

/// Keys as the values of a comparison.
pub(super) fn values(position: &Position) -> impl Iterator<Item = Value> {
    position.0.iter().map(|key| match key {
        Key::Integer(number) => Value::from(*number),
        Key::Text(text) => Value::from(text.clone()),
    })
}
