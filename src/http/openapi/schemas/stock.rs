//! Exact stock. The store builds it: `sql/sqlite/queries/stock.sql`.

use utoipa::ToSchema;
use utoipa::openapi::schema::ObjectBuilder;

use super::{Availability, Policy};
use crate::http::openapi::parameters::{integer, string};
use crate::products::validate::{MAX_NAME, MAX_QUANTITY};

/// The exact stock of a product, for those who are about to sell it.
#[derive(ToSchema)]
pub(in crate::http) struct Stock {
    #[schema(minimum = 1)]
    product_id: i64,
    variants: Vec<VariantStock>,
}

/// The exact stock of a variant. The numbers are null where stock is not tracked.
#[derive(ToSchema)]
struct VariantStock {
    #[schema(minimum = 1)]
    id: i64,
    #[schema(required = true)]
    sku: Option<String>,
    tracked: bool,
    policy: Policy,
    /// What is in the warehouse. Below zero where more was sold than there was.
    #[schema(required = true)]
    on_hand: Option<i64>,
    /// What is promised to others.
    #[schema(required = true)]
    reserved: Option<i64>,
    /// What is left: `on_hand` less `reserved`.
    #[schema(required = true)]
    available: Option<i64>,
    availability: Availability,
}

/// Numbers as they were counted.
#[derive(ToSchema)]
pub(in crate::http) struct StockCount {
    /// Units in the warehouse. Below zero where more was sold than there was.
    #[schema(schema_with = signed)]
    on_hand: i64,
    /// Units promised to open orders; as they are where it is left out, as is the next.
    #[schema(schema_with = unsigned, required = false)]
    reserved: i64,
    /// Down to this many it is `low_stock`.
    #[schema(schema_with = unsigned, required = false)]
    low_stock_at: i64,
}

/// Units that came or went.
#[derive(ToSchema)]
pub(in crate::http) struct StockAdjustment {
    /// Added to what is on hand: below zero for a sale, never zero.
    #[schema(schema_with = signed)]
    delta: i64,
    /// Why, for the log: `sale`, `return`, `delivery`, in your words.
    #[schema(schema_with = reason)]
    reason: String,
}

fn signed() -> ObjectBuilder {
    integer(-MAX_QUANTITY, MAX_QUANTITY)
}

fn unsigned() -> ObjectBuilder {
    integer(0, MAX_QUANTITY)
}

fn reason() -> ObjectBuilder {
    string().min_length(Some(1)).max_length(Some(MAX_NAME))
}
