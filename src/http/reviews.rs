//! `/products/{id}/reviews`: `GET` and `HEAD` give published reviews, newest first, a page at a time; `POST` takes one.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};

use super::page;
use super::problem::ApiError;
use super::products::parse_id;
use super::query::Query;
use super::submissions;
use crate::flags::Feature;
use crate::products::catalog::Catalog;

/// Every parameter of the reviews.
pub(super) const PARAMETERS: [&str; 2] = ["limit", "cursor"];

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/products/{id}/reviews").to(reviews));
}

async fn reviews(
    request: HttpRequest,
    payload: web::Payload,
    catalog: web::Data<Catalog>,
) -> Result<HttpResponse, ApiError> {
    match *request.method() {
        Method::GET | Method::HEAD => {}
        Method::POST => return submissions::submit(&request, payload, &catalog).await,
        ref method => {
            return Err(ApiError::MethodNotAllowed {
                method: method.clone(),
                allow: "GET, HEAD, POST",
            });
        }
    }
    if !catalog.features().is_on(Feature::Reviews) {
        return Err(ApiError::FeatureOff(Feature::Reviews));
    }
    let id = parse_id(request.match_info().query("id"))?;
    let query = Query::of(&request, &PARAMETERS)?;
    let key = catalog
        .reviews_key(id, query.one("cursor")?, query.limit()?)
        .await?;
    page::answer(&request, &catalog, key, Some(&query)).await
}
