//! `POST /products/{id}/back-in-stock`, and the pages that links in mails lead to: `/back-in-stock/{token}`.

use std::time::Instant;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::ApiError;
use super::products::{parse_id, refuse_all_but_post};
use super::query::Query;
use super::submissions::{no_product, trace};
use super::writes::{MediaType, WriteProblem, body, limits};
use crate::products::back_in_stock::{Purpose, SignedUp, address_of};
use crate::products::catalog::Catalog;

/// Longest body, in bytes.
const MAX_BODY: usize = 4 << 10;
/// A page of text with a button, which sends to where the page is from.
const POLICY: &str =
    "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/products/{id}/back-in-stock").to(sign_up))
        .service(web::resource("/back-in-stock/{token}").to(link));
}

/// What is told of a sign-up: the same, whoever signs up, and how often.
#[derive(Serialize, ToSchema)]
#[schema(as = SignUp)]
pub(super) struct Told {
    /// Of what.
    #[schema(minimum = 1)]
    product_id: i64,
    /// `unconfirmed`: a mail asks whether it was them, unless that was said before.
    status: &'static str,
}

/// Takes an address. It is answered once that is kept, with the job that asks whether it was them.
async fn sign_up(
    request: HttpRequest,
    payload: web::Payload,
    catalog: web::Data<Catalog>,
) -> Result<HttpResponse, ApiError> {
    refuse_all_but_post(&request)?;
    let product_id = parse_id(request.match_info().query("id"))?;
    Query::of(&request, &[])?;
    MediaType::Json.check(request.headers())?;
    let body = body::read(request.headers(), payload, MAX_BODY).await?;
    let email = address_of(body::parse(&body)?).map_err(WriteProblem::InvalidSignUp)?;
    let deadline = Instant::now() + limits(&request)?.patience;
    let trace = trace(&request);
    let signed_up = catalog.sign_up(deadline, product_id, email, trace).await?;
    if signed_up == SignedUp::NoProduct {
        return Err(no_product(product_id));
    }
    let mut response = HttpResponse::build(StatusCode::ACCEPTED).json(Told {
        product_id,
        status: "unconfirmed",
    });
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    Ok(response)
}

/// `GET` asks, since programs follow the links of mails before people do; `POST` does it (RFC 8058).
async fn link(request: HttpRequest, catalog: web::Data<Catalog>) -> Result<HttpResponse, ApiError> {
    let is_post = request.method() == Method::POST;
    if !is_post && !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(ApiError::MethodNotAllowed {
            method: request.method().clone(),
            allow: "GET, HEAD, POST",
        });
    }
    Query::of(&request, &[])?;
    let token = request.match_info().query("token");
    let purpose = if is_post {
        let deadline = Instant::now() + limits(&request)?.patience;
        catalog.follow_link(deadline, token).await?
    } else {
        catalog.purpose_of(token).await?
    };
    let purpose = purpose.ok_or(ApiError::NoLink)?;
    let (title, text, button) = match (purpose, is_post) {
        (Purpose::Confirm, false) => (
            "Shall we write to you?",
            "We write once, when the product is there again.",
            Some("Yes, write to me"),
        ),
        (Purpose::Confirm, true) => (
            "Thank you",
            "We write once, when the product is there again.",
            None,
        ),
        (Purpose::Unsubscribe, false) => (
            "No mail any more?",
            "We forget your address, and do not write about this product.",
            Some("No mail, please"),
        ),
        (Purpose::Unsubscribe, true) => (
            "Done",
            "Your address is forgotten. You get no mail about this product.",
            None,
        ),
    };
    let mut response = HttpResponse::Ok().body(page(title, text, button));
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        // The address of the page is a secret between the mail and us.
        (REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// Nothing of it is of a customer or a product.
fn page(title: &str, text: &str, button: Option<&str>) -> String {
    let form = button.map_or_else(String::new, |button| {
        format!("<form method=\"post\"><button>{button}</button></form>\n")
    });
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n\
         <title>{title}</title>\n<h1>{title}</h1>\n<p>{text}</p>\n{form}</html>\n"
    )
}
