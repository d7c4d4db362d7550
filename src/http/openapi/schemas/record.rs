//! A product as those who write it see it: a body of a write, a line of a bulk write, an export or an import. Read
//! by `products::import::jsonl`.

use std::collections::BTreeMap;

use utoipa::ToSchema;

use super::Policy;
use super::product::{Money, ProductOption};

/// A product as those who write it see it. What is left out is as it would be for a new product, but for stock,
/// rating and reviews, which stay as they are. Members that are not known are refused.
#[derive(ToSchema)]
pub(in crate::http) struct ProductRecord {
    /// The catalogue's own; a new product gets one.
    #[schema(minimum = 1, nullable = false)]
    id: Option<i64>,
    /// One segment of an address, unique: lower-case letters and digits of any script, with `-`, `_` and `.`
    /// between them.
    #[schema(min_length = 1)]
    handle: String,
    #[schema(min_length = 1)]
    title: String,
    description_html: Option<String>,
    vendor: Option<String>,
    product_type: Option<String>,
    /// Levels from the widest to the narrowest, joined by ` > `.
    category: Option<String>,
    tags: Option<Vec<String>>,
    /// `active` unless said; `draft` and `archived` are not public.
    #[schema(nullable = false)]
    status: Option<String>,
    /// When it became public; null where it is not.
    #[schema(format = DateTime)]
    published_at: Option<String>,
    /// Taken from the variants where it is left out.
    options: Option<Vec<ProductOption>>,
    /// Not heeded: it follows from the variants, as does the availability.
    #[schema(value_type = Object, required = false)]
    price: Option<serde_json::Value>,
    #[schema(nullable = false)]
    availability: Option<String>,
    rating: Option<RatingRecord>,
    images: Option<Vec<ImageRecord>>,
    variants: Option<Vec<VariantRecord>>,
    /// Whatever else there is to keep of the product.
    #[schema(value_type = Option<Object>, required = false)]
    attributes: Option<serde_json::Value>,
    seo: Option<SeoRecord>,
    relations: Option<Vec<RelationRecord>>,
    reviews: Option<Vec<ReviewRecord>>,
    /// Not heeded: it rises by itself.
    #[schema(minimum = 1, nullable = false)]
    version: Option<i64>,
    #[schema(format = DateTime, nullable = false)]
    created_at: Option<String>,
    #[schema(format = DateTime, nullable = false)]
    updated_at: Option<String>,
}

/// Of all ratings: how many, and their sum or their average.
#[derive(ToSchema)]
struct RatingRecord {
    #[schema(nullable = false)]
    sum: Option<i64>,
    average: Option<f64>,
    #[schema(minimum = 0)]
    count: i64,
}

/// A picture.
#[derive(ToSchema)]
struct ImageRecord {
    #[schema(min_length = 1)]
    url: String,
    alt: Option<String>,
    /// Pixels.
    #[schema(minimum = 1)]
    width: Option<i64>,
    /// Pixels.
    #[schema(minimum = 1)]
    height: Option<i64>,
}

/// What is sold: one choice of each option.
#[derive(ToSchema)]
struct VariantRecord {
    /// The catalogue's own; a new variant gets one.
    #[schema(minimum = 1, nullable = false)]
    id: Option<i64>,
    /// Unique in the shop.
    #[schema(min_length = 1)]
    sku: Option<String>,
    barcode: Option<String>,
    mpn: Option<String>,
    condition: Option<String>,
    /// The value for the name of each option of the product.
    options: Option<BTreeMap<String, String>>,
    price: Money,
    compare_at_price: Option<Money>,
    /// Never public.
    cost: Option<Money>,
    /// Not heeded: it follows from the inventory.
    #[schema(nullable = false)]
    availability: Option<String>,
    /// Grams.
    #[schema(minimum = 0)]
    weight_g: Option<i64>,
    #[schema(nullable = false)]
    requires_shipping: Option<bool>,
    #[schema(nullable = false)]
    taxable: Option<bool>,
    tax_code: Option<String>,
    #[schema(nullable = false)]
    inventory: Option<InventoryRecord>,
    /// Which of the images, from 0.
    #[schema(minimum = 0)]
    image: Option<i64>,
}

/// Stock of a variant.
#[derive(ToSchema)]
struct InventoryRecord {
    #[schema(nullable = false)]
    tracked: Option<bool>,
    #[schema(value_type = Policy, required = false)]
    policy: String,
    #[schema(nullable = false)]
    on_hand: Option<i64>,
    #[schema(minimum = 0, nullable = false)]
    reserved: Option<i64>,
    /// Down to this many it is `low_stock`.
    #[schema(minimum = 0, nullable = false)]
    low_stock_at: Option<i64>,
}

/// For search engines.
#[derive(ToSchema)]
struct SeoRecord {
    title: Option<String>,
    description: Option<String>,
}

/// A product that goes with this one.
#[derive(ToSchema)]
struct RelationRecord {
    /// Of the other product.
    #[schema(min_length = 1)]
    handle: String,
    /// Such as `accessory`, in the merchant's words.
    #[schema(min_length = 1)]
    kind: String,
}

/// A review, in whatever state.
#[derive(ToSchema)]
struct ReviewRecord {
    /// Stars.
    #[schema(minimum = 1, maximum = 5)]
    rating: i64,
    title: Option<String>,
    body: Option<String>,
    author: Option<String>,
    /// `published` unless said, or `pending` or `rejected`.
    #[schema(nullable = false)]
    status: Option<String>,
    #[schema(format = DateTime, nullable = false)]
    created_at: Option<String>,
}

/// Changes to a `ProductRecord` (RFC 7396): a member replaces what was there, null clears it, objects are merged,
/// lists are replaced whole.
#[derive(ToSchema)]
pub(in crate::http) struct ProductPatch {}
