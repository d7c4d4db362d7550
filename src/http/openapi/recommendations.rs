//! Products that go with a product.

use utoipa::openapi::{Paths, Ref};

use super::errors::{
    bad_id, bad_path, feature_off, gone, invalid_query, no_product, not_acceptable, unavailable,
};
use super::operation::{Body, PAGE, Read, get};
use super::overview::PRODUCTS;
use super::parameters::{limit, product_id};
use crate::flags::Feature;
use crate::http::recommendations::PARAMETERS;

pub(super) fn paths() -> Paths {
    let read = Read {
        id: "listRecommendations",
        tag: PRODUCTS,
        summary: "List products that go with a product",
        description: "The most fitting first: those that the product names itself, then those of its category, \
                      then those that share a tag, the more popular before the less. In short, for a row of \
                      cards; there is one page.",
        bodies: Body::json(
            Ref::from_schema_name("Recommendations"),
            "/products/456/recommendations?limit=2",
            include_str!("examples/recommendations.json"),
        ),
        headers: PAGE,
        errors: vec![
            bad_id(),
            bad_path(),
            invalid_query(),
            no_product("id 99999"),
            gone("id 456"),
            not_acceptable(),
            feature_off(Feature::CheckoutFirst),
            unavailable(),
        ],
    };
    let [_limit] = PARAMETERS;
    let operation = read.operation().parameter(product_id());
    get(
        "/products/{id}/recommendations",
        operation.parameter(limit()),
    )
}
