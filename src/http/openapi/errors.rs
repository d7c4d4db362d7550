//! Errors, described by what the program itself answers to them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use actix_web::body::MessageBody;
use actix_web::http::Method;
use actix_web::http::header::HeaderName;
use serde_json::Value;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, Ref, Response, ResponseBuilder};

use super::headers::with_headers;
use crate::cache::Status;
use crate::http::problem::{ApiError, FOREIGN_CODES, PROBLEM_JSON};

pub(super) fn bad_id() -> ApiError {
    ApiError::BadId("0456".to_owned())
}

pub(super) fn invalid_query() -> ApiError {
    let detail = "\"limt\" is not a query parameter here; did you mean limit?";
    ApiError::InvalidQuery(detail.to_owned())
}

/// Of a product that the cache was asked for.
pub(super) fn no_product(named: &str) -> ApiError {
    ApiError::NoProduct {
        named: named.to_owned(),
        is_gone: false,
        cache: Some(Status::Hit { ttl: 4_000 }),
    }
}

pub(super) fn not_acceptable() -> ApiError {
    ApiError::NotAcceptable {
        header: "Accept-Encoding",
        offered: "br, zstd, gzip, identity",
    }
}

pub(super) fn bad_path() -> ApiError {
    ApiError::BadPath("/products/by-sku/100%".to_owned())
}

pub(super) fn unavailable() -> ApiError {
    ApiError::Unavailable(String::new())
}

pub(super) fn not_ready() -> ApiError {
    ApiError::NotReady("The server is about to stop.")
}

/// An error of each kind.
fn every() -> Vec<ApiError> {
    vec![
        bad_id(),
        invalid_query(),
        no_product("id 99999"),
        ApiError::NoRoute("/product".to_owned()),
        bad_path(),
        ApiError::TargetTooLong,
        ApiError::read_only(&Method::DELETE),
        not_acceptable(),
        ApiError::ConditionFailed,
        unavailable(),
        not_ready(),
    ]
}

/// What a client meets.
struct Problem {
    status: u16,
    headers: Vec<String>,
    body: Value,
}

impl Problem {
    fn of(error: &ApiError) -> Self {
        let response = error.response("ab9e71c90eeef406");
        let names = response.headers().keys().map(HeaderName::as_str);
        let names = names.filter(|name| *name != "content-type");
        Self {
            status: response.status().as_u16(),
            headers: names.chain(["x-request-id"]).map(str::to_owned).collect(),
            // A body of ours is in one piece, and JSON: else the tests miss the code.
            body: response
                .into_body()
                .try_into_bytes()
                .ok()
                .and_then(|body| serde_json::from_slice(&body).ok())
                .unwrap_or_default(),
        }
    }

    fn text(&self, member: &str) -> &str {
        self.body[member].as_str().unwrap_or_default()
    }
}

/// Every code that a problem may have.
pub(super) fn codes() -> impl Iterator<Item = String> {
    let ours = every().into_iter();
    ours.map(|error| Problem::of(&error).text("code").to_owned())
        .chain(FOREIGN_CODES.map(str::to_owned))
}

/// Every error in a table (Markdown).
pub(super) fn table() -> String {
    let mut table = "| status | code | |\n|---|---|---|\n".to_owned();
    for error in every() {
        let problem = Problem::of(&error);
        let (code, title) = (problem.text("code"), problem.text("title"));
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| {} | `{code}` | {title} |", problem.status);
    }
    let [bad_request, internal_error] = FOREIGN_CODES;
    let _ = writeln!(
        table,
        "| 4xx | `{bad_request}` | The request could not be understood |\n\
         | 500 | `{internal_error}` | A bug; the log has it under the request id |"
    );
    table
}

/// The responses for these errors, one for each status, with an example of each code.
pub(super) fn responses(errors: impl IntoIterator<Item = ApiError>) -> Vec<(String, Response)> {
    let mut by_status = BTreeMap::<_, Vec<_>>::new();
    for error in errors {
        let problem = Problem::of(&error);
        by_status.entry(problem.status).or_default().push(problem);
    }
    let responses = by_status.into_iter();
    responses
        .map(|(status, problems)| (status.to_string(), response(&problems)))
        .collect()
}

fn response(problems: &[Problem]) -> Response {
    let titles: Vec<_> = problems
        .iter()
        .map(|problem| problem.text("title"))
        .collect();
    let codes = problems.iter().map(|problem| problem.text("code"));
    let code = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(codes));
    let schema = AllOfBuilder::new()
        .item(Ref::from_schema_name("Problem"))
        .item(ObjectBuilder::new().property("code", code));
    let examples = problems.iter().map(|problem| {
        let example = ExampleBuilder::new()
            .summary(problem.text("title"))
            .value(Some(problem.body.clone()));
        (problem.text("code"), example)
    });
    let content = ContentBuilder::new()
        .schema(Some(schema))
        .examples_from_iter(examples);
    let response = ResponseBuilder::new()
        .description(titles.join(". "))
        .content(PROBLEM_JSON, content.build());
    let headers = problems.iter().flat_map(|problem| &problem.headers);
    with_headers(response, headers.map(String::as_str)).build()
}
