//! Products one by one.

use utoipa::openapi::{Paths, Ref};

use super::errors::{bad_id, no_product, not_acceptable, unavailable};
use super::operation::{Exchange, Read, get};
use super::overview::PRODUCTS;
use super::parameters::{path, product_id, string};
use crate::http::problem::ApiError;

const ANSWER: &str = include_str!("examples/product.json");

const HEADERS: [&str; 8] = [
    "ETag",
    "Cache-Control",
    "CDN-Cache-Control",
    "Surrogate-Key",
    "Cache-Status",
    "Content-Encoding",
    "Vary",
    "X-Request-Id",
];
const HEADERS_BY_OTHER_NAME: [&str; 9] = [
    "Content-Location",
    "ETag",
    "Cache-Control",
    "CDN-Cache-Control",
    "Surrogate-Key",
    "Cache-Status",
    "Content-Encoding",
    "Vary",
    "X-Request-Id",
];

pub(super) fn paths() -> Paths {
    let mut paths = by_id();
    paths.merge(by_handle());
    paths.merge(by_sku());
    paths
}

fn errors() -> Vec<ApiError> {
    vec![not_acceptable(), unavailable()]
}

fn by_id() -> Paths {
    const PATH: &str = "/products/{id}";
    let mut errors = errors();
    errors.push(bad_id());
    errors.push(no_product("id 99999"));
    let read = Read {
        id: "getProduct",
        tag: PRODUCTS,
        summary: "Get a product",
        description: "Everything that its page shows at once. Answered from memory, in microseconds.",
        schema: Ref::from_schema_name("Product").into(),
        example: Exchange {
            target: "/products/456",
            answer: ANSWER,
        },
        headers: &HEADERS,
        errors,
    };
    get(PATH, read.operation().parameter(product_id()))
}

fn by_handle() -> Paths {
    const PATH: &str = "/products/by-handle/{handle}";
    let mut errors = errors();
    errors.push(no_product("handle \"ember-hemp-teee\""));
    let read = Read {
        id: "getProductByHandle",
        tag: PRODUCTS,
        summary: "Get a product by its handle",
        description: "For a page whose address has the handle. `Content-Location` says the id, which never \
                      changes, as a handle may.",
        schema: Ref::from_schema_name("Product").into(),
        example: Exchange {
            target: "/products/by-handle/ember-hemp-tee",
            answer: ANSWER,
        },
        headers: &HEADERS_BY_OTHER_NAME,
        errors,
    };
    let handle = path(
        "handle",
        "The handle of the product.",
        string().min_length(Some(1)),
        "ember-hemp-tee",
    );
    get(PATH, read.operation().parameter(handle))
}

fn by_sku() -> Paths {
    const PATH: &str = "/products/by-sku/{sku}";
    let mut errors = errors();
    errors.push(no_product("sku \"APP-00456-99\""));
    let read = Read {
        id: "getProductBySku",
        tag: PRODUCTS,
        summary: "Get the product of a variant, by SKU",
        description: "The whole product that the variant with this SKU belongs to.",
        schema: Ref::from_schema_name("Product").into(),
        example: Exchange {
            target: "/products/by-sku/APP-00456-02",
            answer: ANSWER,
        },
        headers: &HEADERS_BY_OTHER_NAME,
        errors,
    };
    let sku = path(
        "sku",
        "The SKU of a variant.",
        string().min_length(Some(1)),
        "APP-00456-02",
    );
    get(PATH, read.operation().parameter(sku))
}
