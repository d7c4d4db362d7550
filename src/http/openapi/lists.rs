//! Products in lists, and several at once.

use serde_json::json;
use utoipa::PartialSchema;
use utoipa::openapi::path::Parameter;
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, OneOfBuilder, SchemaFormat};
use utoipa::openapi::{Paths, Ref};

use super::errors::{feature_off, invalid_query, not_acceptable, unavailable};
use super::operation::{Body, PAGE_WITH_NEXT, Read, get};
use super::overview::PRODUCTS;
use super::parameters::{comma_separated, cursor, integer, limit, query, string};
use super::schemas::{Availability, CurrencyCode};
use crate::flags::Feature;
use crate::http::batch::MAX_IDS;
use crate::http::lists::filters::{MAX_TAG_GROUPS, MAX_WORDS, PARAMETERS};
use crate::products::listing::Sort;
use crate::products::money::MAX_MINOR;

const DESCRIPTION: &str = "\
A page of the public products to which all filters apply, whole documents, in the order of `sort`. The answer is \
`{\"items\":[…],\"next\":…}`; go on with `next` as `cursor` until it is null.

With `ids`, which goes with no other parameter, it is `{\"items\":[…],\"missing\":[…]}`: those products in the order \
given, each once, and the ids of which there is none.";

pub(super) fn paths() -> Paths {
    let schema = OneOfBuilder::new()
        .item(Ref::from_schema_name("ProductPage"))
        .item(Ref::from_schema_name("ProductBatch"));
    let read = Read {
        id: "listProducts",
        tag: PRODUCTS,
        summary: "List products, or get several by id",
        description: DESCRIPTION,
        bodies: Body::json(
            schema,
            "/products?vendor=Sundwalla&sort=price&limit=1",
            include_str!("examples/page.json"),
        ),
        headers: PAGE_WITH_NEXT,
        errors: vec![
            invalid_query(),
            not_acceptable(),
            feature_off(Feature::CheckoutFirst),
            unavailable(),
        ],
    };
    let mut operation = read.operation();
    for parameter in PARAMETERS.into_iter().filter_map(parameter) {
        operation = operation.parameter(parameter);
    }
    get("/products", operation)
}

/// What is to be said of a parameter; the tests miss those of which nothing is said.
pub(super) fn parameter(name: &str) -> Option<Parameter> {
    let text = || string().min_length(Some(1));
    let parameter = match name {
        "ids" => comma_separated(query(
            name,
            format!(
                "Ids of products, at most {MAX_IDS}, separated by commas. Goes with nothing else."
            ),
            ArrayBuilder::new()
                .items(integer(1, i64::MAX))
                .min_items(Some(1))
                .max_items(Some(MAX_IDS)),
        )),
        "category" => query(
            name,
            "The category or one of those above it: `Apparel`, or `Apparel > Tops`. Spaces around `>` do not \
             matter.",
            text(),
        ),
        "vendor" => query(name, "Exactly this vendor.", text()),
        "product_type" => query(name, "Exactly this type.", text()),
        "tag" => query(
            name,
            format!(
                "Up to {MAX_WORDS} tags separated by commas: one of them. Given several times, {MAX_TAG_GROUPS} at most: \
                 all of these have to hold."
            ),
            ArrayBuilder::new()
                .items(string().pattern(Some(format!("^[^,]+(,[^,]+){{0,{}}}$", MAX_WORDS - 1))))
                .max_items(Some(MAX_TAG_GROUPS)),
        ),
        "price_min" => query(
            name,
            "The lowest price is at least this many minor units of `currency`, which has to be given.",
            integer(0, MAX_MINOR),
        ),
        "price_max" => query(
            name,
            "The lowest price is at most this many minor units of `currency`, which has to be given.",
            integer(0, MAX_MINOR),
        ),
        "currency" => query(
            name,
            "The prices are in this currency; lower case will do.",
            CurrencyCode::schema(),
        ),
        "availability" => comma_separated(query(
            name,
            "One of these, separated by commas.",
            ArrayBuilder::new()
                .items(Availability::schema())
                .min_items(Some(1)),
        )),
        "updated_since" => query(
            name,
            "Changed then or later. Write the `+` of an offset as `%2B`.",
            string().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))),
        )
        .example(Some(json!("2025-08-12T20:56:43Z"))),
        "sort" => query(
            name,
            format!(
                "The order; `{}` where nothing is said.",
                Sort::default().word()
            ),
            Ref::from_schema_name("ListOrder"),
        ),
        "limit" => limit(),
        "cursor" => cursor(),
        _ => return None,
    };
    Some(parameter.build())
}
