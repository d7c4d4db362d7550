//! What a search finds, and the tree of categories.

use utoipa::ToSchema;

use super::product::{Image, PriceRange, Rating};
use super::{Availability, CurrencyCode};

/// A page of what was found.
#[derive(ToSchema)]
pub(in crate::http) struct SearchPage {
    items: Vec<SearchItem>,
    total: Total,
    /// The words as they were understood, where what was asked found little; to be shown as "results for".
    #[schema(required = true)]
    corrected: Option<String>,
    /// Null while they are not counted.
    #[schema(required = true)]
    facets: Option<Facets>,
    /// True while the index is built: there is more than this.
    incomplete: bool,
    /// Where the next page begins: repeat the request with this as `cursor`. Null on the last page.
    #[schema(required = true)]
    next: Option<String>,
    /// What the page has to do without for now: `facets`. Left out where there is nothing.
    #[schema(nullable = false)]
    degraded: Option<Vec<String>>,
}

/// A number of products on all pages.
#[derive(ToSchema)]
struct Total {
    value: u64,
    /// False where it is an estimate, or there may be more.
    exact: bool,
}

/// A product in short, and where the words stand in it.
#[derive(ToSchema)]
struct SearchItem {
    #[schema(minimum = 1)]
    id: i64,
    #[schema(min_length = 1)]
    handle: String,
    title: String,
    vendor: String,
    product_type: String,
    category: String,
    #[schema(required = true)]
    price: Option<PriceRange>,
    availability: Availability,
    rating: Rating,
    /// The first of its images.
    #[schema(required = true)]
    image: Option<Image>,
    #[schema(minimum = 1)]
    version: u64,
    highlights: Vec<Highlight>,
}

/// The words in one field. The text is plain: escape it before you mark the ranges.
#[derive(ToSchema)]
struct Highlight {
    /// `title`, `vendor`, `product_type`, `category` or `description`.
    field: String,
    /// The whole of it, of a description an excerpt.
    text: String,
    /// Beginning and end of each word, in UTF-16 code units, which JavaScript counts in.
    ranges: Vec<[u64; 2]>,
}

/// Counts of products by what they might be filtered by. Each ignores its own filter, and heeds all others.
#[derive(ToSchema)]
struct Facets {
    /// False where so much was found that the counts are estimates.
    exact: bool,
    /// Every level of the paths, with what lies below it; most products first.
    category: Vec<FacetValue>,
    /// Most products first.
    vendor: Vec<FacetValue>,
    /// One currency after the other, from the lowest price.
    price: Vec<PriceFacet>,
    availability: Vec<FacetValue>,
    /// Best first; each holds those before it.
    rating: Vec<RatingFacet>,
}

/// A value to filter by.
#[derive(ToSchema)]
struct FacetValue {
    /// As the filter takes it.
    value: String,
    count: u64,
}

/// A range of prices, for `price_min` and `price_max`.
#[derive(ToSchema)]
struct PriceFacet {
    currency: CurrencyCode,
    /// Minor units, as is the end, which is in the range.
    from: i64,
    to: i64,
    count: u64,
}

/// An average rating, for `rating_min`.
#[derive(ToSchema)]
struct RatingFacet {
    /// Stars.
    from: u64,
    count: u64,
}

/// The categories, as a tree.
#[derive(ToSchema)]
pub(in crate::http) struct Categories {
    items: Vec<Category>,
}

/// A level of a category's path.
#[derive(ToSchema)]
struct Category {
    name: String,
    /// All levels down to this one, as `category` takes it.
    path: String,
    /// Products in it and below.
    count: u64,
    #[schema(no_recursion)]
    children: Vec<Category>,
}
