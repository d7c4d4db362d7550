//! Counts of views, and what follows from them for the lists.

use crate::db::postgres::{Connection, PostgresError, Transaction, Type};
use crate::products::popularity::{HALF_LIFE, Halved, VIEWS_OF_A_RATING, Viewed};

pub(super) fn add_views(
    transaction: &mut Transaction,
    views: &[(i64, u64)],
) -> Result<(), PostgresError> {
    let ids: Vec<i64> = views.iter().map(|(id, _)| *id).collect();
    let count = |count: &u64| i64::try_from(*count).unwrap_or(i64::MAX);
    let counts: Vec<i64> = views.iter().map(|(_, views)| count(views)).collect();
    let rows = transaction.query(
        "INSERT INTO product_views (product_id, views)
         SELECT g.product_id, g.views
         FROM unnest($1::bigint[], $2::bigint[]) AS g (product_id, views)
         JOIN product p ON p.id = g.product_id
         ORDER BY g.product_id
         ON CONFLICT (product_id) DO UPDATE SET views = product_views.views + excluded.views
         RETURNING product_id, views",
        &[(&ids, Type::INT8_ARRAY), (&counts, Type::INT8_ARRAY)],
    )?;
    let mut moved = Vec::new();
    for row in &rows {
        let (id, now): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        let added = views.binary_search_by_key(&id, |(id, _)| *id);
        let added = added.map_or(0, |at| counts[at]);
        if now / VIEWS_OF_A_RATING != (now - added) / VIEWS_OF_A_RATING {
            moved.push(id);
        }
    }
    place(transaction, &moved)
}

pub(super) async fn most_viewed(
    connection: &mut Connection,
    least: i64,
    limit: usize,
) -> Result<Vec<Viewed>, PostgresError> {
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let sql = "SELECT product_id, views FROM product_views WHERE views >= $1
               ORDER BY views DESC, product_id LIMIT $2";
    let of = [(&least as _, Type::INT8), (&most as _, Type::INT8)];
    let rows = connection.query(sql, &of).await?;
    rows.iter()
        .map(|row| {
            let views: i64 = row.try_get(1)?;
            Ok(Viewed {
                product_id: row.try_get(0)?,
                views: views.unsigned_abs(),
            })
        })
        .collect()
}

pub(super) async fn hidden(
    connection: &mut Connection,
    ids: &[i64],
) -> Result<Vec<i64>, PostgresError> {
    let sql = "SELECT g.id FROM unnest($1::bigint[]) WITH ORDINALITY AS g (id, place)
               WHERE NOT EXISTS (SELECT FROM product_listing l WHERE l.product_id = g.id)
               ORDER BY g.place";
    let rows = connection.query(sql, &[(&ids, Type::INT8_ARRAY)]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

pub(super) fn halve_views(
    transaction: &mut Transaction,
    limit: usize,
) -> Result<Halved, PostgresError> {
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let half_life = HALF_LIFE.as_secs_f64();
    let rows = transaction.query(
        "WITH due AS (
             SELECT product_id FROM product_views WHERE halved_at <= now() - make_interval(secs => $1)
             ORDER BY halved_at LIMIT $2 FOR UPDATE SKIP LOCKED)
         UPDATE product_views SET views = views / 2, halved_at = now() FROM due
         WHERE product_views.product_id = due.product_id
         RETURNING product_views.product_id",
        &[(&half_life, Type::FLOAT8), (&most, Type::INT8)],
    )?;
    let ids = rows.iter().map(|row| row.try_get(0));
    let ids: Vec<i64> = ids.collect::<Result<_, _>>()?;
    place(transaction, &ids)?;
    Ok(if ids.len() == limit {
        Halved::Some
    } else {
        Halved::All
    })
}

/// Moves products in the lists to where they belong, those that are in them. A place that somebody has locked is being
/// written anew: to wait for it could be to wait for whoever waits for us.
fn place(transaction: &mut Transaction, ids: &[i64]) -> Result<(), PostgresError> {
    if ids.is_empty() {
        return Ok(());
    }
    let ids = ids.to_vec();
    transaction.execute(
        "WITH held AS (
             SELECT l.product_id FROM product_listing l WHERE l.product_id = ANY ($1)
             FOR NO KEY UPDATE SKIP LOCKED),
         placed AS (
             UPDATE product_listing l SET rating_count = p.rating_count + coalesce(w.views, 0) / 100
             FROM held
             JOIN product p ON p.id = held.product_id
             LEFT JOIN product_views w ON w.product_id = held.product_id
             WHERE l.product_id = held.product_id
             RETURNING l.product_id, l.rating_count)
         UPDATE product_tag t SET rating_count = placed.rating_count FROM placed
         WHERE t.product_id = placed.product_id",
        &[(&ids, Type::INT8_ARRAY)],
    )?;
    Ok(())
}
