//! Writing exact stock, and the log of it.

use rusqlite::{Connection, OptionalExtension, params};

use super::versions::settle_if_changed;
use crate::products::input::InventoryPolicy;
use crate::products::stock::{Quantities, Stock, StockChange, StockRefusal};

const FIND_STOCK: &str = include_str!("../../../sql/sqlite/queries/find_stock.sql");
const WRITE_STOCK: &str = include_str!("../../../sql/sqlite/queries/write_stock.sql");

struct Found {
    variant_id: i64,
    product_id: i64,
    is_tracked: bool,
    policy: InventoryPolicy,
    quantities: Quantities,
}

/// Changes the stock of the variant with this sku and notes it in the log. Settles, so it ends what was to be
/// done. A count that changes no number on hand is not noted.
pub(super) fn change(
    connection: &Connection,
    sku: &str,
    change: &StockChange,
) -> rusqlite::Result<Result<Stock, StockRefusal>> {
    let Some(found) = find(connection, sku)? else {
        return Ok(Err(StockRefusal::NoVariant));
    };
    if !found.is_tracked {
        return Ok(Err(StockRefusal::NotTracked));
    }
    let after = match change.apply(found.quantities, found.policy) {
        Ok(after) => after,
        Err(refusal) => return Ok(Err(refusal)),
    };
    connection.prepare_cached(WRITE_STOCK)?.execute(params![
        found.variant_id,
        after.on_hand,
        after.reserved,
        after.low_stock_at
    ])?;
    let delta = after.on_hand - found.quantities.on_hand;
    if delta != 0 {
        connection
            .prepare_cached(
                "INSERT INTO stock_adjustment (variant_id, sku, delta, reason, on_hand)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                found.variant_id,
                sku,
                delta,
                change.reason(),
                after.on_hand
            ])?;
    }
    settle_if_changed(connection)?;
    let version: i64 = connection
        .prepare_cached("SELECT version FROM product WHERE id = ?1")?
        .query_row([found.product_id], |row| row.get(0))?;
    Ok(Ok(Stock {
        product_id: found.product_id,
        variant_id: found.variant_id,
        policy: found.policy,
        quantities: after,
        version: version.unsigned_abs(),
    }))
}

fn find(connection: &Connection, sku: &str) -> rusqlite::Result<Option<Found>> {
    connection
        .prepare_cached(FIND_STOCK)?
        .query_row([sku], |row| {
            Ok(Found {
                variant_id: row.get(0)?,
                product_id: row.get(1)?,
                is_tracked: row.get(2)?,
                policy: if row.get(3)? {
                    InventoryPolicy::Continue
                } else {
                    InventoryPolicy::Deny
                },
                quantities: Quantities {
                    on_hand: row.get(4)?,
                    reserved: row.get(5)?,
                    low_stock_at: row.get(6)?,
                },
            })
        })
        .optional()
}
