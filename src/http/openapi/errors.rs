//! Errors, described by what the program itself answers to them.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use actix_web::body::MessageBody;
use actix_web::http::Method;
use actix_web::http::header::HeaderName;
use serde_json::Value;
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Type};
use utoipa::openapi::{ComponentsBuilder, ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use super::headers::with_headers;
use crate::cache::Status;
use crate::http::authorization::AuthorizationError;
use crate::http::problem::{ApiError, FOREIGN_CODES, PROBLEM_JSON};
use crate::http::writes::{MediaType, WriteProblem};
use crate::products::edit::EditError;
use crate::products::validate::Invalid;
use crate::tokens::Scope;

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

/// Of a product that was deleted.
pub(super) fn gone(named: &str) -> ApiError {
    ApiError::NoProduct {
        named: named.to_owned(),
        is_gone: true,
        cache: Some(Status::Hit { ttl: 4_000 }),
    }
}

pub(super) fn version_not_reached() -> ApiError {
    ApiError::VersionNotReached { version: 1 }
}

/// What a request without the right token is told.
pub(super) fn unauthorized(scope: Scope) -> Vec<ApiError> {
    let all = [
        AuthorizationError::Missing,
        AuthorizationError::Invalid("the token was revoked"),
        AuthorizationError::Insufficient(scope),
        AuthorizationError::Several,
    ];
    all.into_iter().map(ApiError::Authorization).collect()
}

/// What a write of one product may be told, whatever is in it.
pub(super) fn of_writes() -> Vec<ApiError> {
    let mut errors = unauthorized(Scope::CatalogWrite);
    errors.extend([
        WriteProblem::InvalidKey.into(),
        WriteProblem::KeyInFlight.into(),
        WriteProblem::KeyReused.into(),
        WriteProblem::Busy.into(),
        unavailable(),
    ]);
    errors
}

/// What a write may be told of its body.
pub(super) fn of_bodies(expected: MediaType) -> Vec<ApiError> {
    let invalid = vec![Invalid {
        pointer: "/variants/0/price/amount_minor".to_owned(),
        value: "-1".to_owned(),
        reason: "a price cannot be negative".to_owned(),
    }];
    let conflicts = vec![Invalid {
        pointer: "/variants/0/sku".to_owned(),
        value: "APP-00456-01".to_owned(),
        reason: "belongs to product 456".to_owned(),
    }];
    let given = "text/plain".to_owned();
    let json = "line 1, column 9: expected `,` or `}`".to_owned();
    vec![
        WriteProblem::MediaType { given, expected }.into(),
        WriteProblem::Coding("gzip".to_owned()).into(),
        WriteProblem::TooLarge { limit: 4 << 20 }.into(),
        WriteProblem::Cut.into(),
        WriteProblem::NoJson(json).into(),
        WriteProblem::Refused(EditError::Invalid(invalid)).into(),
        WriteProblem::Refused(EditError::Conflict(conflicts)).into(),
    ]
}

/// What a write of a product may be told of the product that there is.
pub(super) fn of_the_product() -> Vec<ApiError> {
    let mut errors = vec![bad_id(), bad_path()];
    let refused = [
        EditError::NotFound,
        EditError::Deleted,
        EditError::Precondition { version: 2 },
    ];
    errors.extend(refused.map(|error| WriteProblem::Refused(error).into()));
    errors
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
    let mut every = of_reads();
    every.extend(of_writes());
    every.extend(of_bodies(MediaType::Json));
    every
}

fn of_reads() -> Vec<ApiError> {
    vec![
        bad_id(),
        invalid_query(),
        no_product("id 99999"),
        gone("id 456"),
        ApiError::NoRoute("/product".to_owned()),
        bad_path(),
        ApiError::TargetTooLong,
        ApiError::read_only(&Method::DELETE),
        not_acceptable(),
        ApiError::ConditionFailed,
        ApiError::Busy,
        version_not_reached(),
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
