//! Pages of products: one range of one index wherever the filters allow it, and never an offset.

use super::pages::{Value, borrowed, integer, page, position, probe, text, texts, values};
use crate::db::postgres::{Connection, PostgresError};
use crate::products::cursor::{Page, PageRequest};
use crate::products::list_order::Order;
use crate::products::listing::{Listing, Sort};

/// The ids of a page, in order.
pub(super) async fn list(
    connection: &mut Connection,
    listing: &Listing,
    request: &PageRequest,
) -> Result<Page<i64>, PostgresError> {
    let order = Order::of(listing);
    let Select { sql, values } = select(listing, &order, request);
    // Whether half the catalogue has a tag or nothing has it makes the difference.
    let rows = connection.query_anew(&sql, &borrowed(&values)).await?;
    page(&rows, request.limit, |row| {
        let keys = 1..1 + order.columns.len();
        Ok((row.try_get(0)?, position(row, keys)?))
    })
}

/// Times are compared as times, and are text in a position.
fn is_time(column: &str) -> bool {
    matches!(column, "published_at" | "updated_at")
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
    /// Takes a value; returns its place in the text.
    fn place(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    /// Takes a condition whose `?` is this value.
    fn push(&mut self, sql: &str, value: Value) {
        let place = self.place(value);
        self.sql.push(sql.replace('?', &place));
    }
}

fn select(listing: &Listing, order: &Order, request: &PageRequest) -> Select {
    let mut conditions = Conditions::default();
    filter(&mut conditions, listing);
    price(&mut conditions, listing);
    if let Some(position) = &request.after {
        let direction = if order.falling { "<" } else { ">" };
        let places: Vec<_> = order
            .columns
            .iter()
            .zip(values(position))
            .map(|(column, value)| {
                let place = conditions.place(value);
                let cast = if is_time(column) { "::timestamptz" } else { "" };
                format!("{place}{cast}")
            })
            .collect();
        let columns = order.columns_as(str::to_owned);
        let places = places.join(", ");
        conditions
            .sql
            .push(format!("({columns}) {direction} ({places})"));
    }
    let limit = conditions.place(integer(probe(request.limit)));
    let r#where = if conditions.sql.is_empty() {
        String::new()
    } else {
        format!("WHERE {}", conditions.sql.join(" AND "))
    };
    let keys = order.columns_as(|column| {
        if is_time(column) {
            format!("rfc3339({column})")
        } else {
            str::to_owned(column)
        }
    });
    let direction = if order.falling { " DESC" } else { "" };
    let by = order.columns_as(|column| format!("{column}{direction}"));
    Select {
        sql: format!(
            "SELECT product_id, {keys} FROM product_listing {where} ORDER BY {by} LIMIT {limit}"
        ),
        values: conditions.values,
    }
}

/// Everything but the price.
fn filter(conditions: &mut Conditions, listing: &Listing) {
    if let Some(category) = &listing.category {
        // Whole levels: "Apparel > …", but not "Apparels". '!' is the sign after the space.
        conditions.push(
            "(category = ? OR category >= ? || ' > ' AND category < ? || ' >!')",
            text(category),
        );
    }
    if let Some(vendor) = &listing.vendor {
        conditions.push("vendor = ?", text(vendor));
    }
    if let Some(product_type) = &listing.product_type {
        conditions.push("product_type = ?", text(product_type));
    }
    for group in &listing.tags {
        conditions.push(
            "product_id IN (SELECT product_id FROM product_tag WHERE tag = ANY (?))",
            texts(group),
        );
    }
    if !listing.availability.is_empty() {
        conditions.push("availability = ANY (?)", texts(&listing.availability));
    }
    if let Some(since) = &listing.updated_since {
        conditions.push("updated_at >= ?::timestamptz", text(since));
    }
}

/// Currency and bounds.
fn price(conditions: &mut Conditions, listing: &Listing) {
    let Some(currency) = &listing.currency else {
        // What has no price has no place among prices.
        if matches!(listing.sort, Sort::Price | Sort::PriceFalling) {
            conditions.sql.push("currency > ''".to_owned());
        }
        return;
    };
    conditions.push("currency = ?", text(currency));
    if let Some(lowest) = listing.price_min {
        conditions.push("price_minor >= ?", integer(lowest));
    }
    if let Some(highest) = listing.price_max {
        conditions.push("price_minor <= ?", integer(highest));
    }
}
