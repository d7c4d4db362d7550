//! What the listener for operators answers beyond health: it may be asked without a token, since it is on the
//! loopback or a network of its own.

mod cache;
mod console;
mod drain;
mod flags;
mod guard;
mod jobs;
mod limits;
mod numbers;
mod overload;
mod reviews;
mod session;
mod warm_up;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::ServiceConfig;
use serde::Serialize;

use crate::console::Vitals;
use crate::telemetry::Requests;
use crate::telemetry::traces::Tracer;
pub use jobs::JobsView;

/// What operators are shown.
#[derive(Clone)]
pub struct Views {
    /// The queue.
    pub jobs: JobsView,
    /// Counts what customers ask for.
    pub requests: Requests,
    /// Traces what customers ask for, where anything is traced.
    pub tracer: Option<Tracer>,
    /// The node as a whole.
    pub vitals: Vitals,
}

pub(super) fn routes(config: &mut ServiceConfig) {
    // Before what takes any word for an id.
    warm_up::routes(config);
    cache::routes(config);
    limits::routes(config);
    overload::routes(config);
    flags::routes(config);
    jobs::routes(config);
    reviews::routes(config);
    numbers::routes(config);
    drain::routes(config);
    console::routes(config);
}

/// An answer that nobody keeps.
fn json(body: impl Serialize) -> HttpResponse {
    let mut response = HttpResponse::Ok().json(body);
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
