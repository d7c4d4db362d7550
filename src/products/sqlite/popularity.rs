//! Counts of views, and what follows from them for the lists.

use rusqlite::{Connection, params};

use crate::products::popularity::{HALF_LIFE, Halved, VIEWS_OF_A_RATING, Viewed};

pub(super) fn add_views(connection: &Connection, views: &[(i64, u64)]) -> rusqlite::Result<()> {
    let mut add = connection.prepare_cached(
        "INSERT INTO product_views (product_id, views, halved_at)
         SELECT id, ?2, unixepoch() FROM product WHERE id = ?1
         ON CONFLICT (product_id) DO UPDATE SET views = views + excluded.views
         RETURNING views",
    )?;
    for (product_id, count) in views {
        let mut rows = add.query(params![product_id, count])?;
        let known = rows.next()?.map(|row| row.get::<_, i64>(0)).transpose()?;
        drop(rows);
        let Some(now) = known else {
            continue;
        };
        let before = now - i64::try_from(*count).unwrap_or(now);
        if now / VIEWS_OF_A_RATING != before / VIEWS_OF_A_RATING {
            place(connection, *product_id)?;
        }
    }
    Ok(())
}

pub(super) fn most_viewed(
    connection: &Connection,
    least: i64,
    limit: usize,
) -> rusqlite::Result<Vec<Viewed>> {
    connection
        .prepare_cached(
            "SELECT product_id, views FROM product_views WHERE views >= ?1
             ORDER BY views DESC, product_id LIMIT ?2",
        )?
        .query_map(params![least, limit], |row| {
            Ok(Viewed {
                product_id: row.get(0)?,
                views: row.get::<_, i64>(1)?.unsigned_abs(),
            })
        })?
        .collect()
}

pub(super) fn hidden(connection: &Connection, ids: &[i64]) -> rusqlite::Result<Vec<i64>> {
    let mut listed =
        connection.prepare_cached("SELECT 1 FROM product_listing WHERE product_id = ?1")?;
    let mut hidden = Vec::new();
    for id in ids {
        if !listed.exists([id])? {
            hidden.push(*id);
        }
    }
    Ok(hidden)
}

pub(super) fn halve_views(connection: &Connection, limit: usize) -> rusqlite::Result<Halved> {
    let ids: Vec<i64> = connection
        .prepare_cached(
            "UPDATE product_views SET views = views / 2, halved_at = unixepoch() WHERE product_id IN (
                 SELECT product_id FROM product_views WHERE halved_at <= unixepoch() - ?1
                 ORDER BY halved_at LIMIT ?2)
             RETURNING product_id",
        )?
        .query_map(params![HALF_LIFE.as_secs(), limit], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in &ids {
        place(connection, *id)?;
    }
    Ok(if ids.len() == limit {
        Halved::Some
    } else {
        Halved::All
    })
}

/// Moves a product in the lists to where it belongs, if it is in them.
fn place(connection: &Connection, product_id: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE product_listing SET rating_count = l.rating_count FROM listed_product l
             WHERE l.product_id = ?1 AND product_listing.product_id = ?1",
        )?
        .execute([product_id])?;
    connection
        .prepare_cached(
            "UPDATE product_tag SET rating_count = l.rating_count FROM product_listing l
             WHERE l.product_id = ?1 AND product_tag.product_id = ?1",
        )?
        .execute([product_id])?;
    Ok(())
}
