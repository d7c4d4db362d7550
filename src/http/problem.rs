//! Errors as a client sees them: `application/problem+json` (RFC 9457). This is the one table from errors
//! to statuses; internal text never gets past it.

use std::fmt;

use actix_web::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use super::openapi::ProblemCode;
use super::query::invalid;
use super::status_header::{CACHE_STATUS, cache_status};
use crate::cache::{LoadError, Status};
use crate::products::listing::ListError;
use crate::products::store::StoreError;

/// Seconds after which asking again makes sense when the catalogue gives no answer.
const RETRY_SECONDS: u16 = 1;

/// Of the body (RFC 9457 §3).
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request was not answered as asked.
#[derive(Debug)]
pub(super) enum ApiError {
    /// The path names a product by something that is no id.
    BadId(String),
    /// A query parameter is not as it has to be: which, why, and the mend.
    InvalidQuery(String),
    /// There is no such product, or it is not public. What the cache did, where it was asked.
    NoProduct {
        named: String,
        cache: Option<Status>,
    },
    /// There is no such path.
    NoRoute(String),
    /// The path knows other methods.
    MethodNotAllowed { method: Method, allow: &'static str },
    /// This header refuses all of what there is to be had.
    NotAcceptable {
        header: &'static str,
        offered: &'static str,
    },
    /// The catalogue gives no answer. The text is for the log.
    Unavailable(String),
    /// The server is not ready for traffic.
    NotReady(&'static str),
}

impl From<LoadError> for ApiError {
    fn from(error: LoadError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<ListError> for ApiError {
    fn from(error: ListError) -> Self {
        match error {
            ListError::Cursor => invalid(
                "cursor",
                "is none of this list; it goes with the filters and the sort it was made with, \
                 leave it out to begin again",
            ),
            ListError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Why a request was not answered as asked (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct Problem<'a> {
    /// `urn:doorbuster:problem:` and the code.
    r#type: String,
    /// The same for all problems with this code.
    title: &'a str,
    /// The status of the response.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong with this request, and the mend.
    detail: &'a str,
    /// For programs: it never changes, as the texts may.
    #[schema(value_type = ProblemCode)]
    code: &'a str,
    /// Under which the log has the request; also in `X-Request-Id`.
    request_id: &'a str,
}

/// A row of the table.
struct Row {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: String,
}

impl ApiError {
    /// For a path that can only be read.
    pub(super) fn read_only(method: &Method) -> Self {
        Self::MethodNotAllowed {
            method: method.clone(),
            allow: "GET, HEAD",
        }
    }

    /// For an id; what the cache did.
    pub(super) fn no_product(id: i64, cache: Status) -> Self {
        Self::NoProduct {
            named: format!("id {id}"),
            cache: Some(cache),
        }
    }

    fn row(&self) -> Row {
        let (status, code, title, detail) = match self {
            Self::BadId(given) => (
                StatusCode::BAD_REQUEST,
                "invalid-product-id",
                "Not a product id",
                format!(
                    "{given:?} is not a product id; an id is a whole number from 1 to {}, such as 456",
                    i64::MAX
                ),
            ),
            Self::InvalidQuery(detail) => (
                StatusCode::BAD_REQUEST,
                "invalid-query",
                "Not a query for this path",
                detail.clone(),
            ),
            Self::NoProduct { named, .. } => (
                StatusCode::NOT_FOUND,
                "product-not-found",
                "No such product",
                format!("There is no public product with {named}."),
            ),
            Self::NoRoute(path) => (
                StatusCode::NOT_FOUND,
                "route-not-found",
                "No such path",
                format!("There is nothing at {path:?}; try /products/456"),
            ),
            Self::MethodNotAllowed { method, allow } => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "Method not allowed",
                format!("{method} is not allowed here; use one of: {allow}"),
            ),
            Self::NotAcceptable { header, offered } => (
                StatusCode::NOT_ACCEPTABLE,
                "not-acceptable",
                "Nothing acceptable",
                format!("{header} refuses all there is; accept one of: {offered}"),
            ),
            Self::Unavailable(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "catalog-unavailable",
                "The catalogue gives no answer",
                format!("The product could not be read just now; try again in {RETRY_SECONDS} s."),
            ),
            Self::NotReady(why) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "not-ready",
                "Not ready for traffic",
                (*why).to_owned(),
            ),
        };
        Row {
            status,
            code,
            title,
            detail,
        }
    }

    /// The response, with everything but the caching of the route it came from.
    pub(super) fn response(&self, request_id: &str) -> HttpResponse {
        let row = self.row();
        let mut response = render(row.status, row.code, row.title, &row.detail, request_id);
        let headers = response.headers_mut();
        match self {
            Self::NoProduct {
                cache: Some(status),
                ..
            } => {
                headers.insert(CACHE_STATUS, cache_status(*status));
            }
            Self::MethodNotAllowed { allow, .. } => {
                headers.insert(ALLOW, HeaderValue::from_static(allow));
            }
            Self::Unavailable(_) | Self::NotReady(_) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
            }
            _ => {}
        }
        response
    }
}

/// Codes of [`foreign`] failures: the client's, and ours.
pub(super) const FOREIGN_CODES: [&str; 2] = ["bad-request", "internal-error"];

/// The response for a failure that did not come from our handlers (a body the framework refused, say):
/// the status speaks, and nothing else is told.
pub(super) fn foreign(status: StatusCode, request_id: &str) -> HttpResponse {
    let title = status.canonical_reason().unwrap_or("Error");
    let code = FOREIGN_CODES[usize::from(status.is_server_error())];
    let detail = if status.is_server_error() {
        "Something went wrong on our side; the log has it under the request id."
    } else {
        "The request could not be understood."
    };
    render(status, code, title, detail, request_id)
}

fn render(
    status: StatusCode,
    code: &str,
    title: &str,
    detail: &str,
    request_id: &str,
) -> HttpResponse {
    let problem = Problem {
        r#type: format!("urn:doorbuster:problem:{code}"),
        title,
        status: status.as_u16(),
        detail,
        code,
        request_id,
    };
    // Strings and one number: this cannot fail, and an empty body would still carry the status.
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = HttpResponse::new(status)
        .set_body(body)
        .map_into_boxed_body();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    // An error that a cache keeps outlives its cause.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(internal) => f.write_str(internal),
            _ => f.write_str(&self.row().detail),
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.row().status
    }

    /// Only the status: `request_id::finish`, which knows the id, makes the body.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}
