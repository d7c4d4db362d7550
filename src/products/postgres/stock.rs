//! Writing exact stock, and the log of it.

use super::pages::askable;
use crate::db::postgres::{PostgresError, Transaction, Type};
use crate::products::input::InventoryPolicy;
use crate::products::stock::{Quantities, Stock, StockChange, StockRefusal};

const FIND_STOCK: &str = include_str!("../../../sql/postgres/queries/find_stock.sql");
const WRITE_STOCK: &str = include_str!("../../../sql/postgres/queries/write_stock.sql");

struct Found {
    variant_id: i64,
    product_id: i64,
    is_tracked: bool,
    policy: InventoryPolicy,
    quantities: Quantities,
}

/// Changes the stock of the variant with this sku and notes it in the log. Settles, so it ends what was to be done. A
/// count that changes no number on hand is not noted.
pub(super) fn change(
    transaction: &mut Transaction,
    sku: &str,
    change: &StockChange,
) -> Result<Result<Stock, StockRefusal>, PostgresError> {
    let sku = &askable(sku);
    let Some(found) = find(transaction, sku)? else {
        return Ok(Err(StockRefusal::NoVariant));
    };
    if !found.is_tracked {
        return Ok(Err(StockRefusal::NotTracked));
    }
    let after = match change.apply(found.quantities, found.policy) {
        Ok(after) => after,
        Err(refusal) => return Ok(Err(refusal)),
    };
    transaction.execute(
        WRITE_STOCK,
        &[
            (&found.variant_id, Type::INT8),
            (&after.on_hand, Type::INT8),
            (&after.reserved, Type::INT8),
            (&after.low_stock_at, Type::INT8),
        ],
    )?;
    let delta = after.on_hand - found.quantities.on_hand;
    if delta != 0 {
        transaction.execute(
            "INSERT INTO stock_adjustment (variant_id, sku, delta, reason, on_hand)
             VALUES ($1, $2, $3, $4, $5)",
            &[
                (&found.variant_id, Type::INT8),
                (&sku, Type::TEXT),
                (&delta, Type::INT8),
                (&change.reason(), Type::TEXT),
                (&after.on_hand, Type::INT8),
            ],
        )?;
    }
    transaction.query("SELECT settle_products()", &[])?;
    let row = transaction.query_one(
        "SELECT version FROM product WHERE id = $1",
        &[(&found.product_id, Type::INT8)],
    )?;
    let version: i64 = row.try_get(0)?;
    Ok(Ok(Stock {
        product_id: found.product_id,
        variant_id: found.variant_id,
        policy: found.policy,
        quantities: after,
        version: version.unsigned_abs(),
    }))
}

fn find(transaction: &mut Transaction, sku: &str) -> Result<Option<Found>, PostgresError> {
    // Locked first, and read by a statement of its own: that sees what the one before it in the queue has written.
    let locked = transaction.query_opt(
        "SELECT id FROM variant WHERE sku = $1 FOR NO KEY UPDATE",
        &[(&sku, Type::TEXT)],
    )?;
    let Some(locked) = locked else {
        return Ok(None);
    };
    let id: i64 = locked.try_get(0)?;
    let Some(row) = transaction.query_opt(FIND_STOCK, &[(&id, Type::INT8)])? else {
        return Ok(None);
    };
    let sold_on: bool = row.try_get(3)?;
    Ok(Some(Found {
        variant_id: row.try_get(0)?,
        product_id: row.try_get(1)?,
        is_tracked: row.try_get(2)?,
        policy: if sold_on {
            InventoryPolicy::Continue
        } else {
            InventoryPolicy::Deny
        },
        quantities: Quantities {
            on_hand: row.try_get(4)?,
            reserved: row.try_get(5)?,
            low_stock_at: row.try_get(6)?,
        },
    }))
}
