//! `GET` and `HEAD` of `/products/{id}/recommendations`: products that go with a product, in short, the most
//! fitting first.

use actix_web::http::header::{HeaderValue, VARY};
use actix_web::{HttpRequest, HttpResponse, web};

use super::assembled::Assembled;
use super::degraded;
use super::page;
use super::problem::ApiError;
use super::products::{parse_id, refuse_other_methods};
use super::query::Query;
use super::status_header::{CACHE_STATUS, cache_status};
use crate::cache::Status;
use crate::flags::Feature;
use crate::products::catalog::Catalog;
use crate::products::views::{PageClass, PageKey};

/// Every parameter of the recommendations.
pub(super) const PARAMETERS: [&str; 1] = ["limit"];

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/products/{id}/recommendations").to(recommendations));
}

async fn recommendations(
    request: HttpRequest,
    catalog: web::Data<Catalog>,
) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    let product_id = parse_id(request.match_info().query("id"))?;
    let limit = Query::of(&request, &PARAMETERS)?.limit()?;
    if !catalog.features().is_on(Feature::Recommendations) {
        return none_for_now(&request, &catalog, product_id).await;
    }
    let key = PageKey::Recommendations { product_id, limit };
    page::answer(&request, &catalog, key, None).await
}

/// While they are switched off: none, for a product that there is, which says so. A shop shows no shelf then.
async fn none_for_now(
    request: &HttpRequest,
    catalog: &Catalog,
    product_id: i64,
) -> Result<HttpResponse, ApiError> {
    let product = catalog.product(product_id).await?;
    if let Err(absence) = product.value {
        return Err(ApiError::no_product(product_id, absence, product.status));
    }
    let mut body = Assembled::new();
    body.push_text("{\"items\":[],\"degraded\":[\"recommendations\"]}");
    let mut response = body.respond(request.headers());
    let headers = response.headers_mut();
    degraded::tell(headers, [&Feature::Recommendations]);
    let age = (!matches!(product.status, Status::Bypass { .. })).then_some(0);
    page::allow_to_keep(PageClass::List, age, headers);
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(CACHE_STATUS, cache_status(product.status));
    Ok(response)
}
