//! Products one by one.

use utoipa::openapi::path::{OperationBuilder, Parameter};
use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder};
use utoipa::openapi::{ComponentsBuilder, Paths, Ref};

use super::errors::{
    bad_id, bad_path, gone, invalid_query, no_product, not_acceptable, unavailable,
    version_not_reached,
};
use super::operation::{Body, Exchange, Read, get};
use super::overview::PRODUCTS;
use super::parameters::{comma_separated, min_version, path, product_id, query, string};
use crate::http::problem::ApiError;
use crate::http::products::detail_query::{PARAMETERS, PARTS};
use crate::products::fields;

const BY_ID: &[&str] = &[
    "ETag",
    "Last-Modified",
    "Age",
    "Cache-Control",
    "CDN-Cache-Control",
    "Surrogate-Key",
    "Cache-Status",
    "Content-Encoding",
    "Doorbuster-Degraded",
    "Vary",
    "X-Request-Id",
];
const BY_OTHER_NAME: &[&str] = &[
    "Content-Location",
    "ETag",
    "Last-Modified",
    "Age",
    "Cache-Control",
    "CDN-Cache-Control",
    "Surrogate-Key",
    "Cache-Status",
    "Content-Encoding",
    "Doorbuster-Degraded",
    "Vary",
    "X-Request-Id",
];

pub(super) fn paths() -> Paths {
    let mut paths = by_id();
    paths.merge(by_handle());
    paths.merge(by_sku());
    paths
}

fn by_id() -> Paths {
    let part = Exchange {
        name: "fields",
        target: "/products/456?fields=id,title,price.min,variants.sku",
        answer: include_str!("examples/fields.json"),
    };
    let mut errors = errors("id 99999");
    errors.push(bad_id());
    let read = Read {
        id: "getProduct",
        tag: PRODUCTS,
        summary: "Get a product",
        description: "Everything that its page shows at once, answered from memory; less of it with `fields`, \
                      more with `include`. Search engines take it as `application/ld+json`, in the terms of \
                      schema.org; that goes with neither.",
        bodies: bodies("/products/456", Some(part)),
        headers: BY_ID,
        errors,
    };
    get("/products/{id}", with_parameters(read, product_id()))
}

fn by_handle() -> Paths {
    let read = Read {
        id: "getProductByHandle",
        tag: PRODUCTS,
        summary: "Get a product by its handle",
        description: "For a page whose address has the handle. `Content-Location` says the id, which never \
                      changes, as a handle may.",
        bodies: bodies("/products/by-handle/ember-hemp-tee", None),
        headers: BY_OTHER_NAME,
        errors: errors("handle \"ember\""),
    };
    let schema = string().min_length(Some(1));
    let handle = path(
        "handle",
        "The handle of the product.",
        schema,
        "ember-hemp-tee",
    );
    get(
        "/products/by-handle/{handle}",
        with_parameters(read, handle),
    )
}

fn by_sku() -> Paths {
    let read = Read {
        id: "getProductBySku",
        tag: PRODUCTS,
        summary: "Get the product of a variant, by SKU",
        description: "The whole product that the variant with this SKU belongs to.",
        bodies: bodies("/products/by-sku/APP-00456-02", None),
        headers: BY_OTHER_NAME,
        errors: errors("sku \"APP-00456-99\""),
    };
    let schema = string().min_length(Some(1));
    let sku = path("sku", "The SKU of a variant.", schema, "APP-00456-02");
    get("/products/by-sku/{sku}", with_parameters(read, sku))
}

/// JSON and JSON-LD.
fn bodies(target: &'static str, more: Option<Exchange>) -> Vec<Body> {
    let example = |answer| Exchange {
        name: "demo",
        target,
        answer,
    };
    let mut examples = vec![example(include_str!("examples/product.json"))];
    examples.extend(more);
    let json = Body {
        media_type: "application/json",
        schema: AnyOfBuilder::new()
            .item(Ref::from_schema_name("Product"))
            .item(Ref::from_schema_name("ProductPart"))
            .into(),
        examples,
    };
    let json_ld = Body {
        media_type: "application/ld+json",
        schema: Ref::from_schema_name("JsonLd").into(),
        examples: vec![example(include_str!("examples/product.ld.json"))],
    };
    vec![json, json_ld]
}

fn errors(named: &str) -> Vec<ApiError> {
    vec![
        bad_path(),
        invalid_query(),
        no_product(named),
        gone(named),
        not_acceptable(),
        version_not_reached(),
        unavailable(),
    ]
}

fn with_parameters(read: Read, name: Parameter) -> OperationBuilder {
    let operation = read.operation().parameter(name);
    PARAMETERS.into_iter().fold(operation, |operation, name| {
        operation.parameter_ref(Ref::new(format!("#/components/parameters/{name}")))
    })
}

/// Adds the parameters that all of these have.
pub(super) fn add_to(components: ComponentsBuilder) -> ComponentsBuilder {
    PARAMETERS
        .into_iter()
        .filter_map(parameter)
        .fold(components, |components, parameter| {
            components.parameter(parameter.name.clone(), parameter)
        })
}

/// What is to be said of a parameter; the tests miss those of which nothing is said.
fn parameter(name: &str) -> Option<Parameter> {
    let parameter = match name {
        "fields" => {
            let named = string().enum_values(Some(fields::paths()));
            let within = string().pattern(Some(r"^(attributes|variants\.options)(\.[^.,]+){1,6}$"));
            query(
                name,
                format!(
                    "Only these members, {} at most, with commas between; a dot leads into an object, or into \
                     each element of a list. They keep their order.",
                    fields::MAX_NAMES
                ),
                ArrayBuilder::new()
                    .items(AnyOfBuilder::new().item(named).item(within))
                    .min_items(Some(1))
                    .max_items(Some(fields::MAX_NAMES)),
            )
        }
        "include" => query(
            name,
            "With the first page of its reviews, with products that go with it, or both: `reviews` and \
             `recommendations`, at the end of the document, whatever the `fields`.",
            ArrayBuilder::new()
                .items(string().enum_values(Some(PARTS)))
                .min_items(Some(1)),
        ),
        "min_version" => return Some(min_version().build()),
        _ => return None,
    };
    Some(comma_separated(parameter).build())
}
