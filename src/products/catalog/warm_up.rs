//! Loading products into the caches before somebody asks for them.

use std::time::Duration;

use super::Catalog;
use crate::cache::warm_up::{Pace, Warmed, warm};
use crate::products::store::StoreError;

/// What was looked at less is not worth loading for it.
const LEAST_VIEWS: i64 = 1;

impl Catalog {
    /// At most so many products that are in memory, those that are read most first.
    pub fn hot_products(&self, limit: usize) -> Vec<i64> {
        self.shelves.documents.hot_keys(limit)
    }

    /// At most so many products, those first that were looked at most, on all nodes together.
    pub async fn most_viewed(&self, limit: usize) -> Result<Vec<i64>, StoreError> {
        let viewed = self.store.most_viewed(LEAST_VIEWS, limit);
        let viewed = self.in_time(viewed).await?;
        Ok(viewed.into_iter().map(|it| it.product_id).collect())
    }

    /// Those of these products that are not public, or not there.
    pub async fn hidden(&self, ids: Vec<i64>) -> Result<Vec<i64>, StoreError> {
        self.in_time(self.store.hidden(ids)).await
    }

    /// Whether products are kept at all, in memory or in Redis.
    pub fn keeps_products(&self) -> bool {
        self.names.is_some() || self.l2.is_some()
    }

    /// Loads products into memory, and into Redis where there is one, as readers would, for no longer than this. What
    /// memory has is not loaded anew. Cancel safe: what was loaded stays.
    pub async fn warm(&self, ids: &[i64], pace: Pace, limit: Duration) -> Warmed {
        warm(&self.shelves.documents, ids, pace, limit).await
    }
}
