//! `GET` and `HEAD` of products: by id, by handle, by sku. Each as its document, as a part of it, with what hangs
//! on it, or in the terms of schema.org.

pub(super) mod detail_query;

use std::borrow::Cow;

use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CACHE_CONTROL, CONTENT_LOCATION, HeaderMap, HeaderValue, VARY};
use actix_web::http::{Method, StatusCode};
use actix_web::{Error, HttpRequest, HttpResponse, web};

use super::batch::weakest;
use super::deadline::context_of_miss;
use super::degraded;
use super::edge;
use super::media_type::{self, MediaType};
use super::page;
use super::problem::ApiError;
use super::representation::{Outgoing, respond};
use super::status_header::{CACHE_STATUS, cache_status};
use super::writes;
use crate::cache::{Absence, Answer, LoadError, Origin, Status};
use crate::flags::Feature;
use crate::limits::overload::context;
use crate::products::catalog::{Catalog, DetailError};
use crate::products::document::Document;
use crate::products::views::{Form, PageClass, Place};
use detail_query::DetailQuery;

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
    by_digits(&request, &catalog, request.match_info().query("id")).await
}

async fn by_digits(
    request: &HttpRequest,
    catalog: &Catalog,
    digits: &str,
) -> Result<HttpResponse, ApiError> {
    let id = parse_id(digits)?;
    let asked = asked(request)?;
    product(request, catalog, id, asked, || format!("id {id}")).await
}

/// Whether a request is what is asked most, a product by its id. [`without_routing`] answers it as the route would:
/// to find and call the route is a sixteenth of what a hit costs.
pub(super) fn is_by_id(request: &ServiceRequest) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD) && digits(request.path()).is_some()
}

/// The number of a product's path, in whatever spelling.
fn digits(path: &str) -> Option<&str> {
    let digits = path.strip_prefix("/products/")?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(digits)
}

/// Answers what [`is_by_id`] is true of.
pub(super) async fn without_routing(request: ServiceRequest) -> Result<ServiceResponse, Error> {
    let (request, _) = request.into_parts();
    let catalog = request.app_data::<web::Data<Catalog>>();
    let answer = match catalog.zip(digits(request.path())) {
        Some((catalog, digits)) => by_digits(&request, catalog, digits).await,
        None => Err(ApiError::NoRoute(request.path().to_owned())),
    };
    let response = answer.unwrap_or_else(HttpResponse::from_error);
    Ok(ServiceResponse::new(request, response))
}

async fn not_allowed(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    Err(ApiError::MethodNotAllowed {
        method: request.method().clone(),
        allow: "GET, HEAD, PUT, PATCH, DELETE",
    })
}

async fn by_handle(
    request: HttpRequest,
    catalog: web::Data<Catalog>,
    handle: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    let asked = asked(&request)?;
    let handle = handle.into_inner();
    let named = || format!("handle {handle:?}");
    let id = catalog.id_by_handle(&handle).await?;
    by_other_name(&request, &catalog, id, asked, named).await
}

async fn by_sku(
    request: HttpRequest,
    catalog: web::Data<Catalog>,
    sku: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    let asked = asked(&request)?;
    let sku = sku.into_inner();
    let named = || format!("sku {sku:?}");
    let id = catalog.id_by_sku(&sku).await?;
    by_other_name(&request, &catalog, id, asked, named).await
}

/// What a request wants of a product.
struct Asked {
    /// `None` is the plain document.
    form: Option<Form>,
    /// No version below it; 0 is any.
    min_version: u64,
}

fn asked(request: &HttpRequest) -> Result<Asked, ApiError> {
    let query = DetailQuery::of(request)?;
    let is_plain = query.is_plain();
    // Of JSON-LD there are no parts.
    let offered: &[MediaType] = if is_plain {
        &[MediaType::Json, MediaType::JsonLd]
    } else {
        &[MediaType::Json]
    };
    let media_type = media_type::select(request.headers(), offered)?;
    let DetailQuery {
        fields,
        include,
        min_version,
    } = query;
    let form = match media_type {
        MediaType::JsonLd => Some(Form::JsonLd),
        MediaType::Json if is_plain => None,
        MediaType::Json => Some(Form::Json { fields, include }),
    };
    Ok(Asked { form, min_version })
}

async fn by_other_name(
    request: &HttpRequest,
    catalog: &Catalog,
    id: Option<i64>,
    asked: Asked,
    named: impl Fn() -> String,
) -> Result<HttpResponse, ApiError> {
    let id = id.ok_or_else(|| ApiError::NoProduct {
        named: named(),
        is_gone: false,
        cache: None,
    })?;
    let mut response = product(request, catalog, id, asked, named).await?;
    let query = request.query_string();
    let mark = if query.is_empty() { "" } else { "?" };
    if let Ok(location) = HeaderValue::from_str(&format!("/products/{id}{mark}{query}")) {
        response.headers_mut().insert(CONTENT_LOCATION, location);
    }
    Ok(response)
}

async fn product(
    request: &HttpRequest,
    catalog: &Catalog,
    id: i64,
    asked: Asked,
    named: impl Fn() -> String,
) -> Result<HttpResponse, ApiError> {
    let no_product = |absence, status| ApiError::NoProduct {
        named: named(),
        is_gone: absence == Absence::Removed,
        cache: Some(status),
    };
    if asked.min_version > 0 {
        // In a box, so that a request without it does not carry its size around.
        let context = context_of_miss(request);
        let waiting = await_version(catalog, id, asked.min_version);
        Box::pin(context::scope(context, waiting)).await?;
    }
    let (mut response, status, keys) = match asked.form {
        None => plain(request, catalog, id, no_product).await?,
        Some(form) => detail(request, catalog, id, form, no_product).await?,
    };
    if *request.method() == Method::GET
        && matches!(response.status(), StatusCode::OK | StatusCode::NOT_MODIFIED)
    {
        catalog.count_view(id);
    }
    if response.status() == StatusCode::OK {
        edge::name_keys(id, &keys, response.headers_mut());
    }
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
    headers.insert(CACHE_STATUS, cache_status(status));
    Ok(response)
}

/// From here on the cache has this version of the product, or a later one.
async fn await_version(catalog: &Catalog, id: i64, least: u64) -> Result<(), ApiError> {
    let version = catalog.product_at_least(id, least).await?.version;
    if version < least {
        return Err(ApiError::VersionNotReached { version });
    }
    Ok(())
}

/// Reads a product that is not in memory.
async fn missed(
    request: &HttpRequest,
    catalog: &Catalog,
    id: i64,
) -> Result<Answer<Document>, LoadError> {
    let context = context_of_miss(request);
    context::scope(context, catalog.product(id)).await
}

/// The document as it is kept.
async fn plain(
    request: &HttpRequest,
    catalog: &Catalog,
    id: i64,
    no_product: impl Fn(Absence, Status) -> ApiError,
) -> Result<(HttpResponse, Status, Cow<'static, str>), ApiError> {
    let answer = match catalog.kept_product(id) {
        Some(answer) => answer,
        None => Box::pin(missed(request, catalog, id)).await?,
    };
    let document = answer
        .value
        .map_err(|absence| no_product(absence, answer.status))?;
    let keys = document.surrogate_keys();
    let outgoing = Outgoing {
        modified: document.last_modified(),
        document,
        version: answer.version,
        place: &Place::Product(id),
        content_type: MediaType::Json.token(),
    };
    let mut response = respond(request, catalog, outgoing).await?;
    if let Status::Hit { ttl } = answer.status
        && ttl < 0
        && !catalog.features().is_on(Feature::FreshPrices)
    {
        degraded::tell(response.headers_mut(), [&Feature::FreshPrices]);
    }
    allow_to_keep(request, answer.status, response.headers_mut());
    Ok((response, answer.status, keys))
}

/// What is made of the document.
async fn detail(
    request: &HttpRequest,
    catalog: &Catalog,
    id: i64,
    form: Form,
    no_product: impl Fn(Absence, Status) -> ApiError,
) -> Result<(HttpResponse, Status, Cow<'static, str>), ApiError> {
    let content_type = match form {
        Form::JsonLd => MediaType::JsonLd.token(),
        Form::Json { .. } => MediaType::Json.token(),
    };
    let detail = context::scope(context_of_miss(request), catalog.detail(id, form));
    let detail = match detail.await {
        Ok(detail) => detail,
        Err(DetailError::NoProduct(absence, status)) => return Err(no_product(absence, status)),
        Err(DetailError::Load(error)) => return Err(error.into()),
    };
    let keys = detail.document.surrogate_keys();
    let outgoing = Outgoing {
        document: detail.document,
        version: detail.version,
        // What hangs on it changes without it.
        modified: None,
        place: &detail.place,
        content_type,
    };
    let mut response = respond(request, catalog, outgoing).await?;
    let uncached = Status::Bypass {
        origin: Origin::Store,
    };
    let status = weakest(detail.statuses.into_iter()).unwrap_or(uncached);
    let headers = response.headers_mut();
    degraded::tell(headers, &detail.degraded);
    match detail.age {
        None => allow_to_keep(request, status, headers),
        // As short-lived as the pages in it.
        Some(age) => {
            let age = (!matches!(status, Status::Bypass { .. })).then_some(age);
            page::allow_to_keep(PageClass::List, age, headers);
        }
    }
    Ok((response, status, keys))
}

/// An edge as long as this process itself. A browser may keep it, and asks each time whether it still holds,
/// which a 304 answers.
fn allow_to_keep(request: &HttpRequest, status: Status, headers: &mut HeaderMap) {
    edge::allow_to_keep(request, status, headers);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, no-cache"));
}

pub(super) fn refuse_other_methods(request: &HttpRequest) -> Result<(), ApiError> {
    match *request.method() {
        Method::GET | Method::HEAD => Ok(()),
        ref method => Err(ApiError::read_only(method)),
    }
}

/// For what is asked for by `POST` alone.
pub(super) fn refuse_all_but_post(request: &HttpRequest) -> Result<(), ApiError> {
    if request.method() == Method::POST {
        return Ok(());
    }
    Err(ApiError::MethodNotAllowed {
        method: request.method().clone(),
        allow: "POST",
    })
}

/// Ids have one spelling each, so that a product has one address: digits, no sign, no leading zero.
pub(super) fn parse_id(text: &str) -> Result<i64, ApiError> {
    let digits = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    let id = digits.then(|| text.parse().ok()).flatten();
    id.ok_or_else(|| ApiError::BadId(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_reads_of_a_number_pass_by_the_router() {
        let is_by_id = |method: Method, target: &str| {
            is_by_id(
                &TestRequest::with_uri(target)
                    .method(method)
                    .to_srv_request(),
            )
        };
        for target in ["/products/456", "/products/0", "/products/456?fields=id"] {
            assert!(is_by_id(Method::GET, target), "{target}");
            assert!(is_by_id(Method::HEAD, target), "{target}");
            assert!(!is_by_id(Method::PUT, target), "{target}");
            assert!(!is_by_id(Method::OPTIONS, target), "{target}");
        }
        for target in [
            "/products",
            "/products/",
            "/products/456/",
            "/products/456/reviews",
            "/products/-1",
            "/products/by-handle/456",
            "/search",
        ] {
            assert!(!is_by_id(Method::GET, target), "{target}");
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
