//! `GET` and `HEAD` of `/products/{id}/reviews`: published reviews, newest first, a page at a time.

use actix_web::{HttpRequest, HttpResponse, web};

use super::assembled::Assembled;
use super::lists::link_next;
use super::problem::ApiError;
use super::products::{parse_id, refuse_other_methods};
use super::query::Query;
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
    let id = parse_id(request.match_info().query("id"))?;
    let query = Query::of(&request, &PARAMETERS)?;
    let page = catalog
        .reviews(id, query.one("cursor")?, query.limit()?)
        .await?;
    let page = page.ok_or_else(|| ApiError::no_product(id))?;
    let mut body = Assembled::new();
    body.push_text(format!("{{\"items\":[{}]", page.reviews.join(",")));
    body.push_next(page.next.as_deref());
    let mut response = body.respond(request.headers());
    link_next(&mut response, &request, &query, page.next.as_deref());
    Ok(response)
}
