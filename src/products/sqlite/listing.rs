//! Pages of products: one range of one index wherever the filters allow it, and never an offset.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::pages::{page, position, probe, values};
use crate::products::cursor::{Page, PageRequest};
use crate::products::list_order::Order;
use crate::products::listing::{Listing, Sort};

/// The ids of a page, in order.
pub(super) fn list(
    connection: &Connection,
    listing: &Listing,
    request: &PageRequest,
) -> rusqlite::Result<Page<i64>> {
    let order = Order::of(listing);
    let Select { sql, values } = select(listing, &order, request);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    page(&mut rows, request.limit, |row| {
        Ok((row.get(0)?, position(row, 1..1 + order.columns.len())?))
    })
}

/// A statement. Its text is made of literals of this file alone; whatever a client said is a value.
struct Select {
    sql: String,
    values: Vec<Value>,
}

/// Conditions that all have to hold.
#[derive(Default)]
struct Conditions {
    sql: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    fn push(&mut self, sql: impl Into<String>, values: impl IntoIterator<Item = Value>) {
        self.sql.push(sql.into());
        self.values.extend(values);
    }
}

fn select(listing: &Listing, order: &Order, request: &PageRequest) -> Select {
    let mut conditions = Conditions::default();
    filter(&mut conditions, listing);
    price(&mut conditions, listing, request.after.is_some());
    if let Some(position) = &request.after {
        let direction = if order.falling { "<" } else { ">" };
        let places = vec!["?"; order.columns.len()].join(", ");
        let after = format!(
            "({}) {direction} ({places})",
            order.columns_as(str::to_owned)
        );
        conditions.push(after, values(position));
    }
    let Conditions { sql, mut values } = conditions;
    let r#where = if sql.is_empty() {
        String::new()
    } else {
        format!("WHERE {}", sql.join(" AND "))
    };
    let keys = order.columns_as(str::to_owned);
    let direction = if order.falling { " DESC" } else { "" };
    let by = order.columns_as(|column| format!("{column}{direction}"));
    values.push(probe(request.limit));
    Select {
        sql: format!(
            "SELECT product_id, {keys} FROM product_listing {where} ORDER BY {by} LIMIT ?"
        ),
        values,
    }
}

/// Everything but the price. A unary plus keeps a condition that leaves many from choosing the index.
fn filter(conditions: &mut Conditions, listing: &Listing) {
    let text = |text: &String| Value::from(text.clone());
    if let Some(category) = &listing.category {
        // Whole levels: "Apparel > …", but not "Apparels". '!' is the sign after the space.
        conditions.push(
            "(category = ? OR category >= ? AND category < ?)",
            [
                text(category),
                Value::from(format!("{category} > ")),
                Value::from(format!("{category} >!")),
            ],
        );
    }
    if let Some(vendor) = &listing.vendor {
        conditions.push("vendor = ?", [text(vendor)]);
    }
    if let Some(product_type) = &listing.product_type {
        conditions.push("product_type = ?", [text(product_type)]);
    }
    for group in &listing.tags {
        conditions.push(
            "product_id IN (SELECT product_id FROM product_tag
                            WHERE tag IN (SELECT value FROM json_each(?)))",
            [json_array(group)],
        );
    }
    if !listing.availability.is_empty() {
        conditions.push(
            "availability IN (SELECT value FROM json_each(?))",
            [json_array(&listing.availability)],
        );
    }
    if let Some(since) = &listing.updated_since {
        conditions.push("updated_at >= ?", [text(since)]);
    }
}

/// Currency and bounds. In an order by price they bound the range of its index; `goes_on` says that the
/// position bounds it from one side already.
fn price(conditions: &mut Conditions, listing: &Listing, goes_on: bool) {
    let by_price = matches!(listing.sort, Sort::Price | Sort::PriceFalling);
    let Some(currency) = &listing.currency else {
        // A position leaves out what has no price by itself: NULL compares with nothing.
        if by_price && !goes_on {
            conditions.push("currency > ''", []);
        }
        return;
    };
    let bounded = listing.price_min.is_some() || listing.price_max.is_some();
    let indexed = by_price || bounded;
    let equal = if indexed {
        "currency = ?"
    } else {
        "+currency = ?"
    };
    conditions.push(equal, [Value::from(currency.clone())]);
    let goes_on_by = |sort| goes_on && listing.sort == sort;
    if let Some(lowest) = listing.price_min.filter(|_| !goes_on_by(Sort::Price)) {
        conditions.push("price_minor >= ?", [Value::from(lowest)]);
    }
    let above = !goes_on_by(Sort::PriceFalling);
    if let Some(highest) = listing.price_max.filter(|_| above) {
        conditions.push("price_minor <= ?", [Value::from(highest)]);
    }
}

/// One value for any number of words, so that the text of the statement does not depend on it.
fn json_array(words: &[String]) -> Value {
    Value::from(serde_json::Value::from(words).to_string())
}

#[cfg(test)]
mod tests;
