//! `GET` and `HEAD` of products: by id, by handle, by sku.

use actix_web::body::BoxBody;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LOCATION, CONTENT_TYPE, ETAG, HeaderValue,
    IF_NONE_MATCH, VARY,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};

use super::conditional::{EntityTags, has_any};
use super::edge;
use super::negotiation::{Accepted, Representation};
use super::problem::ApiError;
use super::query::invalid;
use super::representation::select;
use super::status_header::{CACHE_STATUS, cache_status};
use super::writes;
use crate::cache::{Absence, Answer};
use crate::products::catalog::Catalog;
use crate::products::document::Document;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/products/{id}")
                .route(web::get().to(by_id))
                .route(web::head().to(by_id))
                .route(web::put().to(writes::replace))
                .route(web::patch().to(writes::patch))
                .route(web::delete().to(writes::delete))
                .to(not_allowed),
        )
        .service(web::resource("/products/by-handle/{handle}").to(by_handle))
        .service(web::resource("/products/by-sku/{sku}").to(by_sku));
}

async fn by_id(
    request: HttpRequest,
    catalog: web::Data<Catalog>,
) -> Result<HttpResponse, ApiError> {
    let id = parse_id(request.match_info().query("id"))?;
    let answer = product(&request, &catalog, id).await?;
    respond(&request, &catalog, id, answer, || format!("id {id}")).await
}

async fn not_allowed(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    Err(ApiError::MethodNotAllowed {
        method: request.method().clone(),
        allow: "GET, HEAD, PUT, PATCH, DELETE",
    })
}

/// The product, in no older a version than `min_version` asks for. Other parameters mean nothing here: a
/// product has one address whatever a newsletter appends.
async fn product(
    request: &HttpRequest,
    catalog: &Catalog,
    id: i64,
) -> Result<Answer<Document>, ApiError> {
    if request.query_string().is_empty() {
        return Ok(catalog.product(id).await?);
    }
    let least = min_version(request.query_string())?;
    // In a box, so that a request without a query does not carry its size around.
    let answer = Box::pin(catalog.product_at_least(id, least)).await?;
    if answer.version < least {
        return Err(ApiError::VersionNotReached {
            version: answer.version,
        });
    }
    Ok(answer)
}

/// 0 where nothing is asked for.
fn min_version(query: &str) -> Result<u64, ApiError> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let Some((_, given)) = pairs.find(|(name, _)| name == "min_version") else {
        return Ok(0);
    };
    let digits = given.bytes().all(|byte| byte.is_ascii_digit());
    let version = digits.then(|| given.parse().ok()).flatten();
    version.ok_or_else(|| {
        let reason = format!("{given:?} is not the version of a product; it is a whole number");
        invalid("min_version", reason)
    })
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
        is_gone: false,
        cache: None,
    })?;
    let answer = product(request, catalog, id).await?;
    let mut response = respond(request, catalog, id, answer, named).await?;
    if let Ok(location) = HeaderValue::from_str(&format!("/products/{id}")) {
        response.headers_mut().insert(CONTENT_LOCATION, location);
    }
    Ok(response)
}

async fn respond(
    request: &HttpRequest,
    catalog: &Catalog,
    id: i64,
    answer: Answer<Document>,
    named: impl Fn() -> String,
) -> Result<HttpResponse, ApiError> {
    let document = match answer.value {
        Ok(document) => document,
        Err(absence) => {
            return Err(ApiError::NoProduct {
                named: named(),
                is_gone: absence == Absence::Removed,
                cache: Some(answer.status),
            });
        }
    };
    let accepted = Accepted::by(request.headers());
    let mut tags = EntityTags::new(answer.version, document.fingerprint());
    let is_conditional = request.headers().contains_key(IF_NONE_MATCH);
    let known = is_conditional
        .then(|| known_representation(request, accepted, &tags))
        .flatten();
    let (representation, mut response) = if let Some(representation) = known {
        (representation, not_modified())
    } else {
        let (representation, body) = select(accepted, catalog, id, document).await?;
        let response = if is_conditional && has_any(request.headers()) {
            not_modified()
        } else {
            full(id, representation, body)
        };
        (representation, response)
    };
    let headers = response.headers_mut();
    headers.insert(ETAG, tags.header(representation));
    edge::allow_to_keep(request, headers);
    // A browser may keep it, and asks each time whether it still holds, which a 304 answers.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, no-cache"));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(CACHE_STATUS, cache_status(answer.status));
    Ok(response)
}

/// The best of what the client accepts, among what it has according to `If-None-Match`. It need not be
/// built, nor be what would be sent now: which representation is selected is ours to say (RFC 9110 §12.1),
/// and the one that need not be sent serves best. One that the client has but does not accept, such as
/// another client's in a shared cache, never counts.
fn known_representation(
    request: &HttpRequest,
    accepted: Accepted,
    tags: &EntityTags,
) -> Option<Representation> {
    let mut ranked = accepted.ranked();
    ranked.find(|representation| tags.are_known_to(request.headers(), *representation))
}

fn not_modified() -> HttpResponse {
    HttpResponse::new(StatusCode::NOT_MODIFIED)
}

fn full(id: i64, representation: Representation, body: BoxBody) -> HttpResponse {
    let mut response = HttpResponse::with_body(StatusCode::OK, body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(coding) = representation {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.token()));
    }
    edge::name_key(id, headers);
    response
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
    fn a_version_may_be_asked_for_among_other_parameters() {
        for (query, version) in [
            ("", Some(0)),
            ("utm_source=mail&x=%zz", Some(0)),
            ("min_version=7", Some(7)),
            ("utm_source=mail&min_version=7", Some(7)),
            ("min_version=", None),
            ("min_version=-1", None),
            ("min_version=1.0", None),
            ("min_version=18446744073709551616", None),
        ] {
            assert_eq!(min_version(query).ok(), version, "{query}");
        }
    }

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
