//! Several at once: pages and batches.

use utoipa::ToSchema;

use super::Product;

/// A page of a list.
#[derive(ToSchema)]
pub(in crate::http) struct ProductPage {
    items: Vec<Product>,
    /// Where the next page begins: repeat the request with this as `cursor`. Null on the last page.
    #[schema(required = true)]
    next: Option<String>,
}

/// The products asked for by `ids`.
#[derive(ToSchema)]
pub(in crate::http) struct ProductBatch {
    /// In the order of `ids`.
    items: Vec<Product>,
    /// Ids of which there is no public product.
    missing: Vec<i64>,
}

/// A page of the reviews of a product.
#[derive(ToSchema)]
pub(in crate::http) struct ReviewPage {
    /// Newest first.
    items: Vec<Review>,
    /// Where the next page begins: repeat the request with this as `cursor`. Null on the last page.
    #[schema(required = true)]
    next: Option<String>,
}

/// What a customer thinks of a product. All of it is plain text, to be escaped before it is shown.
#[derive(ToSchema)]
struct Review {
    #[schema(minimum = 1)]
    id: i64,
    /// Stars.
    #[schema(minimum = 1, maximum = 5)]
    rating: i64,
    /// May be empty, as may the body and the author.
    title: String,
    body: String,
    author: String,
    #[schema(format = DateTime)]
    created_at: String,
}
