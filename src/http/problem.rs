//! Errors as a client sees them: `application/problem+json` (RFC 9457). This is the one table from errors
//! to statuses; internal text never gets past it.

mod rows;

use std::borrow::Cow;
use std::fmt;

use actix_web::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use super::authorization::AuthorizationError;
use super::degraded;
use super::gate::MAX_TARGET;
use super::openapi::ProblemCode;
use super::query::invalid;
use super::rate;
use super::status_header::{CACHE_STATUS, cache_status};
use super::writes::WriteProblem;
use crate::cache::{Absence, LoadError, Status};
use crate::flags::Feature;
use crate::limits::Refusal;
use crate::limits::overload::Refused;
use crate::products::listing::ListError;
use crate::products::store::StoreError;
use crate::products::validate::Invalid;

/// Seconds after which asking again makes sense when the catalogue gives no answer.
pub(super) const RETRY_SECONDS: u16 = 1;

/// Seconds after which asking again makes sense for what is switched off: nothing comes back sooner by itself.
const OFF_SECONDS: u16 = 10;

/// Most errors told of one document; one that has more is hardly mended by hand. All are counted.
const MAX_ERRORS: usize = 1_000;

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
        /// There was one, and it was deleted.
        is_gone: bool,
        cache: Option<Status>,
    },
    /// There is no such path.
    NoRoute(String),
    /// The path has an escape that is none, or is no UTF-8.
    BadPath(String),
    /// Path and query are too long.
    TargetTooLong,
    /// The path knows other methods.
    MethodNotAllowed { method: Method, allow: &'static str },
    /// This header refuses all of what there is to be had.
    NotAcceptable {
        header: &'static str,
        offered: &'static str,
    },
    /// A condition of the request, such as `If-Match`, does not hold.
    ConditionFailed,
    /// The token does not allow it, or there is none.
    Authorization(AuthorizationError),
    /// Others are in the way for longer than a client waits. Nothing was done.
    Busy,
    /// A write was not done.
    Write(WriteProblem),
    /// The version asked for is not there yet. The version there is.
    VersionNotReached { version: u64 },
    /// A purge is not as it has to be: why, and the mend.
    InvalidPurge(String),
    /// What is to be loaded cannot be: why, and the mend.
    InvalidWarmUp(String),
    /// There is no such job, or what was remembered of it was removed.
    NoJob(String),
    /// What says which jobs are meant says it wrongly: why, and the mend.
    InvalidSelection(String),
    /// A decision on a review is none: why.
    InvalidDecision(String),
    /// No such review was sent for the product.
    NoReview(String),
    /// There is no such import, or it was forgotten.
    NoImport(String),
    /// No mail of this shop has such a link.
    NoLink,
    /// A page of the web wants to change something by way of an operator's browser.
    FromAPage,
    /// The rate limits to come into force are not as they have to be: why, and the mend.
    InvalidLimits(String),
    /// The client has asked too often.
    QuotaExceeded(Box<Refusal>),
    /// More searches are under way than can be answered in time.
    SearchBusy,
    /// What is asked is switched off.
    FeatureOff(Feature),
    /// A flag is not as it has to be: why, and the mend.
    InvalidFlag(String),
    /// The flag is risky, and an error budget is gone.
    BudgetGone(String),
    /// What is to be done with this node is told wrongly: why, and the mend.
    InvalidOrder(String),
    /// Nobody ever said anything of this flag.
    NoFlag(String),
    /// The catalogue gives no answer. The text is for the log.
    Unavailable(String),
    /// What would answer was not asked, or not for long enough.
    Refused(Refused),
    /// The server is not ready for traffic.
    NotReady(&'static str),
}

impl From<AuthorizationError> for ApiError {
    fn from(error: AuthorizationError) -> Self {
        Self::Authorization(error)
    }
}

impl From<LoadError> for ApiError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Refused(refused) => refused.into(),
            error => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
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

/// What to try instead of a path that is not there.
fn nearest(path: &str) -> String {
    let segments: Vec<_> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    let without_empty = format!("/{}", segments.join("/"));
    if segments.is_empty() || without_empty == path {
        "try /products/456".to_owned()
    } else {
        format!("{without_empty:?} is another path")
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
    /// Everything that is wrong with a document, each with its place; the first thousand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<Located<'a>>,
    /// Units that can be sold, where more were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    available: Option<i64>,
    /// The windows of rate limits in which nothing is left, as `RateLimit-Policy` names them.
    #[serde(rename = "violated-policies", skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    violated_policies: &'a [String],
}

/// What a problem may say beyond the members that all have (RFC 9457 §3.2).
#[derive(Default)]
struct Extension<'a> {
    /// What is wrong with the document that was sent.
    errors: &'a [Invalid],
    /// Units that can be sold.
    available: Option<i64>,
    /// Windows of rate limits in which nothing is left.
    violated_policies: &'a [String],
}

/// One of several things that are wrong (RFC 9457 §3, the example of `errors`).
#[derive(Serialize, ToSchema)]
#[schema(as = Located)]
pub(super) struct Located<'a> {
    /// Where in the document (RFC 6901); empty for the whole.
    pointer: &'a str,
    /// What stands there, if anything does.
    #[serde(skip_serializing_if = "str::is_empty")]
    #[schema(required = false)]
    value: &'a str,
    /// What is wrong with it, and the mend.
    detail: &'a str,
}

impl<'a> From<&'a Invalid> for Located<'a> {
    fn from(invalid: &'a Invalid) -> Self {
        Self {
            pointer: &invalid.pointer,
            value: &invalid.value,
            detail: &invalid.reason,
        }
    }
}

/// A row of the table.
pub(super) struct Row {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) title: &'static str,
    pub(super) detail: String,
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
    pub(super) fn no_product(id: i64, absence: Absence, cache: Status) -> Self {
        Self::NoProduct {
            named: format!("id {id}"),
            is_gone: absence == Absence::Removed,
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
            Self::NoProduct {
                named,
                is_gone: true,
                ..
            } => (
                StatusCode::GONE,
                "product-deleted",
                "The product was deleted",
                format!("The product with {named} was deleted."),
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
                format!("There is nothing at {path:?}; {}", nearest(path)),
            ),
            Self::BadPath(path) => (
                StatusCode::BAD_REQUEST,
                "invalid-path",
                "Not a path",
                format!("{path:?} is not UTF-8, percent-encoded; write % itself as %25"),
            ),
            Self::TargetTooLong => (
                StatusCode::URI_TOO_LONG,
                "target-too-long",
                "Path and query are too long",
                format!("They may have {MAX_TARGET} bytes; ask for less at once"),
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
            Self::ConditionFailed => (
                StatusCode::PRECONDITION_FAILED,
                "precondition-failed",
                "Not what was asked for any more",
                "It is not as If-Match or If-Unmodified-Since says; read it again without them."
                    .to_owned(),
            ),
            Self::Authorization(error) => authorization_row(error),
            Self::QuotaExceeded(refusal) => quota_row(refusal),
            Self::NoReview(id) => (
                StatusCode::NOT_FOUND,
                "review-not-found",
                "No such review",
                format!("No review {id:?} was sent for this product."),
            ),
            Self::NoImport(id) => (
                StatusCode::NOT_FOUND,
                "import-not-found",
                "No such import",
                format!("There is no import {id:?}, or it ended a month ago."),
            ),
            Self::NoLink => (
                StatusCode::NOT_FOUND,
                "link-not-found",
                "No such link",
                "No mail of this shop has this link; open it as the mail has it, whole.".to_owned(),
            ),
            Self::Write(problem) => return problem.row(),
            other => return other.row_for_operators(),
        };
        Row {
            status,
            code,
            title,
            detail,
        }
    }

    /// Whether it is as somebody wants it to be, and so nothing that the log has to tell of. Whoever refuses tells of
    /// many at once.
    pub(super) fn is_meant(&self) -> bool {
        matches!(self, Self::FeatureOff(_) | Self::Refused(_))
    }

    fn extension(&self) -> Extension<'_> {
        match self {
            Self::Write(problem) => Extension {
                errors: problem.errors(),
                available: problem.available(),
                ..Extension::default()
            },
            Self::QuotaExceeded(refusal) => Extension {
                violated_policies: &refusal.violated,
                ..Extension::default()
            },
            _ => Extension::default(),
        }
    }

    /// The response, with everything but the caching of the route it came from.
    pub(super) fn response(&self, request_id: &str) -> HttpResponse {
        let row = self.row();
        let mut response = render(&row, &self.extension(), request_id);
        let headers = response.headers_mut();
        match self {
            Self::NoProduct {
                cache: Some(status),
                ..
            } => {
                headers.insert(CACHE_STATUS, cache_status(*status));
            }
            Self::MethodNotAllowed { allow, .. } => {
                headers.insert(ALLOW, allow_header(allow));
            }
            Self::Authorization(error) => {
                headers.insert(WWW_AUTHENTICATE, error.challenge());
            }
            Self::Write(problem) => problem.add_headers(headers),
            Self::QuotaExceeded(refusal) => {
                rate::add_fields(&refusal.fields, headers);
                headers.insert(RETRY_AFTER, HeaderValue::from(refusal.retry_after));
            }
            Self::FeatureOff(feature) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(OFF_SECONDS));
                degraded::tell(headers, [feature]);
            }
            Self::Busy
            | Self::SearchBusy
            | Self::Unavailable(_)
            | Self::Refused(_)
            | Self::NotReady(_)
            | Self::VersionNotReached { .. } => {
                headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
            }
            _ => {}
        }
        response
    }
}

/// In a few words.
fn why_off(feature: Feature) -> String {
    match feature {
        Feature::Writes => "The shop can only be read for now, and nothing was done".to_owned(),
        Feature::CheckoutFirst => "Only products and purchases are served for now".to_owned(),
        other => format!("{:?} is switched off for now; leave it out", other.name()),
    }
}

/// Codes of [`foreign`] failures: the client's, and ours.
pub(super) const FOREIGN_CODES: [&str; 2] = ["bad-request", "internal-error"];

/// The answer to OPTIONS of a path that knows these methods besides.
pub(super) fn options(allow: &str) -> HttpResponse {
    let mut response = HttpResponse::new(StatusCode::NO_CONTENT);
    response.headers_mut().insert(ALLOW, allow_header(allow));
    response
}

/// Every path answers OPTIONS.
fn allow_header(allow: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("{allow}, OPTIONS"))
        .unwrap_or(HeaderValue::from_static("OPTIONS"))
}

fn quota_row(refusal: &Refusal) -> (StatusCode, &'static str, &'static str, String) {
    let (exceeded, wait) = (&refusal.exceeded, refusal.retry_after);
    (
        StatusCode::TOO_MANY_REQUESTS,
        "quota-exceeded",
        "Too many requests",
        format!("More than {exceeded}; try again in {wait} s."),
    )
}

fn authorization_row(
    error: &AuthorizationError,
) -> (StatusCode, &'static str, &'static str, String) {
    const MEND: &str = "send Authorization: Bearer and a token made by `doorbuster token new`";
    match error {
        AuthorizationError::Missing => (
            StatusCode::UNAUTHORIZED,
            "token-missing",
            "A token is needed",
            format!("The request bears no token; {MEND}"),
        ),
        AuthorizationError::Several => (
            StatusCode::BAD_REQUEST,
            "several-tokens",
            "One token is enough",
            "Authorization is given more than once; give it once".to_owned(),
        ),
        AuthorizationError::Invalid(why) => (
            StatusCode::UNAUTHORIZED,
            "token-invalid",
            "The token is not accepted",
            format!("Not accepted: {why}; {MEND}"),
        ),
        AuthorizationError::Insufficient(scope) => (
            StatusCode::FORBIDDEN,
            "scope-missing",
            "The token does not allow this",
            format!("The token lacks the scope {}", scope.as_str()),
        ),
    }
}

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
    let row = Row {
        status,
        code,
        title,
        detail: detail.to_owned(),
    };
    render(&row, &Extension::default(), request_id)
}

fn render(row: &Row, extension: &Extension<'_>, request_id: &str) -> HttpResponse {
    let problem = Problem {
        r#type: format!("urn:doorbuster:problem:{}", row.code),
        title: row.title,
        status: row.status.as_u16(),
        detail: &shortened(&row.detail),
        code: row.code,
        request_id,
        errors: extension
            .errors
            .iter()
            .take(MAX_ERRORS)
            .map(Located::from)
            .collect(),
        available: extension.available,
        violated_policies: extension.violated_policies,
    };
    // Strings and one number: this cannot fail, and an empty body would still carry the status.
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = HttpResponse::new(row.status)
        .set_body(body)
        .map_into_boxed_body();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    // An error that a cache keeps outlives its cause.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // It repeats what a stranger wrote.
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A text that quotes what a client sent, which may be long: the middle goes, and what is wrong with it stays.
fn shortened(detail: &str) -> Cow<'_, str> {
    const KEPT: usize = 200;
    let count = detail.chars().count();
    if count <= 2 * KEPT {
        return detail.into();
    }
    let end = |character: usize| detail.char_indices().nth(character).map_or(0, |(at, _)| at);
    format!("{}…{}", &detail[..end(KEPT)], &detail[end(count - KEPT)..]).into()
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

#[cfg(test)]
mod tests;
