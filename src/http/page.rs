//! Pages as they are sent: how long whoever keeps one may do so.

use actix_web::http::header::{AGE, CACHE_CONTROL, HeaderMap, HeaderValue, LINK, VARY};
use actix_web::{HttpRequest, HttpResponse};

use super::media_type::MediaType;
use super::problem::ApiError;
use super::query::Query;
use super::representation::{Outgoing, respond};
use super::status_header::{CACHE_STATUS, cache_status};
use crate::cache::Millis;
use crate::products::catalog::Catalog;
use crate::products::views::{PageClass, PageKey, Place};

/// Answers with a page, and links to the next one where its `query` is given.
pub(super) async fn answer(
    request: &HttpRequest,
    catalog: &Catalog,
    key: PageKey,
    query: Option<&Query<'_>>,
) -> Result<HttpResponse, ApiError> {
    if let Some(id) = key.product_id() {
        // What hangs on a product is as public as the product, which hears of changes at once.
        let product = catalog.product(id).await?;
        if let Err(absence) = product.value {
            return Err(ApiError::no_product(id, absence, product.status));
        }
    }
    let answer = catalog.page(&key).await?;
    let page = answer.value.map_err(|absence| {
        let id = key.product_id().unwrap_or_default();
        ApiError::no_product(id, absence, answer.status)
    })?;
    let class = key.class();
    let place = Place::Page(key);
    let age = catalog.compresses(&place).then(|| page.age());
    let outgoing = Outgoing {
        document: page.document,
        // What is in it makes its tag: pages have no versions that mean something outside.
        version: 0,
        // What leaves a list makes none of the others newer.
        modified: None,
        place: &place,
        content_type: MediaType::Json.token(),
    };
    let mut response = respond(request, catalog, outgoing).await?;
    if let (Some(query), Some(cursor)) = (query, &page.next) {
        link_next(&mut response, request, query, cursor);
    }
    let headers = response.headers_mut();
    allow_to_keep(class, age, headers);
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(CACHE_STATUS, cache_status(answer.status));
    Ok(response)
}

/// Says how old it is and how old it may get. Both count from when it was read, so that the promise holds
/// behind any number of caches; `Age` is rounded down, hence the windows end a second before the promise does.
/// What is read for each request has no age and is not to be kept.
pub(super) fn allow_to_keep(class: PageClass, age: Option<Millis>, headers: &mut HeaderMap) {
    let cache_control = match (class, age) {
        (_, None) => "public, no-cache",
        (PageClass::List, Some(_)) => {
            "public, max-age=0, s-maxage=3, stale-while-revalidate=1, stale-if-error=1"
        }
        (PageClass::Stock, Some(_)) => {
            "public, max-age=0, s-maxage=1, stale-while-revalidate=0, stale-if-error=0"
        }
    };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache_control));
    if let Some(age) = age {
        headers.insert(AGE, HeaderValue::from(age / 1_000));
    }
}

/// Says where the next page is (RFC 8288).
fn link_next(response: &mut HttpResponse, request: &HttpRequest, query: &Query<'_>, cursor: &str) {
    let (path, query) = (request.path(), query.with_cursor(cursor));
    if let Ok(link) = HeaderValue::from_str(&format!("<{path}?{query}>; rel=\"next\"")) {
        response.headers_mut().insert(LINK, link);
    }
}
