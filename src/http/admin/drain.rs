//! `GET` and `PUT /admin/drain`: whether this node wants traffic.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::guard::{changer, note};
use super::json;
use crate::http::Readiness;
use crate::http::problem::ApiError;
use crate::http::query::Query;
use crate::http::writes::{MediaType, body};

const MAX_BODY: usize = 4 << 10;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/admin/drain").to(drain));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    /// Whether it is to want no traffic.
    drain: bool,
    /// Why.
    #[serde(default)]
    reason: String,
}

async fn drain(
    request: HttpRequest,
    payload: web::Payload,
    readiness: web::Data<Readiness>,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &[])?;
    match *request.method() {
        Method::GET | Method::HEAD => {}
        Method::PUT => {
            let who = changer(&request).await?;
            // A form of a page cannot say that it is JSON.
            MediaType::Json.check(request.headers())?;
            let body = body::read(request.headers(), payload, MAX_BODY).await?;
            let order: Order = serde_json::from_slice(&body)
                .map_err(|error| ApiError::InvalidOrder(error.to_string()))?;
            readiness.retire(order.drain);
            let what = if order.drain {
                "this node is to be left alone"
            } else {
                "this node wants traffic again"
            };
            note(&request, &who, what, &order.reason);
        }
        ref method => {
            return Err(ApiError::MethodNotAllowed {
                method: method.clone(),
                allow: "GET, HEAD, PUT",
            });
        }
    }
    Ok(json(json!({ "drain": readiness.is_retired() })))
}
