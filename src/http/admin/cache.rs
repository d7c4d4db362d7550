//! `GET /admin/cache`, `GET` and `DELETE /admin/cache/{id}`, `POST /admin/cache/purge`.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::guard::{changer, note};
use super::json;
use crate::cache::Depth;
use crate::http::problem::ApiError;
use crate::http::products::{parse_id, refuse_all_but_post, refuse_other_methods};
use crate::http::query::{Query, invalid};
use crate::http::writes::{MediaType, body};
use crate::products::catalog::Catalog;
use crate::products::catalog::inspection::Scope;
use crate::products::catalog::purge::Purge;

/// Longest body of a purge: its keys take some 200 KiB.
const MAX_BODY: usize = 1 << 20;
/// Most products of one purge. More are a tag, or all.
const MAX_KEYS: usize = 10_000;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/admin/cache").to(status))
        .service(web::resource("/admin/cache/purge").to(purge))
        .service(web::resource("/admin/cache/{id}").to(one));
}

async fn status(
    request: HttpRequest,
    catalog: web::Data<Catalog>,
) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    Query::of(&request, &[])?;
    Ok(json(catalog.cache_status()))
}

async fn one(
    request: HttpRequest,
    catalog: web::Data<Catalog>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let id = parse_id(&id)?;
    match *request.method() {
        Method::GET | Method::HEAD => {
            let query = Query::of(&request, &["tiers"])?;
            let scope = match query.one("tiers")? {
                None | Some("all") => Scope::All,
                Some("l1") => Scope::L1,
                Some(_) => return Err(invalid("tiers", "is neither all nor l1")),
            };
            Ok(json(catalog.inspect(id, scope).await))
        }
        Method::DELETE => {
            let who = changer(&request).await?;
            let query = Query::of(&request, &["hard"])?;
            let depth = match query.one("hard")? {
                None | Some("false") => Depth::Soft,
                Some("true") => Depth::Hard,
                Some(_) => return Err(invalid("hard", "is neither true nor false")),
            };
            let purge = Purge::Products(vec![id]);
            note(&request, &who, format!("purged product {id}"), "");
            Ok(json(catalog.purge(&purge, depth).await))
        }
        ref method => Err(ApiError::MethodNotAllowed {
            method: method.clone(),
            allow: "GET, HEAD, DELETE",
        }),
    }
}

/// What is to be dropped: one of the first three.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Product ids.
    keys: Option<Vec<i64>>,
    /// A surrogate key.
    tag: Option<String>,
    /// Everything.
    #[serde(default)]
    all: bool,
    /// Nothing that was there is served any more, not even once while it is loaded again.
    #[serde(default)]
    hard: bool,
    /// Why, for those who are told later.
    #[serde(default)]
    reason: String,
}

async fn purge(
    request: HttpRequest,
    payload: web::Payload,
    catalog: web::Data<Catalog>,
) -> Result<HttpResponse, ApiError> {
    refuse_all_but_post(&request)?;
    let who = changer(&request).await?;
    // A form of a page cannot say that it is JSON.
    MediaType::Json.check(request.headers())?;
    let body = body::read(request.headers(), payload, MAX_BODY).await?;
    let asked: Asked =
        serde_json::from_slice(&body).map_err(|error| ApiError::InvalidPurge(error.to_string()))?;
    let depth = if asked.hard { Depth::Hard } else { Depth::Soft };
    let reason = asked.reason.clone();
    let purge = what(asked).map_err(|wrong| ApiError::InvalidPurge(wrong.to_owned()))?;
    note(&request, &who, format!("purged {purge}"), &reason);
    Ok(json(catalog.purge(&purge, depth).await))
}

fn what(asked: Asked) -> Result<Purge, &'static str> {
    match asked {
        Asked {
            keys: Some(keys),
            tag: None,
            all: false,
            ..
        } => {
            if keys.is_empty() || keys.len() > MAX_KEYS {
                return Err("keys: name from 1 to 10000 product ids");
            }
            Ok(Purge::Products(keys))
        }
        Asked {
            keys: None,
            tag: Some(tag),
            all: false,
            ..
        } => {
            let is_key = !tag.is_empty() && tag.bytes().all(|byte| byte.is_ascii_graphic());
            if !is_key {
                return Err("tag: name one surrogate key, such as vendor-acme");
            }
            Ok(match tag.strip_prefix("product-").map(parse_id) {
                Some(Ok(id)) => Purge::Products(vec![id]),
                _ => Purge::Tag(tag),
            })
        }
        Asked {
            keys: None,
            tag: None,
            all: true,
            ..
        } => Ok(Purge::Everything),
        _ => Err("name one of keys, tag and all"),
    }
}
