//! What the listener for operators answers beyond health: it may be asked without a token, since it is on the
//! loopback or a network of its own.

mod cache;
mod flags;
mod guard;
mod jobs;
mod limits;
mod overload;
mod reviews;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::ServiceConfig;
use serde::Serialize;

pub use jobs::JobsView;

pub(super) fn routes(config: &mut ServiceConfig) {
    cache::routes(config);
    limits::routes(config);
    overload::routes(config);
    flags::routes(config);
    jobs::routes(config);
    reviews::routes(config);
}

/// An answer that nobody keeps.
fn json(body: impl Serialize) -> HttpResponse {
    let mut response = HttpResponse::Ok().json(body);
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
