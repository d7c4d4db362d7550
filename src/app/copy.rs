//! Copying a whole catalogue into another store.

use super::open::OpenCatalog;
use crate::db::copy::{CopyError, Side, Table, copy};
use crate::flags::{FLAG_HISTORY, FLAGS};
use crate::products::store::{Decision, StoreError};
use crate::products::tables::TABLES;
use crate::tokens::TOKENS;

/// Why a catalogue was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyCatalogError {
    /// The tables were not.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Copies products, deleted ones too, with their ids and versions, tokens and what is kept beside them into an empty
/// catalogue, which makes documents, lists and the stream of changes of its own of it. Tells how many rows of each table
/// were copied. Blocks.
pub fn copy_catalog(
    from: &OpenCatalog,
    to: &OpenCatalog,
) -> Result<Vec<(&'static str, u64)>, CopyCatalogError> {
    // What another program wrote has its versions before it is read.
    settle(from)?;
    let others = [TOKENS, FLAGS, FLAG_HISTORY];
    let tables: Vec<Table> = others.iter().chain(TABLES).copied().collect();
    let counts = copy(side(from), side(to), &tables)?;
    settle(to)?;
    let names = tables.iter().map(|table| table.name);
    let shown = tables.iter().map(|table| !table.is_replaced);
    let counts = names.zip(counts).zip(shown);
    Ok(counts
        .filter_map(|(count, is_shown)| is_shown.then_some(count))
        .collect())
}

fn side(catalog: &OpenCatalog) -> Side<'_> {
    match catalog {
        OpenCatalog::Sqlite(store) => Side::Sqlite(store.database()),
        OpenCatalog::Postgres(store) => Side::Postgres(store.database()),
    }
}

fn settle(catalog: &OpenCatalog) -> Result<(), StoreError> {
    catalog.as_store().transaction(&mut |transaction| {
        transaction.settle()?;
        Ok(Decision::Commit)
    })
}
