//! Imports behind the requests.

use utoipa::PartialSchema;
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, Parameter};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Content, ContentBuilder, Paths, Ref, Required, ResponseBuilder};

use super::headers::with_headers;
use super::overview::WRITES;
use super::parameters::{integer, path, query, string};
use super::schemas::CurrencyCode;
use super::{errors, security};
use crate::flags::Feature;
use crate::http::export::JSON_LINES;
use crate::http::problem::ApiError;
use crate::http::writes::{MediaType, WriteProblem};
use crate::products::import_runs::{Format, OnError, PARAMETERS};
use crate::tokens::Scope;

const FILE: &str = "application/octet-stream";

pub(super) fn paths() -> Paths {
    let mut paths = Paths::new();
    paths.add_path_operation("/imports", vec![HttpMethod::Post], submit());
    paths.add_path_operation("/imports/{id}", vec![HttpMethod::Get], status());
    paths.add_path_operation("/imports/{id}/report", vec![HttpMethod::Get], report());
    paths
}

fn submit() -> Operation {
    let naming = ObjectBuilder::new()
        .property("url", string().pattern(Some("^https?://[^/]+")))
        .required("url")
        .build();
    let naming = ContentBuilder::new().schema(Some(naming)).build();
    let file = ContentBuilder::new().schema(Some(string())).build();
    let body = RequestBodyBuilder::new()
        .description(Some(
            "The file as it is, plain or compressed by gzip, zstd or zip, under any type but JSON; or where it is, at an \
             address that `imports.urls` allows.",
        ))
        .content(FILE, file)
        .content(MediaType::Json.as_str(), naming)
        .required(Some(Required::True));
    let accepted = ResponseBuilder::new()
        .description("Kept, and done by and by: `Location` tells how far that has come")
        .content("application/json", told());
    let headers = ["Location", "Retry-After", "Cache-Control", "X-Request-Id"];
    let operation = OperationBuilder::new()
        .operation_id(Some("importProducts"))
        .tag(WRITES)
        .summary(Some("Import a file of products"))
        .description(Some(
            "Takes what `doorbuster import` takes: JSON Lines, Shopify's product CSV, a Google Merchant feed. All of it is \
             one transaction, behind the requests. One that is interrupted begins anew.",
        ))
        .security(security::requirement(&[Scope::CatalogWrite]))
        .request_body(Some(body.build()))
        .response("202", with_headers(accepted, headers).build());
    let operation = PARAMETERS
        .into_iter()
        .map(parameter)
        .fold(operation, OperationBuilder::parameter);
    let mut refused = errors::unauthorized(Scope::CatalogWrite);
    refused.extend(errors::of_bodies(MediaType::Json));
    refused.extend(errors::of_imports());
    refused.extend([
        errors::invalid_query(),
        WriteProblem::Busy.into(),
        ApiError::Busy,
        errors::feature_off(Feature::Writes),
        errors::unavailable(),
    ]);
    errors::add(operation, refused)
}

fn parameter(name: &'static str) -> Parameter {
    let boolean = || ObjectBuilder::new().schema_type(Type::Boolean);
    let parameter = match name {
        "format" => query(
            name,
            "What the file holds; `auto` looks into it.",
            string().enum_values(Some(Format::ALL.map(Format::as_str))),
        ),
        "on_error" => query(
            name,
            "What a wrong record does: `stop` leaves the catalogue as it was, `skip` goes on without it.",
            string().enum_values(Some(OnError::ALL.map(OnError::as_str))),
        ),
        "dry_run" => query(name, "Do everything, then roll back.", boolean()),
        "delete_missing" => query(
            name,
            "Delete the products that the file does not contain, unless something was left out.",
            boolean(),
        ),
        _ => query(
            name,
            "Currency of amounts that are given without one; USD unless said.",
            CurrencyCode::schema(),
        ),
    };
    parameter.build()
}

fn status() -> Operation {
    let ok = ResponseBuilder::new()
        .description("How far it has come")
        .content("application/json", told());
    with_errors(
        of_one(
            "importStatus",
            "How an import stands",
            "Counts are noted about each second where the store is PostgreSQL, and at the end.",
        )
        .response(
            "200",
            with_headers(ok, ["Retry-After", "Cache-Control", "X-Request-Id"]).build(),
        ),
    )
}

fn report() -> Operation {
    let lines = ContentBuilder::new()
        .schema(Some(string()))
        .example(Some(
            "{\"kind\":\"skipped\",\"message\":\"line 7: price \\\"-1\\\": below zero\"}\n".into(),
        ))
        .build();
    let ok = ResponseBuilder::new()
        .description("A line of JSON with `kind` and `message` for each")
        .content(JSON_LINES, lines);
    with_errors(of_one(
        "importReport",
        "What an import left out",
        "Records that were left out (`skipped`), the one that stopped it (`stopped`), and what else is to be known \
         (`warning`), at most ten thousand. Empty before the end.",
    )
    .response(
        "200",
        with_headers(ok, ["Cache-Control", "X-Request-Id"]).build(),
    )
)
}

fn of_one(id: &str, summary: &str, description: &str) -> OperationBuilder {
    let number = path(
        "id",
        "The number of the import, from the answer to whom asked for it.",
        integer(1, i64::MAX),
        1,
    );
    OperationBuilder::new()
        .operation_id(Some(id))
        .tag(WRITES)
        .summary(Some(summary))
        .description(Some(description))
        .security(security::requirement(&[Scope::CatalogWrite]))
        .parameter(number)
}

fn with_errors(operation: OperationBuilder) -> Operation {
    let mut refused = errors::unauthorized(Scope::CatalogWrite);
    refused.extend([
        errors::bad_path(),
        errors::invalid_query(),
        errors::no_import(),
        errors::unavailable(),
    ]);
    errors::add(operation, refused)
}

fn told() -> Content {
    ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Import")))
        .build()
}
