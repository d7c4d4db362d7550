//! What counting views asks of the store.

use std::time::Duration;

use futures_util::future::BoxFuture;

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

/// How often a product was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewed {
    /// The product, public or not.
    pub product_id: i64,
    /// As was last written, and halved since.
    pub views: u64,
}

/// Reading counts of views.
pub trait PopularityStore {
    /// The products that were looked at `least` times or more, the most viewed first, at most `limit`. Reads every count
    /// there is, so it is not to be asked for a request. Dropping the future stops it.
    fn most_viewed(
        &self,
        least: i64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Viewed>, StoreError>>;

    /// Those of these products that are not public, in the order asked.
    fn hidden(&self, ids: Vec<i64>) -> BoxFuture<'_, Result<Vec<i64>, StoreError>>;
}

/// Keeping counts of views, inside a transaction.
pub trait PopularityTransaction {
    /// Adds views to products, given in order of their ids, and moves those in the lists that are now more popular. Who
    /// holds a product's place in the lists writes it with the next ones.
    fn add_views(&mut self, views: &[(i64, u64)]) -> Result<(), StoreError>;

    /// Halves the counts of at most `limit` products whose time has come.
    fn halve_views(&mut self, limit: usize) -> Result<Halved, StoreError>;
}
