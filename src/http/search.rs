//! `GET` and `HEAD` of `/search`: products by words, filtered, sorted and counted.

use actix_web::{HttpRequest, HttpResponse, web};

use super::assembled::Assembled;
use super::degraded;
use super::lists::filters;
use super::page::link_next;
use super::problem::ApiError;
use super::products::refuse_other_methods;
use super::query::{Query, invalid};
use crate::flags::Feature;
use crate::products::catalog::Catalog;
use crate::products::search::{SearchError, SearchPage, SearchQuery, SearchSort};

/// Every parameter of `/search`.
pub(super) const PARAMETERS: [&str; 13] = [
    "q",
    "category",
    "vendor",
    "product_type",
    "tag",
    "price_min",
    "price_max",
    "currency",
    "availability",
    "rating_min",
    "sort",
    "limit",
    "cursor",
];

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/search").to(search));
}

async fn search(
    request: HttpRequest,
    catalog: web::Data<Catalog>,
) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    let query = Query::of(&request, &PARAMETERS)?;
    let mut page = catalog.search(search_query(&query)?).await?;
    if page.facets.is_none() {
        page.degraded.push(Feature::Facets.name());
    }
    respond(&request, &query, &page)
}

pub(super) fn search_query(query: &Query<'_>) -> Result<SearchQuery, ApiError> {
    let text = query.one("q")?.unwrap_or_default();
    let mut asked =
        SearchQuery::new(text, query.limit()?).map_err(|error| invalid("q", error.to_string()))?;
    asked.filters = filters::filters(query)?;
    asked.rating_min = rating_min(query)?;
    asked.sort =
        filters::word_for("sort", query, &SearchSort::ALL, SearchSort::word)?.unwrap_or_default();
    asked.cursor = query.one("cursor")?.map(str::to_owned);
    Ok(asked)
}

/// Stars as tenths of them.
fn rating_min(query: &Query<'_>) -> Result<Option<u64>, ApiError> {
    let Some(given) = query.one("rating_min")? else {
        return Ok(None);
    };
    let (stars, tenths) = given.split_once('.').unwrap_or((given, "0"));
    let digit = |text: &str| match text.as_bytes() {
        [digit @ b'0'..=b'9'] => Some(u64::from(digit - b'0')),
        _ => None,
    };
    let rating = digit(stars)
        .zip(digit(tenths))
        .map(|(stars, tenths)| stars * 10 + tenths);
    rating
        .filter(|rating| *rating <= 50)
        .map(Some)
        .ok_or_else(|| {
            let reason = format!("{given:?} is not a rating from 0 to 5; write it like 4 or 4.5");
            invalid("rating_min", reason)
        })
}

fn respond(
    request: &HttpRequest,
    query: &Query<'_>,
    page: &SearchPage,
) -> Result<HttpResponse, ApiError> {
    let json =
        serde_json::to_vec(page).map_err(|error| ApiError::Unavailable(error.to_string()))?;
    let mut body = Assembled::new();
    body.push_text(json);
    let mut response = body.respond(request.headers());
    if let Some(cursor) = &page.next {
        link_next(&mut response, request, query, cursor);
    }
    if page.facets.is_none() {
        degraded::tell(response.headers_mut(), [&Feature::Facets]);
    }
    Ok(response)
}

impl From<SearchError> for ApiError {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Cursor => invalid(
                "cursor",
                "is none of this search; it goes with the words, the filters and the sort it was made \
                 with, leave it out to begin again",
            ),
            SearchError::Busy => Self::SearchBusy,
            SearchError::Failed(_) => Self::Unavailable(error.to_string()),
            SearchError::Store(error) => error.into(),
            SearchError::Load(error) => error.into(),
            SearchError::Refused(refused) => refused.into(),
        }
    }
}
