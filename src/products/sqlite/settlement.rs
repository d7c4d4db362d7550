//! What turns products that were touched into versions, documents, places in lists and outbox rows.

use rusqlite::Connection;

/// In this order. Each begins at `product_change`, so that what a write costs does not grow with the catalogue.
const STEPS: [&str; 7] = [
    include_str!("../../../sql/sqlite/queries/settle_versions.sql"),
    include_str!("../../../sql/sqlite/queries/settle_documents.sql"),
    include_str!("../../../sql/sqlite/queries/settle_unlist.sql"),
    include_str!("../../../sql/sqlite/queries/settle_listing.sql"),
    include_str!("../../../sql/sqlite/queries/settle_tags.sql"),
    include_str!("../../../sql/sqlite/queries/settle_outbox.sql"),
    "DELETE FROM product_change",
];

/// Turns everything the triggers noted into versions, documents, places in lists and outbox rows. Runs inside the
/// caller's transaction.
pub(super) fn settle_changes(connection: &Connection) -> rusqlite::Result<()> {
    for step in STEPS {
        connection.prepare_cached(step)?.execute([])?;
    }
    Ok(())
}
