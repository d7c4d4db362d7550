//! Complete products, in order of id: a page at a time, or all of them.

use serde_json::json;

use super::pages::askable;
use super::read_back;
use crate::db::postgres::{Connection, PostgresError, Type};
use crate::products::export::page::{ExportFilter, ExportPage};
use crate::products::input::{ProductInput, Status};
use crate::products::weight::weight;

const PRODUCTS: &str = include_str!("../../../sql/postgres/queries/export_products.sql");
const RANGE: &str = include_str!("../../../sql/postgres/queries/export_range.sql");
const PAGE: &str = include_str!("../../../sql/postgres/queries/export_page.sql");

/// One view of the catalogue for several statements, each of which names some hundred products: to read all there are
/// for them is never right.
pub(super) const SNAPSHOT: &str =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL enable_seqscan = off";

/// Products looked at for one page, however few of them pass the filters.
const LOOKED_AT: i64 = 2_000;
/// Most products of a page, and the weight after which it ends.
const MOST: usize = 200;
const BYTES: usize = 1024 * 1024;

/// The page after this id, all of it as it was at one moment.
pub(super) async fn page(
    connection: &mut Connection,
    filter: &ExportFilter,
    after: i64,
) -> Result<ExportPage, PostgresError> {
    connection.batch(SNAPSHOT).await?;
    let page = page_of(connection, filter, after).await;
    connection.batch("COMMIT").await?;
    page
}

async fn page_of(
    connection: &mut Connection,
    filter: &ExportFilter,
    after: i64,
) -> Result<ExportPage, PostgresError> {
    let range = [(&after as _, Type::INT8), (&LOOKED_AT as _, Type::INT8)];
    let last: Option<i64> = connection
        .query_one(RANGE, &range)
        .await?
        .try_get(0)
        .map_err(PostgresError::from)?;
    let mut page = ExportPage {
        products: Vec::new(),
        next: last,
    };
    let Some(last) = last else {
        return Ok(page);
    };
    let ExportFilter { status, listing } = filter;
    let word = |word: &Option<String>| word.as_deref().map(|it| askable(it).into_owned());
    let (category, vendor) = (word(&listing.category), word(&listing.vendor));
    let product_type = word(&listing.product_type);
    let groups = listing.tags.iter();
    let groups = groups.map(|group| group.iter().map(|tag| askable(tag)).collect::<Vec<_>>());
    let tags = json!(groups.collect::<Vec<_>>()).to_string();
    let most = i64::try_from(MOST).unwrap_or(i64::MAX);
    let rows = connection
        .query(
            PAGE,
            &[
                (&after, Type::INT8),
                (&last, Type::INT8),
                (&status.map(Status::as_str), Type::TEXT),
                (&category, Type::TEXT),
                (&vendor, Type::TEXT),
                (&product_type, Type::TEXT),
                (&tags, Type::TEXT),
                (&listing.currency, Type::TEXT),
                (&listing.price_min, Type::INT8),
                (&listing.price_max, Type::INT8),
                (&listing.availability, Type::TEXT_ARRAY),
                (&listing.updated_since, Type::TEXT),
                (&most, Type::INT8),
            ],
        )
        .await?;
    let is_full = rows.len() >= MOST;
    let mut bytes = 0;
    for product in read_back::with_children(connection, &rows).await? {
        bytes += weight(&product);
        let id = product.id;
        page.products.push(product);
        if bytes >= BYTES || (is_full && page.products.len() == MOST) {
            page.next = id;
            break;
        }
    }
    Ok(page)
}

/// The next products behind an id; none at the end.
pub(super) async fn products_after(
    connection: &mut Connection,
    after: i64,
    limit: i64,
) -> Result<Vec<ProductInput>, PostgresError> {
    let parameters = [(&after as _, Type::INT8), (&limit as _, Type::INT8)];
    let rows = connection.query(PRODUCTS, &parameters).await?;
    read_back::with_children(connection, &rows).await
}
