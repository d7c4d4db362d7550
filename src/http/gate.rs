//! What is answered before any route is asked: preflights, and targets that no route should have to understand.

use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{ALLOW, CACHE_CONTROL, HeaderValue, LOCATION};
use actix_web::http::{Method, StatusCode, Uri};

use super::canonical::{self, Spelling};
use super::cors::Cors;
use super::problem::ApiError;

/// Longest path and query, in bytes. A hundred ids take 2,000.
pub(super) const MAX_TARGET: usize = 16 * 1024;

/// The answer, where there is no need to ask a route.
pub(super) fn answer(
    request: &ServiceRequest,
    cors: Option<&Cors>,
) -> Option<Result<HttpResponse, ApiError>> {
    if request.method() == Method::OPTIONS {
        if let Some(preflight) = cors.and_then(|cors| cors.preflight(request.headers())) {
            return Some(Ok(preflight));
        }
        if request.uri().path() == "*" {
            return Some(Ok(of_the_whole_server()));
        }
    }
    let uri = request.uri();
    if length(uri) > MAX_TARGET {
        return Some(Err(ApiError::TargetTooLong));
    }
    match canonical::spelling(uri.path()) {
        Spelling::Plain => None,
        Spelling::Invalid => Some(Err(ApiError::BadPath(uri.path().to_owned()))),
        Spelling::Other(path) => Some(Ok(moved(&path, uri.query()))),
    }
}

fn length(uri: &Uri) -> usize {
    uri.path_and_query()
        .map_or(0, |target| target.as_str().len())
}

/// For `OPTIONS *` (RFC 9110 §9.3.7).
fn of_the_whole_server() -> HttpResponse {
    let mut response = HttpResponse::new(StatusCode::NO_CONTENT);
    response.headers_mut().insert(
        ALLOW,
        HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
    );
    response
}

/// To the same under its one spelling. Whatever the method: 308 keeps it, and the body.
fn moved(path: &str, query: Option<&str>) -> HttpResponse {
    let target = match query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut response = HttpResponse::new(StatusCode::PERMANENT_REDIRECT);
    let headers = response.headers_mut();
    if let Ok(location) = HeaderValue::from_str(&target) {
        headers.insert(LOCATION, location);
    }
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=86400"),
    );
    response
}
