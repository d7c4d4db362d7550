//! `/admin/limits`: the rate limits in force. `GET` shows them with their counts, `PUT` puts others into force on this
//! node until it ends, `DELETE` those of the configuration again.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::Value;

use super::guard::{changing_operator, note};
use super::json;
use crate::http::problem::ApiError;
use crate::http::query::Query;
use crate::http::writes::{MediaType, body};
use crate::limits::{RateLimits, read_policies};

/// Longest body: all policies that there may be take some 20 KiB.
const MAX_BODY: usize = 256 << 10;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/admin/limits").to(limits));
}

/// What is to come into force.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    policies: Value,
}

async fn limits(
    request: HttpRequest,
    payload: web::Payload,
    limits: web::Data<RateLimits>,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &[])?;
    match *request.method() {
        Method::GET | Method::HEAD => {}
        Method::PUT => {
            let who = changing_operator(&request).await?;
            // A form of a page cannot say that it is JSON.
            MediaType::Json.check(request.headers())?;
            let body = body::read(request.headers(), payload, MAX_BODY).await?;
            replace(&limits, &body, &who).map_err(ApiError::InvalidLimits)?;
            note(&request, &who, "put other rate limits in force", "");
        }
        Method::DELETE => {
            let who = changing_operator(&request).await?;
            limits.reset();
            note(
                &request,
                &who,
                "put the rate limits of the configuration in force",
                "",
            );
        }
        ref method => {
            return Err(ApiError::MethodNotAllowed {
                method: method.clone(),
                allow: "GET, HEAD, PUT, DELETE",
            });
        }
    }
    Ok(json(limits.status()))
}

fn replace(limits: &RateLimits, body: &[u8], who: &str) -> Result<(), String> {
    let asked: Asked = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let policies = read_policies(&asked.policies).map_err(|errors| errors.to_string())?;
    let lines: Vec<_> = policies.iter().map(ToString::to_string).collect();
    limits
        .replace(policies)
        .map_err(|error| error.to_string())?;
    tracing::info!(
        who,
        policies = lines.join("; "),
        "other rate limits are in force"
    );
    Ok(())
}
