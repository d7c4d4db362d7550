//! Writing exact stock.

use utoipa::openapi::path::{HttpMethod, Operation};
use utoipa::openapi::{ContentBuilder, PathItem, Paths, PathsBuilder, Ref, ResponseBuilder};

use super::errors;
use super::headers::with_headers;
use super::overview::STOCK;
use super::parameters::{path, string};
use super::writes::{with_body, write};
use crate::http::writes::MediaType;
use crate::tokens::Scope;

const SCOPE: Scope = Scope::StockWrite;

pub(super) fn paths() -> Paths {
    let set = change(
        "setStock",
        "Say what was counted",
        "Sets the numbers of a variant. What is not said stays as it is.",
        "StockCount",
        include_str!("examples/count.json"),
    );
    let adjust = change(
        "adjustStock",
        "Say how many units came or went",
        "Adds to what is on hand, or takes from it. Units are taken only as long as there are some to be sold, \
         unless the policy of the variant is `continue`: 409, and `available` says how many there are.",
        "StockAdjustment",
        include_str!("examples/adjustment.json"),
    );
    PathsBuilder::new()
        .path("/variants/{sku}/stock", PathItem::new(HttpMethod::Put, set))
        .path(
            "/variants/{sku}/stock-adjustments",
            PathItem::new(HttpMethod::Post, adjust),
        )
        .build()
}

fn change(
    id: &str,
    summary: &str,
    description: &str,
    schema: &str,
    example: &'static str,
) -> Operation {
    let written = ResponseBuilder::new()
        .description("The numbers as they are now")
        .content(
            "application/json",
            ContentBuilder::new()
                .schema(Some(Ref::from_schema_name("ChangedStock")))
                .build(),
        );
    let headers = ["Cache-Control", "Idempotent-Replayed", "X-Request-Id"];
    let sku = path(
        "sku",
        "The SKU of the variant.",
        string().min_length(Some(1)),
        "APP-00456-01",
    );
    let operation = write(id, STOCK, summary, SCOPE)
        .description(Some(description))
        .parameter(sku)
        .response("200", with_headers(written, headers).build());
    let operation = with_body(operation, MediaType::Json, schema, example);
    let mut all = errors::of_writes(SCOPE);
    all.extend(errors::of_bodies(MediaType::Json));
    all.extend(errors::of_stock());
    errors::add(operation, all)
}
