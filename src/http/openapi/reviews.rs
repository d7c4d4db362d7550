//! Reviews of a product.

use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder};
use utoipa::openapi::{Content, ContentBuilder, Paths, Ref, ResponseBuilder};

use super::errors::{
    self, bad_id, bad_path, feature_off, gone, invalid_query, no_product, not_acceptable,
    unavailable,
};
use super::headers::with_headers;
use super::operation::{Body, PAGE_WITH_NEXT, Read, get};
use super::overview::REVIEWS;
use super::parameters::{cursor, integer, limit, path, product_id};
use super::writes::with_body;
use crate::flags::Feature;
use crate::http::reviews::PARAMETERS;
use crate::http::writes::MediaType;

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
    let mut paths = get("/products/{id}/reviews", operation);
    paths.add_path_operation("/products/{id}/reviews", vec![HttpMethod::Post], submit());
    paths.add_path_operation(
        "/products/{id}/reviews/{review}",
        vec![HttpMethod::Get],
        status(),
    );
    paths
}

fn submit() -> Operation {
    let accepted = ResponseBuilder::new()
        .description("Kept, and decided on by and by: `Location` tells what became of it")
        .content("application/json", told());
    let headers = ["Location", "Retry-After", "Cache-Control", "X-Request-Id"];
    let operation = OperationBuilder::new()
        .operation_id(Some("submitReview"))
        .tag(REVIEWS)
        .summary(Some("Send a review"))
        .description(Some(
            "Takes what a customer says. Rules decide whether it is published, or a person, as the shop is set up; the \
             rating of the product follows within seconds. One for each customer and product. Needs no token: let the \
             shop say whom it is from.",
        ))
        .parameter(product_id())
        .response("202", with_headers(accepted, headers).build());
    let example = include_str!("examples/review.json");
    let operation = with_body(operation, MediaType::Json, "NewReview", example);
    let mut all = vec![
        bad_id(),
        bad_path(),
        errors::no_product_anywhere(),
        invalid_query(),
        unavailable(),
    ];
    all.extend(errors::of_bodies(MediaType::Json));
    all.extend(errors::of_reviews());
    errors::add(operation, all)
}

fn status() -> Operation {
    let review = path(
        "review",
        "The number of the review, from the answer to the one who sent it.",
        integer(1, i64::MAX),
        1,
    );
    let ok = ResponseBuilder::new()
        .description("How far it has come")
        .content("application/json", told());
    let operation = OperationBuilder::new()
        .operation_id(Some("reviewStatus"))
        .tag(REVIEWS)
        .summary(Some("What became of a review"))
        .description(Some(
            "Whether a review that was sent is published, rejected, or not decided on yet.",
        ))
        .parameter(product_id())
        .parameter(review)
        .response(
            "200",
            with_headers(ok, ["Cache-Control", "X-Request-Id"]).build(),
        );
    errors::add(
        operation,
        vec![
            bad_id(),
            bad_path(),
            invalid_query(),
            errors::no_review(),
            gone("id 456"),
            unavailable(),
        ],
    )
}

fn told() -> Content {
    ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("ReviewSubmission")))
        .build()
}
