//! `GET` and `HEAD` of `/products/{id}/availability`: the exact stock, for those who are about to sell. The
//! product's document says in a word what a customer may know.

use actix_web::{HttpRequest, HttpResponse, web};

use super::assembled::Assembled;
use super::problem::ApiError;
use super::products::{parse_id, refuse_other_methods};
use crate::products::catalog::Catalog;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/products/{id}/availability").to(availability));
}

async fn availability(
    request: HttpRequest,
    catalog: web::Data<Catalog>,
) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    let id = parse_id(request.match_info().query("id"))?;
    let stock = catalog.stock(id).await?;
    let mut body = Assembled::new();
    body.push_text(stock.ok_or_else(|| ApiError::no_product(id))?);
    Ok(body.respond(request.headers()))
}
