//! Many products in one request: bulk writes and exports.

use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, Parameter};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::{
    Content, ContentBuilder, PathItem, Paths, PathsBuilder, Required, ResponseBuilder,
};

use super::headers::with_headers;
use super::overview::WRITES;
use super::parameters::{integer, query, string};
use super::{errors, lists, security};
use crate::flags::Feature;
use crate::http::export::{JSON_LINES, PARAMETERS};
use crate::http::problem::ApiError;
use crate::http::writes::WriteProblem;
use crate::products::input::Status;
use crate::tokens::Scope;

pub(super) fn paths() -> Paths {
    PathsBuilder::new()
        .path("/products:bulk", PathItem::new(HttpMethod::Post, bulk()))
        .path("/products:export", PathItem::new(HttpMethod::Get, export()))
        .build()
}

fn bulk() -> Operation {
    let mut refused = errors::unauthorized(Scope::CatalogWrite);
    refused.extend([
        WriteProblem::Coding("gzip".to_owned()).into(),
        WriteProblem::Cut.into(),
        WriteProblem::Busy.into(),
        ApiError::Busy,
        errors::feature_off(Feature::Writes),
        errors::unavailable(),
    ]);
    let body = RequestBodyBuilder::new()
        .description(Some(
            "A `ProductRecord` a line. Longer than memory is fine.",
        ))
        .content(JSON_LINES, lines(include_str!("examples/bulk.jsonl")))
        .required(Some(Required::True));
    let response = ResponseBuilder::new()
        .description("A `BulkResult` a line, in the order of the lines, sent while more lines come")
        .content(
            JSON_LINES,
            lines(include_str!("examples/bulk.results.jsonl")),
        );
    let operation = OperationBuilder::new()
        .operation_id(Some("writeProducts"))
        .tag(WRITES)
        .summary(Some("Write many products"))
        .description(Some(
            "Makes or changes the product with the handle of each line; what a line does not say stays as it \
             is. A line that is wrong is told of in its result, and does not stop the others.",
        ))
        .security(security::requirement(&[Scope::CatalogWrite]))
        .request_body(Some(body.build()))
        .response(
            "200",
            with_headers(response, ["Cache-Control", "X-Request-Id"]).build(),
        );
    errors::add(operation, refused)
}

fn export() -> Operation {
    let mut refused = errors::unauthorized(Scope::Ops);
    refused.extend([
        errors::invalid_query(),
        errors::not_acceptable(),
        ApiError::Busy,
        errors::unavailable(),
    ]);
    let response = ResponseBuilder::new()
        .description("A `ProductRecord` a line, in order of id")
        .content(JSON_LINES, lines(include_str!("examples/bulk.jsonl")));
    let headers = ["Cache-Control", "Content-Encoding", "Vary", "X-Request-Id"];
    let operation = OperationBuilder::new()
        .operation_id(Some("exportProducts"))
        .tag(WRITES)
        .summary(Some("Export the catalogue"))
        .description(Some(
            "All products to which the filters apply, public or not, with costs, relations and reviews. Cut off, \
             it goes on with the id of the last whole line as `cursor`. `doorbuster import` reads it. The token \
             needs one of the scopes.",
        ))
        .security(security::requirement(&[Scope::Ops]))
        .security(security::requirement(&[Scope::CatalogWrite]))
        .response("200", with_headers(response, headers).build());
    let parameters = PARAMETERS.into_iter().filter_map(parameter);
    let operation = parameters.fold(operation, OperationBuilder::parameter);
    errors::add(operation, refused)
}

/// The filters of the lists, and two more.
fn parameter(name: &str) -> Option<Parameter> {
    let parameter = match name {
        "status" => {
            let words = [Status::Draft, Status::Active, Status::Archived].map(Status::as_str);
            query(name, "Only these.", string().enum_values(Some(words)))
        }
        "cursor" => query(
            name,
            "Only products with a higher id: that of the last one that arrived.",
            integer(0, i64::MAX),
        ),
        _ => return lists::parameter(name),
    };
    Some(parameter.build())
}

fn lines(example: &str) -> Content {
    ContentBuilder::new()
        .schema(Some(string()))
        .example(Some(example.into()))
        .build()
}
