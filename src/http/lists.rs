//! `GET` and `HEAD` of `/products`: pages of products, filtered and sorted; or those with given ids.

pub(super) mod filters;

use actix_web::http::header::{HeaderValue, LINK};
use actix_web::{HttpRequest, HttpResponse, web};

use super::assembled::Assembled;
use super::batch;
use super::problem::ApiError;
use super::products::refuse_other_methods;
use super::query::{Query, invalid};
use crate::products::catalog::Catalog;
use crate::products::listing::{ListError, ListPage};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/products").to(products));
}

async fn products(
    request: HttpRequest,
    catalog: web::Data<Catalog>,
) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
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
    let cursor = query.one("cursor")?;
    let page = catalog.list(listing, cursor, query.limit()?).await?;
    Ok(respond(&request, &query, page))
}

/// `{"items":[…],"next":"…"}`.
fn respond(request: &HttpRequest, query: &Query<'_>, page: ListPage) -> HttpResponse {
    let mut body = Assembled::new();
    body.push_text("{");
    body.push_items(page.documents);
    body.push_next(page.next.as_deref());
    let mut response = body.respond(request.headers());
    link_next(&mut response, request, query, page.next.as_deref());
    response
}

/// Says where the next page is (RFC 8288).
pub(super) fn link_next(
    response: &mut HttpResponse,
    request: &HttpRequest,
    query: &Query<'_>,
    cursor: Option<&str>,
) {
    let Some(cursor) = cursor else { return };
    let (path, query) = (request.path(), query.with_cursor(cursor));
    if let Ok(link) = HeaderValue::from_str(&format!("<{path}?{query}>; rel=\"next\"")) {
        response.headers_mut().insert(LINK, link);
    }
}

impl From<ListError> for ApiError {
    fn from(error: ListError) -> Self {
        match error {
            ListError::Cursor => invalid(
                "cursor",
                "is none of this list; it goes with the filters and the sort it was made with, \
                 leave it out to begin again",
            ),
            ListError::Store(error) => error.into(),
            ListError::Load(error) => error.into(),
        }
    }
}
