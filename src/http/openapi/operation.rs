//! What operations have in common.

use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{HttpMethod, OperationBuilder};
use utoipa::openapi::{
    Content, ContentBuilder, PathItem, Paths, PathsBuilder, Ref, RefOr, Response, ResponseBuilder,
    Schema,
};

use super::headers::with_headers;
use super::{errors, parameters};
use crate::http::problem::ApiError;

/// Headers of what hangs on a product, or is a page of it.
pub(super) const PAGE: &[&str] = &[
    "ETag",
    "Age",
    "Cache-Control",
    "Cache-Status",
    "Content-Encoding",
    "Doorbuster-Degraded",
    "Vary",
    "X-Request-Id",
];
/// Headers of a page that others follow.
pub(super) const PAGE_WITH_NEXT: &[&str] = &[
    "Link",
    "ETag",
    "Age",
    "Cache-Control",
    "Cache-Status",
    "Content-Encoding",
    "Doorbuster-Degraded",
    "Vary",
    "X-Request-Id",
];

/// A body.
pub(super) struct Body {
    pub(super) media_type: &'static str,
    pub(super) schema: RefOr<Schema>,
    pub(super) examples: Vec<Exchange>,
}

/// A request to the demo shop, and what it answers; the tests ask it.
pub(super) struct Exchange {
    pub(super) name: &'static str,
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
    /// The client chooses by media type.
    pub(super) bodies: Vec<Body>,
    /// Of the response to a request that is answered as asked.
    pub(super) headers: &'static [&'static str],
    pub(super) errors: Vec<ApiError>,
}

impl Read {
    /// As an operation that lacks its own parameters.
    pub(super) fn operation(mut self) -> OperationBuilder {
        let is_conditional = self.headers.contains(&"ETag");
        let mut operation = OperationBuilder::new()
            .operation_id(Some(self.id))
            .tag(self.tag)
            .summary(Some(self.summary))
            .description(Some(self.description))
            .response("200", self.success());
        if is_conditional {
            self.errors.push(ApiError::ConditionFailed);
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
        let response = ResponseBuilder::new().description("As asked");
        let response = self.bodies.iter().fold(response, |response, body| {
            response.content(body.media_type, body.content())
        });
        with_headers(response, self.headers.iter().copied()).build()
    }

    fn not_modified(&self) -> Response {
        /// Of the body that is not sent.
        const OF_THE_BODY: [&str; 3] = ["Content-Encoding", "Last-Modified", "Surrogate-Key"];
        let kept = self.headers.iter().copied();
        let response = ResponseBuilder::new()
            .description("The client has it already: `If-None-Match` names it");
        with_headers(response, kept.filter(|name| !OF_THE_BODY.contains(name))).build()
    }
}

impl Body {
    /// JSON, of which there is one example.
    pub(super) fn json(
        schema: impl Into<RefOr<Schema>>,
        target: &'static str,
        answer: &'static str,
    ) -> Vec<Self> {
        let name = "demo";
        vec![Self {
            media_type: "application/json",
            schema: schema.into(),
            examples: vec![Exchange {
                name,
                target,
                answer,
            }],
        }]
    }

    fn content(&self) -> Content {
        let examples = self.examples.iter().map(|exchange| {
            let example = ExampleBuilder::new()
                .summary(format!("GET {}", exchange.target))
                // Where a file is no JSON, the tests miss the example.
                .value(serde_json::from_str(exchange.answer).ok());
            (exchange.name, example)
        });
        ContentBuilder::new()
            .schema(Some(self.schema.clone()))
            .examples_from_iter(examples)
            .build()
    }
}

/// The path of a single operation.
pub(super) fn get(path: &str, operation: OperationBuilder) -> Paths {
    PathsBuilder::new()
        .path(path, PathItem::new(HttpMethod::Get, operation))
        .build()
}
