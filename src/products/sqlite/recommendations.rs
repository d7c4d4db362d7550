//! Recommendations: relations first, then the most popular of the same category, then the most popular that
//! share a tag. Each step reads the beginning of one index range, and only where the steps before it have not
//! found enough.

use std::cmp::Reverse;

use rusqlite::{Connection, Statement, params};

use super::reviews::is_public;
use crate::products::recommendation::{Found, Reason, Recommendation};

const RELATED: &str = include_str!("../../../sql/sqlite/queries/related.sql");
const POPULAR_IN_CATEGORY: &str =
    include_str!("../../../sql/sqlite/queries/popular_in_category.sql");
const TAGS_OF_PRODUCT: &str = include_str!("../../../sql/sqlite/queries/tags_of_product.sql");
const POPULAR_WITH_TAG: &str = include_str!("../../../sql/sqlite/queries/popular_with_tag.sql");

/// Relations looked at: the same product may be named as several kinds.
const MOST_RELATIONS: i64 = 1_000;
/// Tags looked at.
const MOST_TAGS: i64 = 50;

/// At most `limit` public products other than this one, each once; `None` where this one is not public.
pub(super) fn recommendations(
    connection: &Connection,
    product_id: i64,
    limit: usize,
) -> rusqlite::Result<Option<Vec<Recommendation>>> {
    if !is_public(connection, product_id)? {
        return Ok(None);
    }
    let mut found = Found::new(product_id, limit);
    found.add_relations(&mut *connection.prepare_cached(RELATED)?)?;
    if found.wants_more() {
        found.add_of_category(&mut *connection.prepare_cached(POPULAR_IN_CATEGORY)?)?;
    }
    if found.wants_more() {
        found.add_with_tags(
            &mut *connection.prepare_cached(TAGS_OF_PRODUCT)?,
            &mut *connection.prepare_cached(POPULAR_WITH_TAG)?,
        )?;
    }
    Ok(Some(found.into_list()))
}

impl Found {
    fn add_relations(&mut self, related: &mut Statement<'_>) -> rusqlite::Result<()> {
        let mut rows = related.query(params![self.of, MOST_RELATIONS])?;
        while let Some(row) = rows.next()? {
            self.add(row.get(0)?, Reason::Relation(row.get(1)?));
        }
        Ok(())
    }

    fn add_of_category(&mut self, popular: &mut Statement<'_>) -> rusqlite::Result<()> {
        let mut rows = popular.query(params![self.of, self.enough()])?;
        while let Some(row) = rows.next()? {
            self.add(row.get(0)?, Reason::Category);
        }
        Ok(())
    }

    /// The most popular of all tags are among the most popular of each.
    fn add_with_tags(
        &mut self,
        tags: &mut Statement<'_>,
        popular: &mut Statement<'_>,
    ) -> rusqlite::Result<()> {
        let tags: Vec<String> = tags
            .query_map(params![self.of, MOST_TAGS], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let mut candidates: Vec<(i64, i64, i64)> = Vec::new();
        for tag in tags {
            let mut rows = popular.query(params![tag, self.enough()])?;
            while let Some(row) = rows.next()? {
                candidates.push((row.get(1)?, row.get(2)?, row.get(0)?));
            }
        }
        candidates.sort_unstable_by_key(|candidate| Reverse(*candidate));
        for (_, _, product_id) in candidates {
            self.add(product_id, Reason::Tag);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
