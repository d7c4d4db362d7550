//! Published reviews, newest first.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::pages::{page, position, probe, values};
use crate::products::cursor::{Key, Page, PageRequest, Position};

const IS_PUBLIC: &str = include_str!("../../../sql/sqlite/queries/is_public.sql");
const REVIEWS: &str = include_str!("../../../sql/sqlite/queries/reviews.sql");

/// Whether everybody may see the product.
pub(super) fn is_public(connection: &Connection, product_id: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(IS_PUBLIC)?
        .query_row([product_id], |row| row.get(0))
}

/// A page of reviews, each as JSON; `None` where the product is not public.
pub(super) fn reviews(
    connection: &Connection,
    product_id: i64,
    request: &PageRequest,
) -> rusqlite::Result<Option<Page<String>>> {
    if !is_public(connection, product_id)? {
        return Ok(None);
    }
    // Times begin with a digit, and every digit sorts before this sign.
    let beginning = || Position(vec![Key::Text("~".to_owned()), Key::Integer(i64::MAX)]);
    let after = request.after.clone().unwrap_or_else(beginning);
    let mut given = vec![Value::from(product_id)];
    given.extend(values(&after));
    given.push(probe(request.limit));
    let mut statement = connection.prepare_cached(REVIEWS)?;
    let mut rows = statement.query(params_from_iter(given))?;
    let page = page(&mut rows, request.limit, |row| {
        Ok((row.get(0)?, position(row, 1..3)?))
    })?;
    Ok(Some(page))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::sqlite::{Access, Sqlite, open};

    #[test]
    fn pages_are_read_in_the_order_of_the_index() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.db");
        Sqlite::open(&path).unwrap().migrate().unwrap();
        let connection = open(&path, Access::ReadOnly).unwrap();
        let plan: Vec<String> = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {REVIEWS}"))
            .unwrap()
            .query_map(rusqlite::params![1, "~", 1, 1], |row| row.get(3))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        let expected = "SEARCH review USING INDEX review_of_product (product_id=? AND status=? AND created_at<?)";
        assert_eq!(plan, [expected]);
    }
}
