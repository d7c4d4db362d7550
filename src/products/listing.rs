//! Lists: the filters and the order that products are asked for by.

use serde::Serialize;

use super::store::StoreError;

/// The order of a list. Products that are equal in it come in order of id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
pub enum Sort {
    /// Last published first.
    #[default]
    Newest,
    /// Last changed first.
    Updated,
    /// Lowest price first, one currency after the other; those without a price are left out.
    Price,
    /// Highest price first, one currency after the other; those without a price are left out.
    PriceFalling,
    /// By title, ignoring the case of ASCII letters.
    Title,
    /// Best average first, of equal ones the more popular.
    Rating,
    /// Most popular first, by ratings and views (see [`popularity`](super::popularity)), of equal ones that with the better
    /// average.
    Popular,
}

impl Sort {
    /// Every order there is.
    pub const ALL: [Self; 7] = [
        Self::Newest,
        Self::Updated,
        Self::Price,
        Self::PriceFalling,
        Self::Title,
        Self::Rating,
        Self::Popular,
    ];

    /// The word for it in a query.
    pub fn word(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Updated => "updated",
            Self::Price => "price",
            Self::PriceFalling => "-price",
            Self::Title => "title",
            Self::Rating => "rating",
            Self::Popular => "popular",
        }
    }
}

/// What products may be, in their documents' words.
pub const AVAILABILITIES: [&str; 3] = ["in_stock", "low_stock", "out_of_stock"];

/// Filters, all of which have to hold, and an order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize)]
pub struct Listing {
    /// The order.
    pub sort: Sort,
    /// The first levels of the category's path: `Apparel` or `Apparel > Shirts`.
    pub category: Option<String>,
    /// Exactly this vendor.
    pub vendor: Option<String>,
    /// Exactly this type.
    pub product_type: Option<String>,
    /// Of each of these groups at least one tag.
    pub tags: Vec<Vec<String>>,
    /// ISO 4217 code of the prices.
    pub currency: Option<String>,
    /// The lowest price is at least this many minor units.
    pub price_min: Option<i64>,
    /// The lowest price is at most this many minor units.
    pub price_max: Option<i64>,
    /// One of [`AVAILABILITIES`]; any where empty.
    pub availability: Vec<String>,
    /// Changed then or later (RFC 3339, UTC, milliseconds).
    pub updated_since: Option<String>,
}

impl Listing {
    /// Bytes on the heap, about.
    pub(super) fn weight(&self) -> usize {
        let one = [
            &self.category,
            &self.vendor,
            &self.product_type,
            &self.currency,
            &self.updated_since,
        ];
        let one = one.into_iter().flatten();
        let several = self.tags.iter().flatten().chain(&self.availability);
        let texts = one.chain(several).map(String::len).sum::<usize>();
        size_of::<Self>() + texts
    }

    /// A text that differs wherever two listings do, to bind cursors to it.
    pub(super) fn scope(&self) -> String {
        // Strings and numbers: this cannot fail.
        let listing = serde_json::to_string(self).unwrap_or_default();
        format!("products 1 {listing}")
    }
}

/// Why a page cannot be asked for.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// Not a cursor of this catalogue, or one of another list.
    #[error("not a cursor of this list")]
    Cursor,
    /// The store does not give the key of the cursors.
    #[error(transparent)]
    Store(#[from] StoreError),
}
