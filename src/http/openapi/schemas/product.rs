//! The document of a product. The store builds it: `sql/sqlite/queries/settle_documents.sql`.

use std::collections::BTreeMap;

use utoipa::ToSchema;
use utoipa::openapi::schema::ObjectBuilder;

use super::{Availability, CurrencyCode};
use crate::http::openapi::parameters::integer;
use crate::products::money::MAX_MINOR;

/// Money as an integer of minor units, so that no sum is ever rounded: 19.99 USD is 1999, 500 JPY is 500.
#[derive(ToSchema)]
pub(super) struct Money {
    #[schema(schema_with = amount)]
    amount_minor: i64,
    currency: CurrencyCode,
}

fn amount() -> ObjectBuilder {
    integer(0, MAX_MINOR).description(Some("Minor units: cents of USD, yen of JPY, fils of KWD."))
}

/// A product that is public, with everything its page shows at once.
#[derive(ToSchema)]
#[expect(clippy::struct_field_names, reason = "the document has these names")]
pub(in crate::http) struct Product {
    #[schema(minimum = 1)]
    id: i64,
    /// Its name in addresses, unique, and in lower case. It may change; the id never does.
    #[schema(min_length = 1)]
    handle: String,
    title: String,
    /// HTML as the merchant wrote it; sanitize it before showing it where merchants are not trusted.
    description_html: String,
    /// Empty where there is none, as are the type and the category.
    vendor: String,
    product_type: String,
    /// Levels from the widest to the narrowest, joined by ` > `.
    category: String,
    tags: Vec<String>,
    /// Always `active`: others are not public.
    status: String,
    /// What a customer chooses among the variants by.
    options: Vec<ProductOption>,
    /// The lowest and the highest price of the variants; null without variants.
    #[schema(required = true)]
    price: Option<PriceRange>,
    availability: Availability,
    rating: Rating,
    /// In the order in which they are shown.
    images: Vec<Image>,
    /// In the order in which they are shown.
    variants: Vec<Variant>,
    /// Whatever else the merchant keeps of the product.
    #[schema(value_type = Object, additional_properties = true)]
    attributes: serde_json::Value,
    seo: Seo,
    /// Rises by one with every change of what is shown here.
    #[schema(minimum = 1)]
    version: u64,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// Such as the size, and the sizes there are.
#[derive(ToSchema)]
pub(super) struct ProductOption {
    name: String,
    #[schema(min_items = 1)]
    values: Vec<String>,
}

/// From the cheapest variant to the dearest.
#[derive(ToSchema)]
pub(super) struct PriceRange {
    min: Money,
    max: Money,
}

/// Of the published ratings.
#[derive(ToSchema)]
pub(super) struct Rating {
    /// Stars, to one decimal; null where nobody has rated it.
    #[schema(required = true, minimum = 1, maximum = 5)]
    average: Option<f64>,
    #[schema(minimum = 0)]
    count: i64,
}

/// A picture.
#[derive(ToSchema)]
pub(super) struct Image {
    /// As the merchant gave it, so it may be relative to the shop.
    url: String,
    /// What it shows, for those who do not see it; empty where nobody said.
    alt: String,
    /// Pixels.
    #[schema(required = true, minimum = 1)]
    width: Option<i64>,
    /// Pixels.
    #[schema(required = true, minimum = 1)]
    height: Option<i64>,
}

/// What is sold: one choice of each option.
#[derive(ToSchema)]
struct Variant {
    #[schema(minimum = 1)]
    id: i64,
    /// The merchant's own number, unique in the shop.
    #[schema(required = true)]
    sku: Option<String>,
    /// GTIN, ISBN and the like.
    #[schema(required = true)]
    barcode: Option<String>,
    /// The value for the name of each option.
    options: BTreeMap<String, String>,
    price: Money,
    /// What it cost before, to be shown struck through.
    #[schema(required = true)]
    compare_at_price: Option<Money>,
    availability: Availability,
    /// Grams.
    #[schema(required = true, minimum = 0)]
    weight_g: Option<i64>,
}

/// For search engines; null where the merchant leaves it to the page.
#[derive(ToSchema)]
struct Seo {
    #[schema(required = true)]
    title: Option<String>,
    #[schema(required = true)]
    description: Option<String>,
}
