//! Pages of complete products, in order of id.

use rusqlite::{Connection, named_params};

use super::read_back;
use crate::products::export::page::{ExportFilter, ExportPage};
use crate::products::input::Status;
use crate::products::weight::weight;

const RANGE: &str = include_str!("../../../sql/sqlite/queries/export_range.sql");
const PAGE: &str = include_str!("../../../sql/sqlite/queries/export_page.sql");

/// Products looked at for one page, however few of them pass the filters.
const LOOKED_AT: i64 = 2_000;
/// Most products of a page, and the weight after which it ends.
const PRODUCTS: usize = 200;
const BYTES: usize = 1024 * 1024;

/// The page after this id, all of it as it was at one moment.
pub(super) fn page(
    connection: &Connection,
    filter: &ExportFilter,
    after: i64,
) -> rusqlite::Result<ExportPage> {
    let snapshot = connection.unchecked_transaction()?;
    let last: Option<i64> = snapshot
        .prepare_cached(RANGE)?
        .query_row((after, LOOKED_AT), |row| row.get(0))?;
    let mut page = ExportPage {
        products: Vec::new(),
        next: last,
    };
    let Some(last) = last else {
        return Ok(page);
    };
    let ExportFilter { status, listing } = filter;
    let mut statement = snapshot.prepare_cached(PAGE)?;
    let mut rows = statement.query(named_params! {
        ":after": after,
        ":last": last,
        ":status": status.map(Status::as_str),
        ":category": listing.category,
        ":vendor": listing.vendor,
        ":product_type": listing.product_type,
        ":tags": serde_json::Value::from(listing.tags.clone()).to_string(),
        ":currency": listing.currency,
        ":price_min": listing.price_min,
        ":price_max": listing.price_max,
        ":availability": serde_json::Value::from(listing.availability.clone()).to_string(),
        ":updated_since": listing.updated_since,
    })?;
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let product = read_back::with_children(&snapshot, row)?;
        bytes += weight(&product);
        let id = product.id;
        page.products.push(product);
        if page.products.len() >= PRODUCTS || bytes >= BYTES {
            page.next = id;
            break;
        }
    }
    Ok(page)
}
