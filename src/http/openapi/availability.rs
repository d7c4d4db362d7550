//! Exact stock.

use utoipa::openapi::{Paths, Ref};

use super::errors::{bad_id, unavailable};
use super::operation::{Exchange, Read, get};
use super::overview::STOCK;
use super::parameters::product_id;
use crate::http::problem::ApiError;

pub(super) fn paths() -> Paths {
    let read = Read {
        id: "getAvailability",
        tag: STOCK,
        summary: "Get the exact stock of a product",
        description: "Numbers for each variant, for a cart or a checkout. A product's own document says in a \
                      word what a customer may know, and changes only when that word does.",
        schema: Ref::from_schema_name("Stock").into(),
        example: Exchange {
            target: "/products/456/availability",
            answer: include_str!("examples/stock.json"),
        },
        headers: &["ETag", "Cache-Control", "X-Request-Id"],
        errors: vec![bad_id(), ApiError::no_product(99_999), unavailable()],
    };
    get(
        "/products/{id}/availability",
        read.operation().parameter(product_id()),
    )
}
