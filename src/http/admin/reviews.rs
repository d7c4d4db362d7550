//! `GET /admin/reviews`: reviews that wait for a person; `POST /admin/reviews/{id}` decides on one.

use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::guard::{changer, note};
use super::json;
use crate::http::problem::ApiError;
use crate::http::products::{parse_id, refuse_all_but_post, refuse_other_methods};
use crate::http::query::Query;
use crate::http::writes::{MediaType, WriteLimits, body};
use crate::products::catalog::Catalog;

const MAX_BODY: usize = 1 << 10;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/admin/reviews").to(held))
        .service(web::resource("/admin/reviews/{id}").to(decide));
}

async fn held(request: HttpRequest, catalog: web::Data<Catalog>) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    let query = Query::of(&request, &["limit"])?;
    let held = catalog.held_reviews(query.limit()?).await?;
    Ok(json(json!({ "reviews": held })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    status: Decided,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Decided {
    Published,
    Rejected,
}

async fn decide(
    request: HttpRequest,
    payload: web::Payload,
    catalog: web::Data<Catalog>,
    limits: web::Data<WriteLimits>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    refuse_all_but_post(&request)?;
    let who = changer(&request).await?;
    let number = parse_id(&id)?;
    // A form of a page cannot say that it is JSON.
    MediaType::Json.check(request.headers())?;
    let body = body::read(request.headers(), payload, MAX_BODY).await?;
    let Asked { status } = serde_json::from_slice(&body)
        .map_err(|error| ApiError::InvalidDecision(error.to_string()))?;
    let deadline = Instant::now() + limits.patience;
    let is_published = status == Decided::Published;
    let decided = catalog
        .decide_review(deadline, number, is_published)
        .await?;
    match decided {
        Some(submission) => {
            let done = if is_published {
                "published"
            } else {
                "rejected"
            };
            note(&request, &who, format!("{done} review {number}"), "");
            Ok(json(submission))
        }
        None => Err(ApiError::NoReview(id.into_inner())),
    }
}
