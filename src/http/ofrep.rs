//! The `OpenFeature` Remote Evaluation Protocol, 0.3.0: flags for storefronts, one at a time or all at once. Errors are as
//! the protocol has them, not problem documents.

use actix_web::http::header::{CACHE_CONTROL, ETAG, HeaderValue, IF_NONE_MATCH};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use xxhash_rust::xxh3::xxh3_64;

use super::problem::ApiError;
use super::writes::body;
use crate::flags::{Context, Evaluation, EvaluationError, Flags, MAX_CONTEXT};

/// Beside the context there is nothing in a body.
const MAX_BODY: usize = MAX_CONTEXT + 1024;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/ofrep/v1/evaluate/flags").to(all))
        .service(web::resource("/ofrep/v1/evaluate/flags/{key}").to(one));
}

/// A flag, as it is for whoever asked.
#[derive(Serialize, ToSchema)]
#[schema(as = EvaluatedFlag)]
pub(super) struct Success<'f> {
    /// Of the flag.
    key: &'f str,
    /// True or false, a text, a number or an object; left out where the caller's own default holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    value: Option<&'f Value>,
    /// Name of the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    variant: Option<&'f str>,
    /// `STATIC`, `TARGETING_MATCH`, `DEFAULT` or `DISABLED`.
    reason: &'static str,
    /// What is said of the flag itself.
    #[schema(value_type = Object)]
    metadata: &'f Map<String, Value>,
}

/// A flag that cannot be told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FlagFailure)]
#[serde(rename_all = "camelCase")]
pub(super) struct Failure<'f> {
    /// Of the flag, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    key: Option<&'f str>,
    /// `FLAG_NOT_FOUND`, `INVALID_CONTEXT`, `PARSE_ERROR` or `GENERAL`.
    error_code: &'static str,
    /// For people.
    error_details: String,
}

/// A flag, or why it cannot be told.
#[derive(Serialize, ToSchema)]
#[schema(as = FlagOutcome)]
#[serde(untagged)]
pub(super) enum Outcome<'f> {
    Success(Success<'f>),
    Failure(Failure<'f>),
}

impl<'f> Success<'f> {
    fn new(key: &'f str, evaluation: &Evaluation<'f>) -> Self {
        Self {
            key,
            value: evaluation.value,
            variant: evaluation.variant,
            reason: evaluation.reason.as_str(),
            metadata: evaluation.metadata,
        }
    }
}

impl<'f> Failure<'f> {
    fn of_flag(key: &'f str, error: &EvaluationError) -> Self {
        let error_code = match error {
            EvaluationError::NotFound => "FLAG_NOT_FOUND",
            EvaluationError::Rule(_) => "PARSE_ERROR",
        };
        Self {
            key: Some(key),
            error_code,
            error_details: error.to_string(),
        }
    }

    fn of_context(key: Option<&'f str>, why: &dyn ToString) -> Self {
        Self {
            key,
            error_code: "INVALID_CONTEXT",
            error_details: why.to_string(),
        }
    }
}

async fn one(
    request: HttpRequest,
    payload: web::Payload,
    flags: web::Data<Flags>,
    key: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    let context = match context(&request, payload, Some(&key)).await {
        Ok(context) => context,
        Err(refused) => return Ok(refused),
    };
    let in_force = flags.in_force();
    Ok(match in_force.evaluate(&key, &context) {
        Ok(evaluation) => answer(StatusCode::OK, &Success::new(&key, &evaluation)),
        Err(error) => {
            let status = match error {
                EvaluationError::NotFound => StatusCode::NOT_FOUND,
                EvaluationError::Rule(_) => StatusCode::BAD_REQUEST,
            };
            answer(status, &Failure::of_flag(&key, &error))
        }
    })
}

/// The entity tag is a hash of the answer, so that a context for which nothing has changed is told so, whatever has
/// changed for others.
async fn all(
    request: HttpRequest,
    payload: web::Payload,
    flags: web::Data<Flags>,
) -> Result<HttpResponse, ApiError> {
    #[derive(Serialize)]
    struct Bulk<'f> {
        flags: Vec<Outcome<'f>>,
    }

    refuse_other_methods(&request)?;
    let context = match context(&request, payload, None).await {
        Ok(context) => context,
        Err(refused) => return Ok(refused),
    };
    let in_force = flags.in_force();
    let outcomes =
        in_force.iter().map(
            |(key, entry)| match entry.definition.evaluate(key, &context) {
                Ok(evaluation) => Outcome::Success(Success::new(key, &evaluation)),
                Err(error) => Outcome::Failure(Failure::of_flag(key, &error)),
            },
        );
    let bulk = Bulk {
        flags: outcomes.collect(),
    };
    // Texts and values: this cannot fail.
    let body = serde_json::to_vec(&bulk).unwrap_or_default();
    let tag = format!("\"{:016x}\"", xxh3_64(&body));
    let mut response = if is_known(&request, &tag) {
        HttpResponse::new(StatusCode::NOT_MODIFIED)
    } else {
        HttpResponse::Ok()
            .content_type("application/json")
            .body(body)
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(response)
}

/// The protocol has `If-None-Match` decide about a POST, for which RFC 9110 would have it be 412.
fn is_known(request: &HttpRequest, tag: &str) -> bool {
    let values = request.headers().get_all(IF_NONE_MATCH);
    let mut named = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|value| value.trim().trim_start_matches("W/"));
    // The protocol knows no `*`.
    named.any(|named| named == tag)
}

/// The context of a request; no body, or none in it, says nothing of whoever asks.
async fn context(
    request: &HttpRequest,
    payload: web::Payload,
    key: Option<&str>,
) -> Result<Context, HttpResponse> {
    let refused = |failure: Failure<'_>| answer(StatusCode::BAD_REQUEST, &failure);
    let body = body::read(request.headers(), payload, MAX_BODY).await;
    let body = body.map_err(|error| refused(Failure::of_context(key, &error)))?;
    if body.trim_ascii().is_empty() {
        return Ok(Context::default());
    }
    let asked: Value = serde_json::from_slice(&body).map_err(|error| {
        refused(Failure {
            key,
            error_code: "PARSE_ERROR",
            error_details: format!("the body is no JSON: {error}"),
        })
    })?;
    if !asked.is_object() {
        return Err(refused(Failure::of_context(
            key,
            &"the body is no object; write {\"context\":{\"targetingKey\":\"user-1\"}}",
        )));
    }
    match asked.get("context") {
        None | Some(Value::Null) => Ok(Context::default()),
        Some(context) => {
            Context::parse(context).map_err(|error| refused(Failure::of_context(key, &error)))
        }
    }
}

fn refuse_other_methods(request: &HttpRequest) -> Result<(), ApiError> {
    match *request.method() {
        Method::POST => Ok(()),
        ref method => Err(ApiError::MethodNotAllowed {
            method: method.clone(),
            allow: "POST",
        }),
    }
}

fn answer(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    let mut response = HttpResponse::build(status).json(body);
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}
