//! `GET` and `HEAD` of `/products/{id}/availability`: the exact stock, for those who are about to sell. The
//! product's document says in a word what a customer may know.

use actix_web::{HttpRequest, HttpResponse, web};

use super::page;
use super::problem::ApiError;
use super::products::{parse_id, refuse_other_methods};
use super::query::Query;
use crate::products::catalog::Catalog;
use crate::products::views::PageKey;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/products/{id}/availability").to(availability));
}

async fn availability(
    request: HttpRequest,
    catalog: web::Data<Catalog>,
) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    let product_id = parse_id(request.match_info().query("id"))?;
    Query::of(&request, &[])?;
    page::answer(&request, &catalog, PageKey::Stock { product_id }, None).await
}
