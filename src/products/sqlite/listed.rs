//! Public products for what is derived from them: the search index, the tree of categories.

use rusqlite::{Connection, Row, params};

use crate::products::store::ListedProduct;

const LISTED_AFTER: &str = include_str!("../../../sql/sqlite/queries/listed_after.sql");
const LISTED: &str = include_str!("../../../sql/sqlite/queries/listed.sql");
const CATEGORIES: &str = include_str!("../../../sql/sqlite/queries/categories.sql");

/// Those behind an id, in order.
pub(super) fn after(
    connection: &Connection,
    product_id: i64,
    limit: usize,
) -> rusqlite::Result<Vec<ListedProduct>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(LISTED_AFTER)?;
    statement
        .query_map(params![product_id, limit], read)?
        .collect()
}

/// Those with these ids.
pub(super) fn by_ids(connection: &Connection, ids: &[i64]) -> rusqlite::Result<Vec<ListedProduct>> {
    let ids = serde_json::Value::from(ids).to_string();
    let mut statement = connection.prepare_cached(LISTED)?;
    statement.query_map([ids], read)?.collect()
}

/// How many are in each category.
pub(super) fn categories(connection: &Connection) -> rusqlite::Result<Vec<(String, u64)>> {
    let mut statement = connection.prepare_cached(CATEGORIES)?;
    statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<ListedProduct> {
    Ok(ListedProduct {
        product_id: row.get(0)?,
        document: row.get_ref(1)?.as_bytes()?.to_vec(),
        published_at: row.get(2)?,
        rating: row.get(3)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::sqlite::{Access, Sqlite, open};

    #[test]
    fn the_plans_follow_the_keys_and_sort_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.db");
        Sqlite::open(&path).unwrap().migrate().unwrap();
        let connection = open(&path, Access::ReadOnly).unwrap();
        let plan = |sql: &str| -> Vec<String> {
            connection
                .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
                .unwrap()
                .query_map([], |row| row.get(3))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap()
        };
        let bound = |sql: &str| sql.replace("?1", "1").replace("?2", "1");
        let document = "SEARCH d USING INTEGER PRIMARY KEY (rowid=?)";
        assert_eq!(
            plan(&bound(LISTED_AFTER)),
            ["SEARCH l USING PRIMARY KEY (product_id>?)", document]
        );
        assert_eq!(
            plan(&LISTED.replace("?1", "'[1]'"))[1..],
            ["SEARCH l USING PRIMARY KEY (product_id=?)", document]
        );
        assert_eq!(
            plan(CATEGORIES),
            ["SEARCH product_listing USING COVERING INDEX listing_category (category>?)"]
        );
    }
}
