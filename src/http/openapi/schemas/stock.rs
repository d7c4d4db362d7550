//! Exact stock. The store builds it: `sql/sqlite/queries/stock.sql`.

use utoipa::ToSchema;

use super::{Availability, Policy};

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
