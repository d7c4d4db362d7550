//! Reviews of a product.

use utoipa::openapi::{Paths, Ref};

use super::errors::{bad_id, invalid_query, unavailable};
use super::operation::{Exchange, Read, get};
use super::overview::REVIEWS;
use super::parameters::{cursor, limit, product_id};
use crate::http::problem::ApiError;
use crate::http::reviews::PARAMETERS;

pub(super) fn paths() -> Paths {
    let read = Read {
        id: "listReviews",
        tag: REVIEWS,
        summary: "List the reviews of a product",
        description: "A page of the published reviews, newest first. What customers wrote is plain text: \
                      escape it before you show it.",
        schema: Ref::from_schema_name("ReviewPage").into(),
        example: Exchange {
            target: "/products/456/reviews?limit=2",
            answer: include_str!("examples/reviews.json"),
        },
        headers: &["ETag", "Cache-Control", "Link", "X-Request-Id"],
        errors: vec![
            bad_id(),
            invalid_query(),
            ApiError::no_product(99_999),
            unavailable(),
        ],
    };
    let mut operation = read.operation().parameter(product_id());
    for name in PARAMETERS {
        let parameter = if name == "limit" { limit() } else { cursor() };
        operation = operation.parameter(parameter);
    }
    get("/products/{id}/reviews", operation)
}
