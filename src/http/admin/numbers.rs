//! `GET /metrics`, for Prometheus, and `GET /admin/slo`.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use super::json;
use crate::console::{Vitals, exposition};
use crate::http::problem::ApiError;
use crate::http::products::refuse_other_methods;
use crate::http::query::Query;
use crate::telemetry::metrics::CONTENT_TYPE;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/metrics").to(metrics))
        .service(web::resource("/admin/slo").to(slo));
}

async fn metrics(
    request: HttpRequest,
    vitals: web::Data<Vitals>,
) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    let text = exposition(&vitals.read(), vitals.started());
    let mut response = HttpResponse::Ok().content_type(CONTENT_TYPE).body(text);
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    Ok(response)
}

async fn slo(request: HttpRequest, vitals: web::Data<Vitals>) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    Query::of(&request, &[])?;
    vitals.observe();
    Ok(json(&*vitals.slo().status()))
}
