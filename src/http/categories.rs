//! `GET` and `HEAD` of `/categories`: the tree of categories with the number of products in each.

use actix_web::{HttpRequest, HttpResponse, web};

use super::assembled::Assembled;
use super::problem::ApiError;
use super::products::refuse_other_methods;
use super::query::Query;
use crate::products::catalog::Catalog;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/categories").to(categories));
}

async fn categories(
    request: HttpRequest,
    catalog: web::Data<Catalog>,
) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    Query::of(&request, &[])?;
    let mut body = Assembled::new();
    body.push_text(catalog.categories().await?);
    Ok(body.respond(request.headers()))
}
