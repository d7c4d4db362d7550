//! `POST /imports`: a file, or where one is, to be imported behind the requests; `GET` and `HEAD` of `/imports/{id}` and
//! `/imports/{id}/report`: how far that has come, and what was left out.

use std::time::Instant;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER,
};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::TryStreamExt;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::authorization::authorize;
use super::export::JSON_LINES;
use super::problem::{ApiError, RETRY_SECONDS};
use super::products::{parse_id, refuse_all_but_post, refuse_other_methods};
use super::query::{Query, invalid};
use super::streams::Streams;
use super::submissions::trace;
use super::writes::{MediaType, WriteProblem, body, limits};
use crate::config::ImportPrefix;
use crate::products::catalog::Catalog;
use crate::products::import_runs::{
    CHUNK_BYTES, Format, ImportRun, ImportStatus, OnError, Options, PARAMETERS,
};
use crate::products::money::Currency;
use crate::tokens::Scope;

/// Longest document that names a file, in bytes.
const MAX_NAMING: usize = 16 << 10;

/// What may be imported.
#[derive(Debug, Clone)]
pub struct ImportLimits {
    /// Longest file, in bytes.
    pub max_bytes: u64,
    /// What addresses of files begin with.
    pub urls: Vec<ImportPrefix>,
}

/// How an import stands.
#[derive(Serialize, ToSchema)]
#[schema(as = Import)]
pub(super) struct Told {
    /// Its number.
    #[schema(minimum = 1)]
    id: i64,
    /// `receiving`: the file did not come to its end yet; `waiting`; `running`; `done`; `failed`: nothing was imported.
    status: &'static str,
    /// Products that were written or found unchanged, as was last noted.
    #[schema(minimum = 0)]
    products: i64,
    /// What it did, in products: `created`, `updated`, `unchanged`, `deleted`, `skipped`, and `warnings`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<Object>)]
    outcome: Option<Value>,
    /// Why nothing was imported.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<String>,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    ended_at: Option<String>,
}

impl From<ImportRun> for Told {
    fn from(run: ImportRun) -> Self {
        Self {
            id: run.id,
            status: run.status.as_str(),
            products: run.products,
            outcome: run.outcome.and_then(|it| serde_json::from_str(&it).ok()),
            error: run.error,
            created_at: run.created_at,
            ended_at: run.ended_at,
        }
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/imports").to(submit))
        .service(web::resource("/imports/{id}").to(status))
        .service(web::resource("/imports/{id}/report").to(report));
}

async fn submit(
    request: HttpRequest,
    payload: web::Payload,
    catalog: web::Data<Catalog>,
    streams: web::Data<Streams>,
    allowed: web::Data<ImportLimits>,
) -> Result<HttpResponse, ApiError> {
    refuse_all_but_post(&request)?;
    authorize(&request, Scope::CatalogWrite).await?;
    let options = options(&Query::of(&request, &PARAMETERS)?)?;
    let given = request.headers().get(CONTENT_TYPE);
    let given = given.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    let id = if essence.eq_ignore_ascii_case(MediaType::Json.as_str()) {
        let url = named(&request, payload, &allowed).await?;
        let deadline = Instant::now() + limits(&request)?.patience;
        let trace = trace(&request);
        catalog
            .begin_import_from(deadline, url, &options, trace)
            .await?
    } else {
        let _admitted = streams.admit_bulk_write()?;
        receive(&request, payload, &catalog, &options, allowed.max_bytes).await?
    };
    let found = catalog.import_run(id).await?;
    let told = found.map(Told::from);
    let mut response = HttpResponse::build(StatusCode::ACCEPTED).json(told);
    let headers = response.headers_mut();
    // Digits and letters.
    if let Ok(path) = HeaderValue::from_str(&format!("/imports/{id}")) {
        headers.insert(LOCATION, path);
    }
    headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn options(query: &Query<'_>) -> Result<Options, ApiError> {
    let is = |name| match query.one(name)? {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(invalid(name, "has to be true or false")),
    };
    let format = match query.one("format")? {
        None => Format::default(),
        Some(word) => Format::ALL
            .into_iter()
            .find(|it| it.as_str() == word)
            .ok_or_else(|| {
                let known = Format::ALL.map(Format::as_str).join(", ");
                invalid("format", format!("is none of {known}"))
            })?,
    };
    let on_error = match query.one("on_error")? {
        None => OnError::default(),
        Some(word) => OnError::ALL
            .into_iter()
            .find(|it| it.as_str() == word)
            .ok_or_else(|| invalid("on_error", "is neither stop nor skip"))?,
    };
    let default_currency = query.one("default_currency")?;
    if let Some(code) = default_currency {
        Currency::parse(code).map_err(|error| invalid("default_currency", error.to_string()))?;
    }
    Ok(Options {
        format,
        on_error,
        dry_run: is("dry_run")?,
        delete_missing: is("delete_missing")?,
        default_currency: default_currency.map(str::to_owned),
    })
}

/// The address in `{"url": …}`, which has to be allowed.
async fn named(
    request: &HttpRequest,
    payload: web::Payload,
    allowed: &ImportLimits,
) -> Result<String, ApiError> {
    MediaType::Json.check(request.headers())?;
    let body = body::read(request.headers(), payload, MAX_NAMING).await?;
    let document = body::parse(&body)?;
    let members = document.as_object().filter(|members| members.len() == 1);
    let url = members.and_then(|members| members.get("url")?.as_str());
    let Some(url) = url else {
        return Err(WriteProblem::InvalidImport("is not {\"url\": …}").into());
    };
    if allowed.urls.iter().any(|prefix| prefix.allows(url)) {
        Ok(url.to_owned())
    } else {
        Err(WriteProblem::InvalidImport("names an address that imports.urls does not allow").into())
    }
}

/// Keeps the body, piece by piece, so that memory does not grow with it.
async fn receive(
    request: &HttpRequest,
    mut payload: web::Payload,
    catalog: &Catalog,
    options: &Options,
    max_bytes: u64,
) -> Result<i64, ApiError> {
    if let Some(coding) = request.headers().get(CONTENT_ENCODING) {
        let coding = String::from_utf8_lossy(coding.as_bytes()).into_owned();
        return Err(WriteProblem::Coding(coding).into());
    }
    let patience = limits(request)?.patience;
    let id = catalog
        .receive_import(Instant::now() + patience, options)
        .await?;
    let (mut length, mut position) = (0, 0);
    let mut chunk = Vec::with_capacity(CHUNK_BYTES);
    while let Some(part) = payload.try_next().await.map_err(|_| WriteProblem::Cut)? {
        length += part.len() as u64;
        if length > max_bytes {
            let limit = usize::try_from(max_bytes).unwrap_or(usize::MAX);
            return Err(WriteProblem::TooLarge { limit }.into());
        }
        chunk.extend_from_slice(&part);
        if chunk.len() >= CHUNK_BYTES {
            let full = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK_BYTES));
            let deadline = Instant::now() + patience;
            catalog
                .receive_import_chunk(deadline, id, position, full)
                .await?;
            position += 1;
        }
    }
    if length == 0 {
        return Err(WriteProblem::InvalidImport("is empty").into());
    }
    if !chunk.is_empty() {
        let deadline = Instant::now() + patience;
        catalog
            .receive_import_chunk(deadline, id, position, chunk)
            .await?;
    }
    let trace = trace(request);
    let deadline = Instant::now() + patience;
    catalog.begin_received_import(deadline, id, trace).await?;
    Ok(id)
}

async fn status(
    request: HttpRequest,
    catalog: web::Data<Catalog>,
) -> Result<HttpResponse, ApiError> {
    let run = find(&request, &catalog).await?;
    let is_over = matches!(run.status, ImportStatus::Done | ImportStatus::Failed);
    let mut response = HttpResponse::Ok().json(Told::from(run));
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if !is_over {
        headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
    }
    Ok(response)
}

async fn report(
    request: HttpRequest,
    catalog: web::Data<Catalog>,
) -> Result<HttpResponse, ApiError> {
    let run = find(&request, &catalog).await?;
    let text = catalog.import_report(run.id).await?.unwrap_or_default();
    let mut response = HttpResponse::Ok().body(text);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON_LINES));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn find(request: &HttpRequest, catalog: &Catalog) -> Result<ImportRun, ApiError> {
    refuse_other_methods(request)?;
    authorize(request, Scope::CatalogWrite).await?;
    Query::of(request, &[])?;
    let named = request.match_info().query("id");
    let found = match parse_id(named) {
        Ok(id) => catalog.import_run(id).await?,
        Err(_) => None,
    };
    found.ok_or_else(|| ApiError::NoImport(named.to_owned()))
}
