//! `GET` and `HEAD` of `/products/{id}/reviews`: published reviews, newest first, a page at a time.

use actix_web::{HttpRequest, HttpResponse, web};

use super::page;
use super::problem::ApiError;
use super::products::{parse_id, refuse_other_methods};
use super::query::Query;
use crate::flags::Feature;
use crate::products::catalog::Catalog;

/// Every parameter of the reviews.
pub(super) const PARAMETERS: [&str; 2] = ["limit", "cursor"];

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/products/{id}/reviews").to(reviews));
}

async fn reviews(
    request: HttpRequest,
    catalog: web::Data<Catalog>,
) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
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
