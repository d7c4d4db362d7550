//! Cross-origin resource sharing (WHATWG Fetch, "HTTP extensions"): which origins' pages may read answers, and
//! the preflight that asks on behalf of a page.
//!
//! Never with credentials: the server knows no cookies, and a page that has a bearer token names it in a header.

use actix_web::HttpResponse;
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    HeaderMap, HeaderValue, ORIGIN, VARY,
};

use crate::config::CorsOrigin;

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";

/// What a page may send beyond what any form can.
const REQUEST_HEADERS: &str = "authorization, cache-control, content-type, idempotency-key, if-match, \
     if-modified-since, if-none-match, if-unmodified-since, traceparent, tracestate, x-request-id";

/// What a page may read beyond what Fetch lets it read anyway.
const RESPONSE_HEADERS: &str = "age, allow, cache-status, content-location, date, doorbuster-degraded, etag, \
     idempotency-replayed, link, location, ratelimit, ratelimit-policy, retry-after, x-request-id";

/// Seconds a browser may remember a preflight. Firefox takes this, others two hours at most.
const MAX_AGE: &str = "86400";

/// Who may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cors {
    /// Pages of any origin. All are told the same, so that a shared cache may hand it to all.
    Any,
    /// Pages of these origins.
    Listed(Vec<HeaderValue>),
}

impl Cors {
    /// `None` where pages of other origins read nothing.
    pub(super) fn new(origins: &[CorsOrigin]) -> Option<Self> {
        let mut listed = Vec::new();
        for origin in origins {
            match origin {
                CorsOrigin::None => {}
                CorsOrigin::Any => return Some(Self::Any),
                // Checked by the configuration: what no header can hold matches no `Origin` either.
                CorsOrigin::Exact(origin) => listed.extend(HeaderValue::from_str(origin)),
            }
        }
        (!listed.is_empty()).then_some(Self::Listed(listed))
    }

    /// The value of `Access-Control-Allow-Origin` for a request.
    fn allowed(&self, request: &HeaderMap) -> Option<HeaderValue> {
        match self {
            Self::Any => Some(HeaderValue::from_static("*")),
            Self::Listed(origins) => {
                let asking = request.get(ORIGIN)?;
                origins.iter().find(|origin| *origin == asking).cloned()
            }
        }
    }

    /// Answers a preflight; `None` for any other `OPTIONS`.
    pub(super) fn preflight(&self, request: &HeaderMap) -> Option<HttpResponse> {
        let is_preflight =
            request.contains_key(ORIGIN) && request.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if !is_preflight {
            return None;
        }
        let mut response = HttpResponse::new(StatusCode::NO_CONTENT);
        let headers = response.headers_mut();
        // Some caches keep answers to OPTIONS, against RFC 9110 §9.3.7.
        headers.insert(
            VARY,
            HeaderValue::from_static(
                "origin, access-control-request-method, access-control-request-headers",
            ),
        );
        // Without this header a browser refuses, whatever the others say.
        if let Some(origin) = self.allowed(request) {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            for (name, value) in [
                (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
                (ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS),
                (ACCESS_CONTROL_MAX_AGE, MAX_AGE),
            ] {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
        Some(response)
    }

    /// Adds to any other response who may read it.
    pub(super) fn apply<B>(&self, response: &mut ServiceResponse<B>) {
        let allowed = self.allowed(response.request().headers());
        let headers = response.headers_mut();
        if matches!(self, Self::Listed(_)) {
            // Also where this origin may not read it, or the request named none: the next one may.
            vary_by_origin(headers);
        }
        if let Some(origin) = allowed {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(
                ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static(RESPONSE_HEADERS),
            );
        }
    }
}

fn vary_by_origin(response: &mut HeaderMap) {
    let value = match response.get(VARY).map(HeaderValue::as_bytes) {
        None => HeaderValue::from_static("origin"),
        Some(b"accept-encoding") => HeaderValue::from_static("accept-encoding, origin"),
        Some(other) => {
            let joined = [other, b", origin"].concat();
            HeaderValue::from_bytes(&joined).unwrap_or(HeaderValue::from_static("*"))
        }
    };
    response.insert(VARY, value);
}
