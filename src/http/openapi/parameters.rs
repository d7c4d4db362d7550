//! Parameters that several operations have.

use serde_json::json;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{ComponentsBuilder, RefOr, Required, Schema};

use crate::http::query::MAX_LIMIT;
use crate::products::catalog::DEFAULT_LIMIT;

/// Where `If-None-Match` is described.
pub(super) const IF_NONE_MATCH: &str = "#/components/parameters/If-None-Match";

/// Adds those that are referred to.
pub(super) fn add_to(components: ComponentsBuilder) -> ComponentsBuilder {
    let if_none_match = ParameterBuilder::new()
        .name("If-None-Match")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "Entity tags of what the client has, as `ETag` gave them. Where one is current, the answer is 304.",
        ))
        .schema(Some(string()))
        .build();
    components.parameter("If-None-Match", if_none_match)
}

pub(super) fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

pub(super) fn integer(minimum: i64, maximum: i64) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(minimum))
        .maximum(Some(maximum))
}

/// A part of the path.
pub(super) fn path(
    name: &str,
    description: &str,
    schema: impl Into<RefOr<Schema>>,
    example: impl Into<serde_json::Value>,
) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(schema))
        .example(Some(example.into()))
        .build()
}

/// The id of a product.
pub(super) fn product_id() -> Parameter {
    let schema = integer(1, i64::MAX);
    path(
        "id",
        "The id of the product: digits, without sign or leading zeros.",
        schema,
        456,
    )
}

/// A parameter of the query, none of which is required.
pub(super) fn query(
    name: &str,
    description: impl Into<String>,
    schema: impl Into<RefOr<Schema>>,
) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
}

/// A list in one value.
pub(super) fn comma_separated(parameter: ParameterBuilder) -> ParameterBuilder {
    parameter
        .style(Some(ParameterStyle::Form))
        .explode(Some(false))
}

/// How many items a page has.
pub(super) fn limit() -> ParameterBuilder {
    let maximum = i64::try_from(MAX_LIMIT).unwrap_or(i64::MAX);
    let schema = integer(1, maximum).default(Some(json!(DEFAULT_LIMIT)));
    query("limit", "Items of a page at most.", schema)
}

/// No older version than this.
pub(super) fn min_version() -> ParameterBuilder {
    query(
        "min_version",
        "No version below this one, as a write answered it: to read what one has written through another server. \
         503 where it is not there yet.",
        integer(0, i64::MAX),
    )
}

/// Where a page begins.
pub(super) fn cursor() -> ParameterBuilder {
    query(
        "cursor",
        "Where the page begins: `next` of the page before. It goes with the other parameters that page was \
         asked for with, but for `limit`.",
        string().pattern(Some("^[A-Za-z0-9_-]+$")),
    )
}
