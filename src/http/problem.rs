//! Errors as a client sees them: `application/problem+json` (RFC 9457). This is the one table from errors
//! to statuses; internal text never gets past it.

use std::fmt;

use actix_web::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

use super::status_header::{CACHE_STATUS, cache_status};
use crate::cache::{LoadError, Status};
use crate::products::store::StoreError;

/// Seconds after which asking again makes sense when the catalogue gives no answer.
const RETRY_SECONDS: u16 = 1;

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
    /// `Accept-Encoding` refuses all of what there is to be had.
    NotAcceptable { offered: &'static str },
    /// More searches are under way than can be answered in time.
    SearchBusy,
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

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// The body.
#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
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

    /// For an id that was looked up past the cache.
    pub(super) fn no_product(id: i64) -> Self {
        Self::NoProduct {
            named: format!("id {id}"),
            cache: None,
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
            Self::NotAcceptable { offered } => (
                StatusCode::NOT_ACCEPTABLE,
                "not-acceptable",
                "No acceptable coding",
                format!("Accept-Encoding refuses all there is; accept one of: {offered}"),
            ),
            Self::SearchBusy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "search-busy",
                "Too many searches",
                format!("Too many searches at once; try again in {RETRY_SECONDS} s."),
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
            Self::SearchBusy | Self::Unavailable(_) | Self::NotReady(_) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
            }
            _ => {}
        }
        response
    }
}

/// The response for a failure that did not come from our handlers (a body the framework refused, say):
/// the status speaks, and nothing else is told.
pub(super) fn foreign(status: StatusCode, request_id: &str) -> HttpResponse {
    let title = status.canonical_reason().unwrap_or("Error");
    let code = if status.is_server_error() {
        "internal-error"
    } else {
        "bad-request"
    };
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
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
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
