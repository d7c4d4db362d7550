//! Flags for storefronts.

use serde_json::json;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::{
    ContentBuilder, PathItem, Paths, PathsBuilder, Ref, Required, Response, ResponseBuilder,
};

use super::errors;
use super::headers::with_headers;
use super::overview::FLAGS;
use super::parameters::{self, path, string};

const JSON: &str = "application/json";

pub(super) fn paths() -> Paths {
    PathsBuilder::new()
        .path(
            "/ofrep/v1/evaluate/flags",
            PathItem::new(HttpMethod::Post, all()),
        )
        .path(
            "/ofrep/v1/evaluate/flags/{key}",
            PathItem::new(HttpMethod::Post, one()),
        )
        .build()
}

fn all() -> Operation {
    let operation = OperationBuilder::new()
        .operation_id(Some("evaluateFlags"))
        .tag(FLAGS)
        .summary(Some("Evaluate all flags"))
        .description(Some(
            "As the OpenFeature Remote Evaluation Protocol has it, for providers in browsers and apps. A flag whose rule \
             does not work is told of among the others, and does not stop them. The entity tag is of the answer: 304 \
             where nothing has changed for this context.",
        ))
        .parameter_ref(Ref::new(parameters::IF_NONE_MATCH))
        .request_body(Some(body()))
        .response("200", answer("As asked", "EvaluatedFlags", true))
        .response("304", not_modified())
        .response("400", failure("The context is none"));
    errors::add(operation, [])
}

fn one() -> Operation {
    let key = path(
        "key",
        "The key of the flag.",
        string().pattern(Some("^[A-Za-z0-9_.:-]{1,100}$")),
        "recommendations",
    );
    let operation = OperationBuilder::new()
        .operation_id(Some("evaluateFlag"))
        .tag(FLAGS)
        .summary(Some("Evaluate a flag"))
        .description(Some(
            "As the OpenFeature Remote Evaluation Protocol has it, for providers in servers. No `value` says that the \
             caller's own default holds.",
        ))
        .parameter(key)
        .request_body(Some(body()))
        .response("200", answer("As asked", "EvaluatedFlag", false))
        .response("400", failure("The context is none, or the rule does not work. The path is no UTF-8"))
        .response("404", failure("There is no such flag"));
    errors::add(operation, [])
}

fn body() -> RequestBody {
    let example = ExampleBuilder::new()
        .summary("A user")
        .value(Some(json!({ "context": { "targetingKey": "user-1" } })));
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("FlagRequest")))
        .examples_from_iter([("user", example)]);
    RequestBodyBuilder::new()
        .content(JSON, content.build())
        .required(Some(Required::False))
        .build()
}

fn answer(description: &str, schema: &str, is_tagged: bool) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema)));
    let response = ResponseBuilder::new()
        .description(description)
        .content(JSON, content.build());
    let tag = is_tagged.then_some("ETag");
    with_headers(
        response,
        tag.into_iter().chain(["Cache-Control", "X-Request-Id"]),
    )
    .build()
}

fn not_modified() -> Response {
    let response = ResponseBuilder::new().description("Nothing has changed for this context");
    with_headers(response, ["ETag", "Cache-Control", "X-Request-Id"]).build()
}

fn failure(description: &str) -> Response {
    answer(description, "FlagFailure", false)
}
