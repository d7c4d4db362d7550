//! Errors, described by what the program itself answers to them.

mod examples;

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use actix_web::body::MessageBody;
use actix_web::http::header::HeaderName;
use serde_json::Value;
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::path::{Operation, OperationBuilder};
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Type};
use utoipa::openapi::{ComponentsBuilder, ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use super::headers::with_headers;
use crate::http::problem::{ApiError, FOREIGN_CODES, PROBLEM_JSON};
pub(super) use examples::*;

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

/// Adds an example of each code.
pub(super) fn add_to(components: ComponentsBuilder) -> ComponentsBuilder {
    let mut examples = BTreeMap::new();
    for error in every() {
        let problem = Problem::of(&error);
        let code = problem.text("code").to_owned();
        let example = ExampleBuilder::new()
            .summary(problem.text("title"))
            .value(Some(problem.body.clone()));
        examples.entry(code).or_insert(example);
    }
    examples
        .into_iter()
        .fold(components, |components, (code, example)| {
            components.example(code, example)
        })
}

/// Every code that a problem may have.
pub(super) fn codes() -> Vec<String> {
    let ours = every().into_iter();
    let mut codes: Vec<_> = ours
        .map(|error| Problem::of(&error).text("code").to_owned())
        .chain(FOREIGN_CODES.map(str::to_owned))
        .collect();
    let mut known = HashSet::new();
    codes.retain(|code| known.insert(code.clone()));
    codes
}

/// Every error in a table (Markdown).
pub(super) fn table() -> String {
    let mut table = "| status | code | |\n|---|---|---|\n".to_owned();
    let mut known = HashSet::new();
    for error in every() {
        let problem = Problem::of(&error);
        if !known.insert(problem.text("code").to_owned()) {
            continue;
        }
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

/// Adds the responses for these errors.
pub(super) fn add(
    operation: OperationBuilder,
    errors: impl IntoIterator<Item = ApiError>,
) -> Operation {
    let mut errors: Vec<_> = errors.into_iter().chain([quota_exceeded()]).collect();
    // What may be out of reach may have too much to do as well.
    let reads = |error: &ApiError| matches!(error, ApiError::Unavailable(_));
    if errors.iter().any(reads) {
        errors.extend([reduced_capacity(), deadline_exceeded()]);
    }
    let responses = responses(errors).into_iter();
    responses
        .fold(operation, |operation, (status, response)| {
            operation.response(status, response)
        })
        .build()
}

/// The responses for these errors and that which any target may get, one for each status, with an example of each
/// code.
pub(super) fn responses(errors: impl IntoIterator<Item = ApiError>) -> Vec<(String, Response)> {
    let mut by_status = BTreeMap::<_, Vec<_>>::new();
    for error in errors.into_iter().chain([ApiError::TargetTooLong]) {
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
    let mut codes: Vec<_> = problems
        .iter()
        .map(|problem| problem.text("code"))
        .collect();
    codes.dedup();
    let code = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(codes.clone()));
    let schema = AllOfBuilder::new()
        .item(Ref::from_schema_name("Problem"))
        .item(ObjectBuilder::new().property("code", code));
    let examples = codes.iter().map(|code| {
        let example = Ref::new(format!("#/components/examples/{code}"));
        (*code, RefOr::<Example>::Ref(example))
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
