//! What a product is shown as besides its document, and what goes with it.

use utoipa::ToSchema;

use super::product::{Image, PriceRange, Rating};
use super::{Availability, ReviewPage};

/// The members of a product that `fields` selects, and what `include` adds.
#[derive(ToSchema)]
pub(in crate::http) struct ProductPart {
    /// The first page of its reviews; go on at `/products/{id}/reviews` with `next`.
    /// Null where it cannot be had for now.
    reviews: Option<ReviewPage>,
    /// Null where they cannot be had for now.
    recommendations: Option<Vec<Recommendation>>,
    /// What was asked for and cannot be had for now: `reviews`, `recommendations`, or `include` for both. Left out where
    /// there is nothing.
    #[schema(nullable = false)]
    degraded: Option<Vec<String>>,
}

/// A product in the terms of schema.org: a `ProductGroup` where it has several variants, else a `Product`.
#[derive(ToSchema)]
pub(in crate::http) struct JsonLd {
    #[schema(rename = "@context")]
    context: String,
    #[schema(rename = "@type")]
    kind: String,
    name: String,
}

/// Products that go with a product, the most fitting first.
#[derive(ToSchema)]
pub(in crate::http) struct Recommendations {
    items: Vec<Recommendation>,
    /// `recommendations`, while they are switched off and there are none.
    #[schema(nullable = false)]
    degraded: Option<Vec<String>>,
}

/// A product in short, and why it is recommended.
#[derive(ToSchema)]
struct Recommendation {
    #[schema(minimum = 1)]
    id: i64,
    #[schema(min_length = 1)]
    handle: String,
    title: String,
    #[schema(required = true)]
    price: Option<PriceRange>,
    availability: Availability,
    rating: Rating,
    /// The first of its images.
    #[schema(required = true)]
    image: Option<Image>,
    reason: Reason,
}

/// Why a product is recommended.
#[derive(ToSchema)]
struct Reason {
    /// `relation`: the product names it itself. `category`: it is in the same one. `tag`: it shares one.
    r#type: String,
    /// Of a relation: which, in the merchant's words.
    #[schema(nullable = false)]
    kind: Option<String>,
}
