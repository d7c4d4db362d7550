//! `POST /products/{id}/reviews`, and `GET` and `HEAD` of `/products/{id}/reviews/{review}`: what became of it.

use std::time::Instant;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue, LOCATION, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::{ApiError, RETRY_SECONDS};
use super::products::{parse_id, refuse_other_methods};
use super::query::Query;
use super::request_id;
use super::writes::{MediaType, WriteProblem, body, limits};
use crate::cache::Absence;
use crate::products::catalog::Catalog;
use crate::products::reviews::{NewReview, ReviewStatus, Submission, Submitted};
use crate::telemetry::traces;

/// Longest body, in bytes: the texts in UTF-8, each character escaped.
const MAX_BODY: usize = 128 << 10;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/products/{id}/reviews/{review}").to(status));
}

/// What is told of a review that was sent: nothing of what it says.
#[derive(Serialize, ToSchema)]
#[schema(as = ReviewSubmission)]
pub(super) struct Told {
    /// Its number.
    #[schema(minimum = 1)]
    id: i64,
    /// Of what.
    #[schema(minimum = 1)]
    product_id: i64,
    /// `pending`: nobody has decided yet; `held`: it waits for a person; `published`; `rejected`.
    status: &'static str,
    /// Why it was held or rejected: `too-short`, `links`, `words`, `repeated` or `person`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<String>,
}

impl From<Submission> for Told {
    fn from(submission: Submission) -> Self {
        Self {
            id: submission.id,
            product_id: submission.product_id,
            status: submission.status.as_str(),
            reason: submission.reason,
        }
    }
}

/// Takes a review. It is answered once it is kept, with the job that decides on it.
pub(super) async fn submit(
    request: &HttpRequest,
    payload: web::Payload,
    catalog: &Catalog,
) -> Result<HttpResponse, ApiError> {
    let product_id = parse_id(request.match_info().query("id"))?;
    Query::of(request, &[])?;
    MediaType::Json.check(request.headers())?;
    let body = body::read(request.headers(), payload, MAX_BODY).await?;
    let review = NewReview::of(body::parse(&body)?).map_err(WriteProblem::InvalidReview)?;
    let deadline = Instant::now() + limits(request)?.patience;
    let trace = trace(request);
    let submitted = catalog.submit_review(deadline, product_id, review, trace);
    match submitted.await? {
        Submitted::Accepted(id) => {
            let told = Told {
                id,
                product_id,
                status: ReviewStatus::Pending.as_str(),
                reason: None,
            };
            let path = format!("/products/{product_id}/reviews/{id}");
            let mut response = HttpResponse::build(StatusCode::ACCEPTED).json(told);
            let headers = response.headers_mut();
            // Digits and letters.
            if let Ok(path) = HeaderValue::from_str(&path) {
                headers.insert(LOCATION, path);
            }
            headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            Ok(response)
        }
        Submitted::SentBefore => Err(WriteProblem::ReviewSentBefore.into()),
        Submitted::NoProduct => Err(no_product(product_id)),
    }
}

/// What goes along with a job of the request: its id and, after a space, its own trace context (W3C) where it is traced, else
/// the client's.
pub(super) fn trace(request: &HttpRequest) -> Option<String> {
    let carried = traces::carried().or_else(|| super::trace::carried(request.headers()));
    let carried = carried.map(|it| it.to_string());
    let parts: Vec<_> = request_id::of(request).into_iter().chain(carried).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

pub(super) fn no_product(id: i64) -> ApiError {
    ApiError::NoProduct {
        named: format!("id {id}"),
        is_gone: false,
        cache: None,
    }
}

async fn status(
    request: HttpRequest,
    catalog: web::Data<Catalog>,
) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    let product_id = parse_id(request.match_info().query("id"))?;
    Query::of(&request, &[])?;
    let named = request.match_info().query("review");
    let found = match parse_id(named) {
        Ok(id) => catalog.submission(id).await?,
        Err(_) => None,
    };
    let Some(found) = found.filter(|it| it.product_id == product_id) else {
        return Err(ApiError::NoReview(named.to_owned()));
    };
    // It goes with its product.
    let product = catalog.product(product_id).await?;
    if let Err(absence @ Absence::Removed) = product.value {
        return Err(ApiError::no_product(product_id, absence, product.status));
    }
    let mut response = HttpResponse::Ok().json(Told::from(found));
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    Ok(response)
}
