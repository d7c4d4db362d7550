//! `POST /admin/cache/warm`: has products loaded into the caches before somebody asks for them.

use std::collections::HashSet;

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::guard::{changer, note};
use super::{JobsView, json as answer};
use crate::cache::warm_up::Pace;
use crate::http::problem::ApiError;
use crate::http::products::refuse_all_but_post;
use crate::http::submissions::trace;
use crate::http::writes::{MediaType, body};
use crate::products::cache_warm;
use crate::products::catalog::Catalog;

/// Longest body: its keys take some 200 KiB.
const MAX_BODY: usize = 1 << 20;
/// Most products that are named.
const MAX_KEYS: usize = 10_000;
/// Most products that are chosen by how often they were looked at.
const MAX_TOP: usize = 100_000;
/// Ids that are named in a refusal.
const MOST_NAMED: usize = 10;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/admin/cache/warm").to(warm));
}

/// What is to be loaded: one of the first two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Product ids.
    keys: Option<Vec<i64>>,
    /// So many products, those that were looked at most.
    top: Option<usize>,
    /// At once, into the caches of this node alone.
    #[serde(default)]
    here: bool,
    /// Why, for those who are told later.
    #[serde(default)]
    reason: String,
}

async fn warm(
    request: HttpRequest,
    payload: web::Payload,
    catalog: web::Data<Catalog>,
    jobs: web::Data<JobsView>,
) -> Result<HttpResponse, ApiError> {
    refuse_all_but_post(&request)?;
    let who = changer(&request).await?;
    // A form of a page cannot say that it is JSON.
    MediaType::Json.check(request.headers())?;
    let body = body::read(request.headers(), payload, MAX_BODY).await?;
    let asked: Asked = serde_json::from_slice(&body).map_err(|error| refused(error.to_string()))?;
    if !catalog.keeps_products() {
        return Err(refused("this node caches nothing: see cache.l1_bytes"));
    }
    let products = products(&asked, &catalog).await?;
    let count = products.len();
    if asked.here {
        let warmed = catalog.warm(&products, Pace::GENTLE, cache_warm::LONGEST);
        return Ok(answer(warmed.await));
    }
    if jobs.counters.get().is_none() {
        return Err(refused(
            "this node does no jobs (jobs.serve); ask one that does, or each by \"here\":true",
        ));
    }
    let wanted = cache_warm::jobs(&products, trace(&request).as_deref())?;
    let kind = wanted.first().map(|job| job.kind);
    let ids = jobs.queue.store().enqueue(wanted).await?;
    if let Some(kind) = kind {
        jobs.queue.wake().enqueued(kind);
    }
    note(
        &request,
        &who,
        format!("has {count} products loaded into the caches"),
        &asked.reason,
    );
    let mut response = HttpResponse::Accepted().json(json!({ "products": count, "jobs": ids }));
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    Ok(response)
}

/// Each once, in the order asked. Those that somebody names have to be public; who asks a node for another has looked.
async fn products(asked: &Asked, catalog: &Catalog) -> Result<Vec<i64>, ApiError> {
    match (&asked.keys, asked.top) {
        (Some(keys), None) => {
            if keys.is_empty() || keys.len() > MAX_KEYS {
                return Err(refused(format!(
                    "keys: name from 1 to {MAX_KEYS} product ids"
                )));
            }
            if let Some(id) = keys.iter().find(|id| **id < 1) {
                return Err(refused(format!("keys: {id} is no product id")));
            }
            let mut seen = HashSet::with_capacity(keys.len());
            let keys: Vec<_> = keys.iter().copied().filter(|id| seen.insert(*id)).collect();
            if !asked.here {
                let hidden = catalog.hidden(keys.clone()).await?;
                if !hidden.is_empty() {
                    return Err(refused(format!(
                        "keys: there is no public product {}",
                        listed(&hidden)
                    )));
                }
            }
            Ok(keys)
        }
        (None, Some(top)) => {
            if !(1..=MAX_TOP).contains(&top) {
                return Err(refused(format!("top: ask for 1 to {MAX_TOP} products")));
            }
            Ok(catalog.most_viewed(top).await?)
        }
        _ => Err(refused("name one of keys and top")),
    }
}

/// The first of them, and how many there are beside.
fn listed(ids: &[i64]) -> String {
    let named: Vec<_> = ids.iter().take(MOST_NAMED).map(i64::to_string).collect();
    let named = named.join(", ");
    match ids.len() - ids.len().min(MOST_NAMED) {
        0 => named,
        others => format!("{named} and {others} others"),
    }
}

fn refused(why: impl Into<String>) -> ApiError {
    ApiError::InvalidWarmUp(why.into())
}
