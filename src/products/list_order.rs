//! By which columns of `product_listing` each order of a list goes, in every store.

use super::listing::{Listing, Sort};

/// Columns that decide, of which the last is the id, and whether they fall. All go one way, so that a
/// position is one comparison of row values, which an index answers.
pub(super) struct Order {
    pub(super) columns: &'static [&'static str],
    pub(super) falling: bool,
}

impl Order {
    pub(super) fn of(listing: &Listing) -> Self {
        let rising = |columns| Self {
            columns,
            falling: false,
        };
        let falling = |columns| Self {
            columns,
            falling: true,
        };
        // Within one currency the currency decides nothing, and would keep the index from the price.
        match (listing.sort, &listing.currency) {
            (Sort::Newest, _) => falling(&["published_at", "product_id"]),
            (Sort::Updated, _) => falling(&["updated_at", "product_id"]),
            (Sort::Price, None) => rising(&["currency", "price_minor", "product_id"]),
            (Sort::Price, Some(_)) => rising(&["price_minor", "product_id"]),
            (Sort::PriceFalling, None) => falling(&["currency", "price_minor", "product_id"]),
            (Sort::PriceFalling, Some(_)) => falling(&["price_minor", "product_id"]),
            (Sort::Title, _) => rising(&["title_key", "product_id"]),
            (Sort::Rating, _) => falling(&["rating", "rating_count", "product_id"]),
            (Sort::Popular, _) => falling(&["rating_count", "rating", "product_id"]),
        }
    }

    /// The columns as a list, each as `write` has it.
    pub(super) fn columns_as(&self, write: impl Fn(&str) -> String) -> String {
        let columns: Vec<_> = self.columns.iter().map(|column| write(column)).collect();
        columns.join(", ")
    }
}
