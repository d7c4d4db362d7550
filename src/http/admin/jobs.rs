//! `GET /admin/jobs`, `/admin/jobs/stats` and `/admin/jobs/{id}`, `POST /admin/jobs/retry`, `cancel`, `purge`, `pause` and
//! `resume`.

use std::sync::{Arc, OnceLock};

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::guard::{changer, note};
use super::json;
use crate::http::problem::ApiError;
use crate::http::products::{refuse_all_but_post, refuse_other_methods};
use crate::http::query::{Query, invalid};
use crate::http::writes::{MediaType, body};
use crate::jobs::{Counters, JobId, JobStoreError, Queue, Selection, State, report};

/// Longest body: its numbers of jobs take some 200 KiB.
const MAX_BODY: usize = 1 << 20;
const DEFAULT_LIMIT: usize = 50;

/// The queue, and what this process did.
#[derive(Clone)]
pub struct JobsView {
    /// Where jobs are.
    pub queue: Queue,
    /// Set once this process does jobs.
    pub counters: Arc<OnceLock<Counters>>,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/admin/jobs").to(list))
        .service(web::resource("/admin/jobs/stats").to(stats))
        .service(web::resource("/admin/jobs/{what:retry|cancel|purge|pause|resume}").to(change))
        .service(web::resource("/admin/jobs/{id}").to(show));
}

impl From<JobStoreError> for ApiError {
    fn from(error: JobStoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

async fn stats(request: HttpRequest, jobs: web::Data<JobsView>) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    Query::of(&request, &[])?;
    let kinds = report(&**jobs.queue.store()).await?;
    Ok(json(
        json!({ "kinds": kinds, "this_process": jobs.counters.get().map(Counters::read) }),
    ))
}

async fn list(request: HttpRequest, jobs: web::Data<JobsView>) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    let query = Query::of(&request, &["kind", "state", "limit"])?;
    let selection = Selection {
        ids: None,
        kind: query.one("kind")?.map(str::to_owned),
        state: query.one("state")?.map(state).transpose()?,
    };
    let limit = match query.one("limit")? {
        None => DEFAULT_LIMIT,
        Some(_) => query.limit()?,
    };
    let listed = jobs.queue.store().list(selection, limit).await?;
    Ok(json(json!({ "jobs": listed })))
}

fn state(text: &str) -> Result<State, ApiError> {
    State::parse(text).ok_or_else(|| {
        let known = State::ALL.map(State::as_str).join(", ");
        invalid("state", format!("is none of {known}"))
    })
}

async fn show(
    request: HttpRequest,
    jobs: web::Data<JobsView>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    Query::of(&request, &[])?;
    let found = match id.parse::<JobId>() {
        Ok(id) => jobs.queue.store().find(id).await?,
        Err(_) => None,
    };
    match found {
        Some(job) => Ok(json(job)),
        None => Err(ApiError::NoJob(id.into_inner())),
    }
}

/// Which jobs, or which kind.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    ids: Option<Vec<JobId>>,
    kind: Option<String>,
    state: Option<String>,
    /// All jobs.
    #[serde(default)]
    all: bool,
    /// Why, for those who are told later.
    #[serde(default)]
    reason: String,
}

async fn change(
    request: HttpRequest,
    payload: web::Payload,
    jobs: web::Data<JobsView>,
    what: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    refuse_all_but_post(&request)?;
    let who = changer(&request).await?;
    // A form of a page cannot say that it is JSON.
    MediaType::Json.check(request.headers())?;
    let body = body::read(request.headers(), payload, MAX_BODY).await?;
    let asked: Asked = serde_json::from_slice(&body)
        .map_err(|error| ApiError::InvalidSelection(error.to_string()))?;
    let store = jobs.queue.store();
    if let "pause" | "resume" = what.as_str() {
        let Some(kind) = asked.kind else {
            return Err(ApiError::InvalidSelection("kind: name one".to_owned()));
        };
        let is_paused = what.as_str() == "pause";
        store.pause(kind.clone(), is_paused).await?;
        jobs.queue.wake().enqueued(&kind);
        let done = if is_paused { "paused" } else { "resumed" };
        note(
            &request,
            &who,
            format!("{done} jobs of {kind}"),
            &asked.reason,
        );
        return Ok(json(json!({ "kind": kind, "is_paused": is_paused })));
    }
    let meant = meant(&asked);
    let selection = Selection {
        ids: asked.ids,
        kind: asked.kind,
        state: asked.state.as_deref().map(state).transpose()?,
    };
    if (selection == Selection::default()) != asked.all {
        let either = "name ids, a kind or a state, or say all";
        return Err(ApiError::InvalidSelection(either.to_owned()));
    }
    let changed = match what.as_str() {
        "retry" => store.retry(selection).await?,
        "cancel" => store.cancel(selection).await?,
        _ => store.purge(selection).await?,
    };
    note(
        &request,
        &who,
        format!("jobs, {what}: {meant}, {changed} of them"),
        &asked.reason,
    );
    Ok(json(json!({ "jobs": changed })))
}

/// In words.
fn meant(asked: &Asked) -> String {
    let ids = asked
        .ids
        .as_ref()
        .map(|ids| format!("{} by number", ids.len()));
    let words = [asked.state.clone(), asked.kind.clone(), ids];
    let words: Vec<_> = words.into_iter().flatten().collect();
    if words.is_empty() {
        "all".to_owned()
    } else {
        words.join(" ")
    }
}
