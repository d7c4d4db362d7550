//! What counting views asks of the store.

use std::time::Duration;

use crate::products::store::StoreError;

/// Counts are halved when so long has passed since they were last.
pub(in crate::products) const HALF_LIFE: Duration = Duration::from_hours(7 * 24);

/// What halving found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halved {
    /// There may be more whose time has come.
    Some,
    /// There are none, or none any more.
    All,
}

/// Keeping counts of views, inside a transaction.
pub trait PopularityTransaction {
    /// Adds views to products, given in order of their ids, and moves those in the lists that are now more popular. Who
    /// holds a product's place in the lists writes it with the next ones.
    fn add_views(&mut self, views: &[(i64, u64)]) -> Result<(), StoreError>;

    /// Halves the counts of at most `limit` products whose time has come.
    fn halve_views(&mut self, limit: usize) -> Result<Halved, StoreError>;
}
