//! The console: one page, told once a second how the node is, and at once what is lost, by server-sent events.

use std::convert::Infallible;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, LOCATION,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::stream;

use super::guard::operator;
use super::session;
use crate::console::{Vitals, page};
use crate::http::authorization::AuthorizationError;
use crate::http::problem::ApiError;
use crate::http::products::refuse_other_methods;

/// Nothing but its own files, and no frame around it.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'",
);

const FILES: [(&str, &str, &str); 4] = [
    ("/console", "text/html; charset=utf-8", page::HTML),
    ("/console/style.css", "text/css; charset=utf-8", page::STYLE),
    (
        "/console/app.js",
        "text/javascript; charset=utf-8",
        page::SCRIPT,
    ),
    ("/console/icon.svg", "image/svg+xml", page::ICON),
];

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for (path, kind, text) in FILES {
        let serve = move |request: HttpRequest| async move { file(&request, kind, text) };
        config.service(web::resource(path).to(serve));
    }
    config
        .service(web::resource("/").to(to_the_console))
        .service(web::resource("/console/events").to(events))
        .service(web::resource("/console/now").to(now));
    session::routes(config);
}

fn file(
    request: &HttpRequest,
    kind: &'static str,
    text: &'static str,
) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(request)?;
    let mut response = HttpResponse::Ok().body(text);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    // It changes with the program.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}

async fn to_the_console(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    let mut response = HttpResponse::new(StatusCode::FOUND);
    let location = HeaderValue::from_static("/console");
    response.headers_mut().insert(LOCATION, location);
    Ok(response)
}

/// The document as it is now, for programs.
async fn now(request: HttpRequest, vitals: web::Data<Vitals>) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    watcher(&request).await?;
    let mut response = HttpResponse::Ok()
        .content_type("application/json")
        .body(vitals.board().now());
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    Ok(response)
}

/// One event a second, and one where something else is lost, the same bytes for all.
async fn events(request: HttpRequest, vitals: web::Data<Vitals>) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    watcher(&request).await?;
    let watcher = vitals.board().watch().ok_or(ApiError::Busy)?;
    let told = stream::unfold((watcher, None), |(mut watcher, rest)| async move {
        const BEGIN: Bytes = Bytes::from_static(b"data: ");
        const END: Bytes = Bytes::from_static(b"\n\n");
        let (chunk, rest) = match rest {
            None => (BEGIN, Some(Some(watcher.next().await?))),
            Some(Some(document)) => (document, Some(None)),
            Some(None) => (END, None),
        };
        Some((Ok::<_, Infallible>(chunk), (watcher, rest)))
    });
    let mut response = HttpResponse::Ok()
        .content_type("text/event-stream")
        .streaming(told);
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    Ok(response)
}

/// Whoever looks has a session or a token, or is on this machine and knows it as this machine: a page whose name was
/// rebound to it would have a name for host.
async fn watcher(request: &HttpRequest) -> Result<(), ApiError> {
    let has_session = session::resume(request).await?.is_some();
    if !has_session && is_named(request.headers()) {
        return Err(AuthorizationError::Missing.into());
    }
    operator(request).await.map(|_| ())
}

fn is_named(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.unwrap_or_default();
    let host = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|it| it.is_ascii_digit()) => host,
        _ => host,
    };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host != "localhost" && address.parse::<std::net::IpAddr>().is_err()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn an_address_is_no_name() {
        for (host, expected) in [
            ("127.0.0.1:9090", false),
            ("[::1]:9090", false),
            ("[::1]", false),
            ("localhost:9090", false),
            ("10.0.0.1", false),
            ("evil.example:9090", true),
            ("127.0.0.1.evil.example", true),
            ("", true),
        ] {
            let request = TestRequest::get().insert_header((HOST, host));
            let request = request.to_http_request();
            assert_eq!(is_named(request.headers()), expected, "{host}");
        }
    }
}
