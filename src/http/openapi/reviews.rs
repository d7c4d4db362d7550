//! Reviews of a product.

use utoipa::openapi::{Paths, Ref};

use super::errors::{
    bad_id, bad_path, feature_off, gone, invalid_query, no_product, not_acceptable, unavailable,
};
use super::operation::{Body, PAGE_WITH_NEXT, Read, get};
use super::overview::REVIEWS;
use super::parameters::{cursor, limit, product_id};
use crate::flags::Feature;
use crate::http::reviews::PARAMETERS;

pub(super) fn paths() -> Paths {
    let read = Read {
        id: "listReviews",
        tag: REVIEWS,
        summary: "List the reviews of a product",
        description: "A page of the published reviews, newest first. What customers wrote is plain text: \
                      escape it before you show it.",
        bodies: Body::json(
            Ref::from_schema_name("ReviewPage"),
            "/products/456/reviews?limit=2",
            include_str!("examples/reviews.json"),
        ),
        headers: PAGE_WITH_NEXT,
        errors: vec![
            bad_id(),
            bad_path(),
            invalid_query(),
            no_product("id 99999"),
            gone("id 456"),
            not_acceptable(),
            feature_off(Feature::Reviews),
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
