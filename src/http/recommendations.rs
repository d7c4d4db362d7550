//! `GET` and `HEAD` of `/products/{id}/recommendations`: products that go with a product, in short, the most
//! fitting first.

use actix_web::{HttpRequest, HttpResponse, web};

use super::page;
use super::problem::ApiError;
use super::products::{parse_id, refuse_other_methods};
use super::query::Query;
use crate::products::catalog::Catalog;
use crate::products::views::PageKey;

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
    let key = PageKey::Recommendations { product_id, limit };
    page::answer(&request, &catalog, key, None).await
}
