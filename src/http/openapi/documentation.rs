//! This description itself.

use utoipa::openapi::path::OperationBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, Paths, Ref, ResponseBuilder};

use super::errors::{self, not_acceptable, unavailable};
use super::headers::with_headers;
use super::operation::get;
use super::overview::OPERATION;
use super::parameters::IF_NONE_MATCH;
use crate::http::problem::ApiError;

pub(super) fn paths() -> Paths {
    let json = operation(
        "getDescription",
        "Get this description",
        "application/json",
        Type::Object,
    )
    .description(Some("OpenAPI 3.1, for programs and generators of clients."));
    let page = operation(
        "getDocumentation",
        "Read this description",
        "text/html",
        Type::String,
    )
    .description(Some("A page for people. It loads nothing from elsewhere."));
    let mut paths = get("/openapi.json", json);
    paths.merge(get("/docs", page));
    paths
}

fn operation(id: &str, summary: &str, media_type: &str, body: Type) -> OperationBuilder {
    const HEADERS: [&str; 5] = [
        "ETag",
        "Cache-Control",
        "Content-Encoding",
        "Vary",
        "X-Request-Id",
    ];
    let content = ContentBuilder::new().schema(Some(ObjectBuilder::new().schema_type(body)));
    let success = ResponseBuilder::new()
        .description("As asked")
        .content(media_type, content.build());
    let not_modified =
        ResponseBuilder::new().description("The client has it already: `If-None-Match` names it");
    let mut operation = OperationBuilder::new()
        .operation_id(Some(id))
        .tag(OPERATION)
        .summary(Some(summary))
        .parameter_ref(Ref::new(IF_NONE_MATCH))
        .response("200", with_headers(success, HEADERS).build())
        .response(
            "304",
            with_headers(
                not_modified,
                ["ETag", "Cache-Control", "Vary", "X-Request-Id"],
            )
            .build(),
        );
    for (status, response) in
        errors::responses([not_acceptable(), ApiError::ConditionFailed, unavailable()])
    {
        operation = operation.response(status, response);
    }
    operation
}
