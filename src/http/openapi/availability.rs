//! Exact stock.

use utoipa::openapi::{Paths, Ref};

use super::errors::{
    bad_id, bad_path, gone, invalid_query, no_product, not_acceptable, unavailable,
};
use super::operation::{Body, PAGE, Read, get};
use super::overview::STOCK;
use super::parameters::product_id;

pub(super) fn paths() -> Paths {
    let read = Read {
        id: "getAvailability",
        tag: STOCK,
        summary: "Get the exact stock of a product",
        description: "Numbers for each variant, for a cart or a checkout. A product's own document says in a \
                      word what a customer may know, and changes only when that word does.",
        bodies: Body::json(
            Ref::from_schema_name("Stock"),
            "/products/456/availability",
            include_str!("examples/stock.json"),
        ),
        headers: PAGE,
        errors: vec![
            bad_id(),
            bad_path(),
            invalid_query(),
            no_product("id 99999"),
            gone("id 456"),
            not_acceptable(),
            unavailable(),
        ],
    };
    get(
        "/products/{id}/availability",
        read.operation().parameter(product_id()),
    )
}
