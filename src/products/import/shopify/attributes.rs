//! Attributes in columns of their own.

use indexmap::IndexSet;
use serde_json::Value;

use super::super::RecordError;
use super::cell::Cell;
use super::columns::Column;

/// The value of an attribute from its column's cells in all rows of the product: none where all are
/// blank, an array where they differ (market prices differ by variant), else the text itself.
///
/// `Gift card` is a yes or no. What Shopify writes for every ordinary product (`FALSE` there, `manual`
/// fulfilment) says nothing and is left out.
pub(super) fn value<'a>(
    column: Column,
    cells: impl Iterator<Item = Cell<'a>>,
) -> Result<Option<Value>, RecordError> {
    let mut values: IndexSet<Value> = IndexSet::new();
    for cell in cells.filter(|cell| !cell.text.is_empty()) {
        let value = match column {
            Column::Attribute("gift_card") => Value::Bool(cell.flag()?),
            _ => Value::String(cell.text.to_owned()),
        };
        if !is_default(column, &value) {
            values.insert(value);
        }
    }
    Ok(match values.len() {
        0 | 1 => values.pop(),
        _ => Some(Value::Array(values.into_iter().collect())),
    })
}

/// The cell that [`value`] reads as `value`, if there is one.
pub(in crate::products) fn cell(column: Column, value: &Value) -> Option<&str> {
    match (column, value) {
        _ if is_default(column, value) => None,
        (Column::Attribute("gift_card"), Value::Bool(true)) => Some("TRUE"),
        (Column::Attribute("gift_card"), _) => None,
        (_, Value::String(text)) if !text.is_empty() && text.trim() == text => Some(text),
        _ => None,
    }
}

fn is_default(column: Column, value: &Value) -> bool {
    match column {
        Column::Attribute("gift_card") => value == false,
        Column::Attribute("fulfillment_service") => value == "manual",
        _ => false,
    }
}
