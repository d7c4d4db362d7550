//! The versions that a piece of work made, for those who keep documents.

use rusqlite::{Connection, params};

use super::settlement::settle_changes;
use crate::products::store::Change;

const CHANGES_SINCE: &str = include_str!("../../../sql/sqlite/queries/changes_since.sql");

/// A number and its version, one after the other as they were made.
pub(super) struct NumberedChange {
    pub(super) seq: i64,
    pub(super) change: Change,
}

/// The versions made after outbox row `seq`. Inside a transaction these are its own.
pub(super) fn made_since(connection: &Connection, seq: i64) -> rusqlite::Result<Vec<Change>> {
    let made = changes_since(connection, seq, -1)?;
    Ok(made.into_iter().map(|made| made.change).collect())
}

/// Settles, unless nothing was touched, as by most sales: looking is cheaper.
pub(super) fn settle_if_changed(connection: &Connection) -> rusqlite::Result<()> {
    let changed = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM product_change)")?
        .query_row([], |row| row.get(0))?;
    if changed {
        settle_changes(connection)?;
    }
    Ok(())
}

/// The highest number ever given to an outbox row.
pub(super) fn newest(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached(
            "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'catalog_outbox'",
        )?
        .query_row([], |row| row.get(0))
}

/// At most `limit` of the versions after number `seq`; all of them where `limit` is below zero.
pub(super) fn changes_since(
    connection: &Connection,
    seq: i64,
    limit: i64,
) -> rusqlite::Result<Vec<NumberedChange>> {
    connection
        .prepare_cached(CHANGES_SINCE)?
        .query_map(params![seq, limit], |row| {
            let change = Change {
                product_id: row.get(1)?,
                version: row.get::<_, i64>(2)?.unsigned_abs(),
            };
            let seq = row.get(0)?;
            Ok(NumberedChange { seq, change })
        })?
        .collect()
}
