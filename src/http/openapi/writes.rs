//! Writing single products.

use serde_json::Value;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, ParameterBuilder, ParameterIn,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::AnyOfBuilder;
use utoipa::openapi::{ContentBuilder, Paths, Ref, Required, Response, ResponseBuilder};

use super::headers::with_headers;
use super::overview::WRITES;
use super::parameters::{product_id, string};
use super::{errors, security};
use crate::http::problem::ApiError;
use crate::http::writes::MediaType;
use crate::tokens::Scope;

const NEW: &str = include_str!("examples/new.json");
const SCOPE: Scope = Scope::CatalogWrite;

pub(super) fn paths() -> Paths {
    let mut paths = Paths::new();
    paths.add_path_operation("/products", vec![HttpMethod::Post], create());
    let one = "/products/{id}";
    paths.add_path_operation(one, vec![HttpMethod::Put], replace());
    paths.add_path_operation(one, vec![HttpMethod::Patch], patch());
    paths.add_path_operation(one, vec![HttpMethod::Delete], delete());
    paths
}

fn create() -> Operation {
    let operation = write("createProduct", WRITES, "Create a product", SCOPE).description(Some(
        "Makes a product, or brings back a deleted one that has its handle. The answer is what a `GET` gives \
         from now on; `version` goes with `min_version` to other servers.",
    ));
    let operation = with_body(operation, MediaType::Json, "ProductRecord", NEW);
    with_errors(
        operation.response("201", written("Created", &["Location"])),
        errors::of_bodies(MediaType::Json)
            .into_iter()
            .chain(errors::of_documents()),
    )
}

fn replace() -> Operation {
    let operation = write("replaceProduct", WRITES, "Replace a product", SCOPE).description(Some(
        "Makes it as the document says. What that does not say is as for a new product, but for stock, rating \
         and reviews, which stay as they are.",
    ));
    let operation = with_body(operation, MediaType::Json, "ProductRecord", NEW);
    of_a_product(operation, Some(MediaType::Json))
}

fn patch() -> Operation {
    let operation = write("patchProduct", WRITES, "Change parts of a product", SCOPE)
        .description(Some("Merges the changes into the document (RFC 7396)."));
    let patch = include_str!("examples/patch.json");
    let operation = with_body(operation, MediaType::MergePatch, "ProductPatch", patch);
    of_a_product(operation, Some(MediaType::MergePatch))
}

fn delete() -> Operation {
    let operation = write("deleteProduct", WRITES, "Delete a product", SCOPE).description(Some(
        "It is gone for those who read: 410. Creating a product with its handle brings it back.",
    ));
    of_a_product(operation, None)
}

/// A write that may be asked again.
pub(super) fn write(id: &str, tag: &str, summary: &str, scope: Scope) -> OperationBuilder {
    let key = ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "A name of the request, such as a UUID. Asked again under it within a day, it is answered again and \
             not done again.",
        ))
        .schema(Some(string().pattern(Some("^[!#-~]{1,255}$"))));
    OperationBuilder::new()
        .operation_id(Some(id))
        .tag(tag)
        .summary(Some(summary))
        .security(security::requirement(&[scope]))
        .parameter(key)
}

/// A body that has to be there.
pub(super) fn with_body(
    operation: OperationBuilder,
    media_type: MediaType,
    schema: &str,
    example: &'static str,
) -> OperationBuilder {
    let example = ExampleBuilder::new()
        .summary("A body")
        // Where a file is no JSON, the tests miss the example.
        .value(serde_json::from_str::<Value>(example).ok());
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(schema)))
        .examples_from_iter([("demo", example)]);
    let body = RequestBodyBuilder::new()
        .content(media_type.as_str(), content.build())
        .required(Some(Required::True));
    operation.request_body(Some(body.build()))
}

/// A write of a product that there is; without a body it removes it.
fn of_a_product(operation: OperationBuilder, body: Option<MediaType>) -> Operation {
    let condition = ParameterBuilder::new()
        .name("If-Match")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "The entity tag of what was read, as `ETag` gave it. Where the product has changed since, nothing \
             is written: 412. Without it the last writer wins.",
        ))
        .schema(Some(string()));
    let operation = operation.parameter(product_id()).parameter(condition);
    let operation = if body.is_some() {
        operation.response("200", written("Written", &[]))
    } else {
        let response = ResponseBuilder::new().description("Deleted");
        let headers = ["Cache-Control", "Idempotent-Replayed", "X-Request-Id"];
        operation.response("204", with_headers(response, headers).build())
    };
    let mut errors = errors::of_the_product();
    if let Some(media_type) = body {
        errors.extend(errors::of_bodies(media_type));
        errors.extend(errors::of_documents());
    }
    with_errors(operation, errors)
}

/// The product as it is now.
fn written(description: &str, more: &[&str]) -> Response {
    const HEADERS: [&str; 5] = [
        "ETag",
        "Content-Location",
        "Cache-Control",
        "Idempotent-Replayed",
        "X-Request-Id",
    ];
    let schema = AnyOfBuilder::new()
        .item(Ref::from_schema_name("Product"))
        .item(Ref::from_schema_name("ProductRecord"))
        .description(Some(
            "What those who read get; of a product that is not public, the whole as those who write see it.",
        ));
    let response = ResponseBuilder::new().description(description).content(
        "application/json",
        ContentBuilder::new().schema(Some(schema)).build(),
    );
    with_headers(response, HEADERS.iter().chain(more).copied()).build()
}

fn with_errors(
    operation: OperationBuilder,
    errors: impl IntoIterator<Item = ApiError>,
) -> Operation {
    let all = errors::of_writes(SCOPE).into_iter().chain(errors);
    errors::add(operation, all)
}

/// Adds the operations to paths that others read.
pub(super) fn add_to(paths: &mut Paths) {
    for (path, item) in self::paths().paths {
        match paths.paths.get_mut(&path) {
            Some(known) => known.merge_operations(item),
            None => drop(paths.paths.insert(path, item)),
        }
    }
}
