//! `GET` and `HEAD` of `/products`: pages of products, filtered and sorted; or those with given ids.

pub(super) mod filters;

use actix_web::{HttpRequest, HttpResponse, web};

use super::batch;
use super::page;
use super::problem::ApiError;
use super::query::{Query, invalid};
use super::writes;
use crate::products::catalog::Catalog;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/products")
            .route(web::get().to(products))
            .route(web::head().to(products))
            .route(web::post().to(writes::create))
            .to(not_allowed),
    );
}

async fn not_allowed(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    Err(ApiError::MethodNotAllowed {
        method: request.method().clone(),
        allow: "GET, HEAD, POST",
    })
}

async fn products(
    request: HttpRequest,
    catalog: web::Data<Catalog>,
) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request, &filters::PARAMETERS)?;
    if let Some(ids) = query.one("ids")? {
        if let Some((other, _)) = query.pairs().find(|(name, _)| *name != "ids") {
            return Err(invalid(
                other,
                "does not go with ids; leave one of them out",
            ));
        }
        return batch::by_ids(&request, &catalog, ids).await;
    }
    let listing = filters::listing(&query)?;
    let key = catalog
        .list_key(listing, query.one("cursor")?, query.limit()?)
        .await?;
    page::answer(&request, &catalog, key, Some(&query)).await
}
