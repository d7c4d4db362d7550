//! Logging in to the console: `GET`, `POST` and `DELETE /console/session`.
//!
//! The cookie is no token but a session made of one, for some hours, which no script can read and no page of another site
//! has sent along.

use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{COOKIE, HeaderValue, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::guard::{is_local, named, refuse_foreign_pages};
use super::json;
use crate::http::authorization::AuthorizationError;
use crate::http::problem::ApiError;
use crate::http::writes::{MediaType, body};
use crate::tokens::{Principal, Scope, Tokens, VerifyError};

const NAME: &str = "doorbuster_console";
/// A working day.
const LIFETIME: Duration = Duration::from_hours(10);
const MAX_BODY: usize = 4 << 10;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/console/session").to(session));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    token: String,
}

async fn session(
    request: HttpRequest,
    payload: web::Payload,
    tokens: web::Data<Tokens>,
) -> Result<HttpResponse, ApiError> {
    match *request.method() {
        Method::GET | Method::HEAD => {
            let who = resume(&request).await?.as_ref().map(named);
            Ok(json(
                json!({ "who": who, "may_watch": who.is_some() || is_local(&request) }),
            ))
        }
        Method::POST => {
            refuse_foreign_pages(&request)?;
            // A form of a page cannot say that it is JSON.
            MediaType::Json.check(request.headers())?;
            let body = body::read(request.headers(), payload, MAX_BODY).await?;
            let login: Login = serde_json::from_slice(&body)
                .map_err(|_| ApiError::from(AuthorizationError::Missing))?;
            let (principal, session) = tokens.begin_session(login.token.trim(), LIFETIME).await?;
            if !principal.may(Scope::Ops) {
                return Err(AuthorizationError::Insufficient(Scope::Ops).into());
            }
            tracing::info!(target: "audit", who = named(&principal), "logged in to the console");
            let mut response = json(json!({ "who": named(&principal), "may_watch": true }));
            set_cookie(&mut response, &session, LIFETIME)?;
            Ok(response)
        }
        Method::DELETE => {
            refuse_foreign_pages(&request)?;
            let mut response = json(json!({ "who": null, "may_watch": is_local(&request) }));
            set_cookie(&mut response, "", Duration::ZERO)?;
            Ok(response)
        }
        ref method => Err(ApiError::MethodNotAllowed {
            method: method.clone(),
            allow: "GET, HEAD, POST, DELETE",
        }),
    }
}

/// Whose session the request bears: `None` where it bears none, or none that is good any more.
pub(super) async fn resume(request: &HttpRequest) -> Result<Option<Principal>, ApiError> {
    let Some(session) = cookie(request) else {
        return Ok(None);
    };
    let tokens = request.app_data::<web::Data<Tokens>>();
    let tokens = tokens.ok_or_else(|| ApiError::Unavailable("no tokens here".to_owned()))?;
    match tokens.resume_session(session).await {
        Ok(principal) => Ok(Some(principal).filter(|it| it.may(Scope::Ops))),
        Err(VerifyError::Store(error)) => Err(ApiError::Unavailable(error.to_string())),
        Err(_) => Ok(None),
    }
}

fn cookie(request: &HttpRequest) -> Option<&str> {
    let values = request.headers().get_all(COOKIE);
    let texts = values.filter_map(|value| value.to_str().ok());
    let mut pairs = texts.flat_map(|text| text.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='))
}

fn set_cookie(
    response: &mut HttpResponse,
    session: &str,
    lifetime: Duration,
) -> Result<(), ApiError> {
    let text = format!(
        "{NAME}={session}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict",
        lifetime.as_secs()
    );
    let value = HeaderValue::from_str(&text)
        .map_err(|_| ApiError::Unavailable("a session that is no header".to_owned()))?;
    response.headers_mut().insert(SET_COOKIE, value);
    Ok(())
}
