//! What operations have in common.

use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{HttpMethod, OperationBuilder};
use utoipa::openapi::{
    ContentBuilder, PathItem, Paths, PathsBuilder, Ref, RefOr, Response, ResponseBuilder, Schema,
};

use super::headers::with_headers;
use super::{errors, parameters};
use crate::http::problem::ApiError;

/// A request to the demo shop, and what it answers; the tests ask it.
pub(super) struct Exchange {
    /// As in `/products/456`.
    pub(super) target: &'static str,
    /// JSON. Cursors are signed with a key of the catalogue, so they are others elsewhere.
    pub(super) answer: &'static str,
}

/// A `GET`.
pub(super) struct Read {
    pub(super) id: &'static str,
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    /// Of the body.
    pub(super) schema: RefOr<Schema>,
    pub(super) example: Exchange,
    /// Of the response to a request that is answered as asked.
    pub(super) headers: &'static [&'static str],
    pub(super) errors: Vec<ApiError>,
}

impl Read {
    /// As an operation that lacks its own parameters.
    pub(super) fn operation(self) -> OperationBuilder {
        let is_conditional = self.headers.contains(&"ETag");
        let mut operation = OperationBuilder::new()
            .operation_id(Some(self.id))
            .tag(self.tag)
            .summary(Some(self.summary))
            .description(Some(self.description))
            .response("200", self.success());
        if is_conditional {
            operation = operation
                .parameter_ref(Ref::new(parameters::IF_NONE_MATCH))
                .response("304", self.not_modified());
        }
        for (status, response) in errors::responses(self.errors) {
            operation = operation.response(status, response);
        }
        operation
    }

    fn success(&self) -> Response {
        let example = ExampleBuilder::new()
            .summary(format!("GET {}", self.example.target))
            // Where a file is no JSON, the tests miss the example.
            .value(serde_json::from_str(self.example.answer).ok());
        let content = ContentBuilder::new()
            .schema(Some(self.schema.clone()))
            .examples_from_iter([("demo", example)]);
        let response = ResponseBuilder::new()
            .description("As asked")
            .content("application/json", content.build());
        with_headers(response, self.headers.iter().copied()).build()
    }

    fn not_modified(&self) -> Response {
        /// Of the body that is not sent.
        const OF_THE_BODY: [&str; 2] = ["Content-Encoding", "Surrogate-Key"];
        let kept = self.headers.iter().copied();
        let response = ResponseBuilder::new()
            .description("The client has it already: `If-None-Match` names it");
        with_headers(response, kept.filter(|name| !OF_THE_BODY.contains(name))).build()
    }
}

/// The path of a single operation.
pub(super) fn get(path: &str, operation: OperationBuilder) -> Paths {
    PathsBuilder::new()
        .path(path, PathItem::new(HttpMethod::Get, operation))
        .build()
}
