//! `/healthz`: the process lives. `/readyz`: it may be sent traffic.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::problem::ApiError;
use crate::flags::{Feature, Flags};
use crate::products::catalog::Catalog;
use crate::products::store::Lacks;

/// How often one who waits looks whether the cache is warm.
const WARMING_LOOK: Duration = Duration::from_millis(10);

/// Whether the process wants traffic. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Readiness {
    draining: Arc<AtomicBool>,
    closing: Arc<AtomicBool>,
    warming: Arc<AtomicBool>,
    retired: Arc<AtomicBool>,
}

impl Readiness {
    /// From now on, for good, the answer is no: the process is about to stop.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// From now on, for good, each public connection is closed with the answer to its next request.
    pub fn close_connections(&self) {
        self.closing.store(true, Ordering::Release);
    }

    pub(super) fn closes_connections(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Whether it has yet to load what is read most.
    pub fn warm(&self, is_warming: bool) {
        self.warming.store(is_warming, Ordering::Release);
    }

    /// What [`Readiness::warm`] said last.
    pub fn is_warming(&self) -> bool {
        self.warming.load(Ordering::Acquire)
    }

    /// Whether an operator wants it left alone: as [`Readiness::drain`], until it is told otherwise.
    pub fn retire(&self, is_retired: bool) {
        self.retired.store(is_retired, Ordering::Release);
    }

    /// What [`Readiness::retire`] said last.
    pub fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    /// Why it wants no traffic, be the catalogue there or not; `None` where it does.
    pub fn refusal(&self) -> Option<&'static str> {
        if self.is_draining() {
            Some("The server is about to stop.")
        } else if self.is_retired() {
            Some("An operator wants it left alone.")
        } else if self.is_warming() {
            Some("The cache is warming.")
        } else {
            None
        }
    }

    /// Ends when [`Readiness::is_warming`] is false.
    pub async fn warmed(&self) {
        while self.is_warming() {
            tokio::time::sleep(WARMING_LOOK).await;
        }
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    let refused = || web::to(refuse_other_methods);
    let healthz = web::resource("/healthz").get(healthz).head(healthz);
    let readyz = web::resource("/readyz").get(readyz).head(readyz);
    config
        .service(healthz.default_service(refused()))
        .service(readyz.default_service(refused()));
}

async fn refuse_other_methods(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    Err(ApiError::read_only(request.method()))
}

async fn healthz() -> HttpResponse {
    ok(&json!({ "status": "alive" }))
}

async fn readyz(
    readiness: web::Data<Readiness>,
    catalog: web::Data<Catalog>,
    flags: web::Data<Flags>,
) -> Result<HttpResponse, ApiError> {
    if let Some(why) = readiness.refusal() {
        return Err(ApiError::NotReady(why));
    }
    if !catalog.is_ready().await {
        return Err(ApiError::NotReady("The catalogue gives no answer."));
    }
    let mut body = json!({ "status": "ready" });
    // It answers all the same, more slowly perhaps: no reason to send the traffic elsewhere.
    if let Some(trouble) = catalog.l2_trouble() {
        body["degraded"]["redis"] = trouble.into();
    }
    let Lacks { primary, replicas } = catalog.store_lacks();
    if primary {
        body["degraded"]["primary"] = "down".into();
    }
    if replicas > 0 {
        body["degraded"]["replicas"] = replicas.into();
    }
    let off: Vec<_> = flags.features().now().iter().map(Feature::name).collect();
    if !off.is_empty() {
        body["degraded"]["features"] = off.into();
    }
    let trouble = flags.trouble().now();
    if let Some((place, _)) = trouble.first() {
        body["degraded"]["flags"] = format!("{}: not as it should be", place.name()).into();
    }
    Ok(ok(&body))
}

fn ok(body: &Value) -> HttpResponse {
    let mut response = HttpResponse::Ok().json(body);
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
