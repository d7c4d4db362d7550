//! What is counted, and told of, beside answers.

use std::sync::Arc;

use super::Catalog;
use crate::flags::Feature;
use crate::products::popularity::ViewCounts;

impl Catalog {
    /// The same catalogue, which counts how often products are looked at.
    #[must_use]
    pub fn with_views(self, views: Arc<ViewCounts>) -> Self {
        Self {
            views: Some(views),
            ..self
        }
    }

    /// The same catalogue, which calls `on_stock` when what it wrote may have changed exact stock.
    #[must_use]
    pub fn with_stock_watch(self, on_stock: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            on_stock: Some(Arc::new(on_stock)),
            ..self
        }
    }

    /// Takes note that somebody looked at a product, unless that is given up. Costs a relaxed load and an atomic exchange.
    pub fn count_view(&self, id: i64) {
        if let Some(views) = &self.views
            && self.features.is_on(Feature::ViewCounts)
        {
            views.count(id);
        }
    }
}
