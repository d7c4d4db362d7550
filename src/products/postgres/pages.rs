//! Pages from rows: what every list that goes on behind a position shares.

use std::borrow::Cow;

use crate::db::postgres::{PostgresError, Row, ToSql, Type};
use crate::products::cursor::{Key, Page, Position};

/// A value with its type.
pub(super) type Value = (Box<dyn ToSql + Sync + Send>, Type);

/// A text as the database may be asked for it. It keeps none with U+0000 and refuses the question; U+0001, which no
/// product may have either, stands for it.
pub(super) fn askable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{1}"))
    } else {
        Cow::Borrowed(text)
    }
}

pub(super) fn text(text: &str) -> Value {
    (Box::new(askable(text).into_owned()), Type::TEXT)
}

pub(super) fn integer(number: i64) -> Value {
    (Box::new(number), Type::INT8)
}

pub(super) fn texts(words: &[String]) -> Value {
    let words: Vec<String> = words
        .iter()
        .map(|word| askable(word).into_owned())
        .collect();
    (Box::new(words), Type::TEXT_ARRAY)
}

/// As a connection takes them.
pub(super) fn borrowed(values: &[Value]) -> Vec<(&(dyn ToSql + Sync), Type)> {
    values
        .iter()
        .map(|(value, of)| (&**value as &(dyn ToSql + Sync), of.clone()))
        .collect()
}

/// The `LIMIT` that tells whether a page of `limit` items has a next one.
pub(super) fn probe(limit: usize) -> i64 {
    i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX)
}

/// Takes a page from rows of which there is one more than `limit` where there is a next page: see [`probe`].
pub(super) fn page<T>(
    rows: &[Row],
    limit: usize,
    read: impl Fn(&Row) -> Result<(T, Position), PostgresError>,
) -> Result<Page<T>, PostgresError> {
    let mut items = Vec::with_capacity(rows.len().min(limit));
    let mut last = None;
    for row in rows.iter().take(limit) {
        let (item, position) = read(row)?;
        items.push(item);
        last = Some(position);
    }
    let has_next = rows.len() > limit;
    Ok(Page {
        items,
        next: last.filter(|_| has_next),
    })
}

/// These columns of a row, as keys.
pub(super) fn position(
    row: &Row,
    columns: std::ops::Range<usize>,
) -> Result<Position, PostgresError> {
    let key = |index: usize| -> Result<Key, PostgresError> {
        let is_integer = row.columns()[index].type_() == &Type::INT8;
        Ok(if is_integer {
            Key::Integer(row.try_get(index)?)
        } else {
            Key::Text(row.try_get(index)?)
        })
    };
    Ok(Position(columns.map(key).collect::<Result<_, _>>()?))
}

/// Keys as the values of a comparison.
pub(super) fn values(position: &Position) -> impl Iterator<Item = Value> {
    position.0.iter().map(|key| match key {
        Key::Integer(number) => integer(*number),
        Key::Text(key) => text(key),
    })
}
