//! What is read of public products beside their documents and lists: stock, reviews, recommendations, and what the
//! search index and the tree of categories are made of.

use std::collections::HashMap;

use super::pages::{page, position, probe};
use crate::db::postgres::{Connection, PostgresError, Row, Transaction, Type};
use crate::products::cursor::{Key, Page, PageRequest, Position};
use crate::products::recommendation::{Found, Reason, Recommendation};
use crate::products::store::ListedProduct;

const IS_PUBLIC: &str = "SELECT EXISTS (SELECT 1 FROM product_listing WHERE product_id = $1)";
const STOCK: &str = include_str!("../../../sql/postgres/queries/stock.sql");
const REVIEWS: &str = include_str!("../../../sql/postgres/queries/reviews.sql");
const RELATED: &str = include_str!("../../../sql/postgres/queries/related.sql");
const POPULAR_IN_CATEGORY: &str =
    include_str!("../../../sql/postgres/queries/popular_in_category.sql");
const POPULAR_WITH_TAGS: &str = include_str!("../../../sql/postgres/queries/popular_with_tags.sql");
const LISTED: &str = include_str!("../../../sql/postgres/queries/listed.sql");
const LISTED_AFTER: &str = include_str!("../../../sql/postgres/queries/listed_after.sql");
const CATEGORIES: &str = include_str!("../../../sql/postgres/queries/categories.sql");

/// Relations looked at: the same product may be named as several kinds.
const MOST_RELATIONS: i64 = 1_000;
/// Tags looked at.
const MOST_TAGS: i64 = 50;

async fn is_public(connection: &mut Connection, product_id: i64) -> Result<bool, PostgresError> {
    let id = [(&product_id as _, Type::INT8)];
    Ok(connection.query_one(IS_PUBLIC, &id).await?.try_get(0)?)
}

/// Whether a product is public, to what is written in the same transaction.
pub(super) fn is_public_in(
    transaction: &mut Transaction,
    product_id: i64,
) -> Result<bool, PostgresError> {
    let id = [(&product_id as _, Type::INT8)];
    let row = transaction.query_opt(IS_PUBLIC, &id)?;
    Ok(row.map(|row| row.try_get(0)).transpose()?.unwrap_or(false))
}

/// The exact stock of those of the products that are public, as JSON, by id.
pub(super) async fn stocks(
    connection: &mut Connection,
    ids: &[i64],
) -> Result<HashMap<i64, String>, PostgresError> {
    let rows = connection.query(STOCK, &[(&ids, Type::INT8_ARRAY)]).await?;
    let stocks = rows
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
    stocks.collect()
}

/// A page of reviews, each as JSON; `None` where the product is not public.
pub(super) async fn reviews(
    connection: &mut Connection,
    product_id: i64,
    request: &PageRequest,
) -> Result<Option<Page<String>>, PostgresError> {
    if !is_public(connection, product_id).await? {
        return Ok(None);
    }
    let (time, id) = match request.after.as_ref().map(|position| &position.0[..]) {
        Some([Key::Text(time), Key::Integer(id)]) => (time.clone(), *id),
        _ => ("infinity".to_owned(), i64::MAX),
    };
    let rows = connection
        .query(
            REVIEWS,
            &[
                (&product_id, Type::INT8),
                (&time, Type::TEXT),
                (&id, Type::INT8),
                (&probe(request.limit), Type::INT8),
            ],
        )
        .await?;
    let page = page(&rows, request.limit, |row| {
        let position: Position = position(row, 1..3)?;
        Ok((row.try_get(0)?, position))
    })?;
    Ok(Some(page))
}

/// At most `limit` public products other than this one, each once; `None` where this one is not public.
pub(super) async fn recommendations(
    connection: &mut Connection,
    product_id: i64,
    limit: usize,
) -> Result<Option<Vec<Recommendation>>, PostgresError> {
    if !is_public(connection, product_id).await? {
        return Ok(None);
    }
    let mut found = Found::new(product_id, limit);
    let id = || (&product_id as _, Type::INT8);
    let related = [id(), (&MOST_RELATIONS as _, Type::INT8)];
    for row in connection.query(RELATED, &related).await? {
        found.add(row.try_get(0)?, Reason::Relation(row.try_get(1)?));
    }
    if found.wants_more() {
        let enough = found.enough();
        let popular = [id(), (&enough as _, Type::INT8)];
        for row in connection.query(POPULAR_IN_CATEGORY, &popular).await? {
            found.add(row.try_get(0)?, Reason::Category);
        }
    }
    if found.wants_more() {
        let enough = found.enough();
        let popular = [
            id(),
            (&MOST_TAGS as _, Type::INT8),
            (&enough as _, Type::INT8),
        ];
        for row in connection.query(POPULAR_WITH_TAGS, &popular).await? {
            found.add(row.try_get(0)?, Reason::Tag);
        }
    }
    Ok(Some(found.into_list()))
}

/// Public products behind an id, in order.
pub(super) async fn listed_after(
    connection: &mut Connection,
    product_id: i64,
    limit: usize,
) -> Result<Vec<ListedProduct>, PostgresError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = connection
        .query(
            LISTED_AFTER,
            &[(&product_id, Type::INT8), (&limit, Type::INT8)],
        )
        .await?;
    rows.iter().map(listed_product).collect()
}

/// Those with these ids.
pub(super) async fn listed(
    connection: &mut Connection,
    ids: &[i64],
) -> Result<Vec<ListedProduct>, PostgresError> {
    let rows = connection
        .query(LISTED, &[(&ids, Type::INT8_ARRAY)])
        .await?;
    rows.iter().map(listed_product).collect()
}

fn listed_product(row: &Row) -> Result<ListedProduct, PostgresError> {
    let rating: i64 = row.try_get(3)?;
    let document: &str = row.try_get(1)?;
    Ok(ListedProduct {
        product_id: row.try_get(0)?,
        document: document.as_bytes().to_vec(),
        published_at: row.try_get(2)?,
        rating: rating.unsigned_abs(),
    })
}

/// How many are in each category.
pub(super) async fn categories(
    connection: &mut Connection,
) -> Result<Vec<(String, u64)>, PostgresError> {
    let rows = connection.query(CATEGORIES, &[]).await?;
    let read = |row: &Row| {
        let count: i64 = row.try_get(1)?;
        Ok((row.try_get(0)?, count.unsigned_abs()))
    };
    rows.iter().map(read).collect()
}
