//! `GET` and `HEAD` of products: by id, by handle, by sku.

use std::pin::pin;
use std::task::Poll;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_LOCATION, CONTENT_TYPE, ETAG, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::poll;
use tracing::Instrument;

use super::body::in_parts;
use super::conditional::EntityTag;
use super::problem::ApiError;
use super::request_id::RequestId;
use super::status_header::{CACHE_STATUS, cache_status};
use crate::cache::Answer;
use crate::products::catalog::Catalog;
use crate::products::document::Document;
use crate::telemetry::request_span;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/products/{id}").to(by_id))
        .service(web::resource("/products/by-handle/{handle}").to(by_handle))
        .service(web::resource("/products/by-sku/{sku}").to(by_sku));
}

async fn by_id(
    request: HttpRequest,
    catalog: web::Data<Catalog>,
) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    let id = parse_id(request.match_info().query("id"))?;
    let answer = read(&request, &catalog, id).await?;
    respond(&request, answer, || format!("id {id}"))
}

async fn by_handle(
    request: HttpRequest,
    catalog: web::Data<Catalog>,
    handle: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    let handle = handle.into_inner();
    let named = || format!("handle {handle:?}");
    let id = catalog.id_by_handle(&handle).await?;
    by_other_name(&request, &catalog, id, named).await
}

async fn by_sku(
    request: HttpRequest,
    catalog: web::Data<Catalog>,
    sku: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    let sku = sku.into_inner();
    let named = || format!("sku {sku:?}");
    let id = catalog.id_by_sku(&sku).await?;
    by_other_name(&request, &catalog, id, named).await
}

async fn by_other_name(
    request: &HttpRequest,
    catalog: &Catalog,
    id: Option<i64>,
    named: impl Fn() -> String,
) -> Result<HttpResponse, ApiError> {
    let id = id.ok_or_else(|| ApiError::NoProduct {
        named: named(),
        cache: None,
    })?;
    let answer = read(request, catalog, id).await?;
    let mut response = respond(request, answer, named)?;
    if let Ok(location) = HeaderValue::from_str(&format!("/products/{id}")) {
        response.headers_mut().insert(CONTENT_LOCATION, location);
    }
    Ok(response)
}

/// A span costs as much as a read of an embedded store, so only a request that has to wait gets one.
async fn read(
    request: &HttpRequest,
    catalog: &Catalog,
    id: i64,
) -> Result<Answer<Document>, ApiError> {
    let mut product = pin!(catalog.product(id));
    if let Poll::Ready(answer) = poll!(&mut product) {
        return Ok(answer?);
    }
    let span = request_span(RequestId::of(request).as_str());
    Ok(product.instrument(span).await?)
}

fn respond(
    request: &HttpRequest,
    answer: Answer<Document>,
    named: impl Fn() -> String,
) -> Result<HttpResponse, ApiError> {
    let Some(document) = answer.value else {
        return Err(ApiError::NoProduct {
            named: named(),
            cache: Some(answer.status),
        });
    };
    let tag = EntityTag::new(answer.version, document.fingerprint());
    let mut response = if tag.is_known_to(request.headers()) {
        HttpResponse::new(StatusCode::NOT_MODIFIED)
    } else {
        let mut response = HttpResponse::with_body(StatusCode::OK, in_parts(document.into_parts()));
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    };
    let headers = response.headers_mut();
    headers.insert(ETAG, tag.header());
    // A client may keep it, and asks each time whether it still holds, which a 304 answers.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, no-cache"));
    headers.insert(CACHE_STATUS, cache_status(answer.status));
    Ok(response)
}

pub(super) fn refuse_other_methods(request: &HttpRequest) -> Result<(), ApiError> {
    match *request.method() {
        Method::GET | Method::HEAD => Ok(()),
        ref method => Err(ApiError::read_only(method)),
    }
}

/// Ids have one spelling each, so that a product has one address: digits, no sign, no leading zero.
pub(super) fn parse_id(text: &str) -> Result<i64, ApiError> {
    let digits = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    let id = digits.then(|| text.parse().ok()).flatten();
    id.ok_or_else(|| ApiError::BadId(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        assert!(matches!(parse_id("1"), Ok(1)));
        assert!(matches!(parse_id("9223372036854775807"), Ok(i64::MAX)));
        for text in [
            "",
            "0",
            "-1",
            "+1",
            "01",
            "1e3",
            "1.0",
            " 1",
            "9223372036854775808",
            "\0",
            "abc",
            "١",
        ] {
            assert!(
                matches!(parse_id(text), Err(ApiError::BadId(_))),
                "{text:?}"
            );
        }
    }
}
