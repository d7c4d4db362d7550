//! The description of the API: for programs at `/openapi.json`, for people at `/docs`. The page is Swagger UI,
//! held by the program itself, and asks nobody else for anything.

use std::sync::LazyLock;

use actix_web::http::header::{
    CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, web};

use super::openapi;
use super::prebuilt::{Built, Prebuilt, respond};
use super::problem::ApiError;
use super::products::refuse_other_methods;

static DOCUMENT: Prebuilt = LazyLock::new(|| Built::new("application/json", openapi::json()));
static PAGE: Prebuilt = LazyLock::new(|| {
    Built::new(
        "text/html; charset=utf-8",
        include_str!("docs/page.html").as_bytes(),
    )
});
static SCRIPT: Prebuilt = LazyLock::new(|| {
    Built::new(
        "text/javascript; charset=utf-8",
        include_str!("docs/page.js").as_bytes(),
    )
});
static SWAGGER_UI: Prebuilt = LazyLock::new(|| {
    Built::new(
        "text/javascript; charset=utf-8",
        &include_bytes!("../../vendor/swagger-ui/swagger-ui-bundle.js")[..],
    )
});
static STYLE: Prebuilt = LazyLock::new(|| {
    Built::new(
        "text/css; charset=utf-8",
        &include_bytes!("../../vendor/swagger-ui/swagger-ui.css")[..],
    )
});

/// The page may load what this server has, and nothing else; Swagger UI sets styles by itself, and its
/// icons are in its style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/openapi.json").to(document))
        .service(web::resource("/docs").to(page))
        .service(web::resource("/docs/{file}").to(file));
}

async fn document(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    respond(request.headers(), &DOCUMENT).await
}

async fn page(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    let mut response = respond(request.headers(), &PAGE).await?;
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}

/// What the page consists of.
async fn file(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let file = match request.match_info().query("file") {
        "page.js" => &SCRIPT,
        "swagger-ui-bundle.js" => &SWAGGER_UI,
        "swagger-ui.css" => &STYLE,
        _ => return Err(ApiError::NoRoute(request.path().to_owned())),
    };
    refuse_other_methods(&request)?;
    let mut response = respond(request.headers(), file).await?;
    response
        .headers_mut()
        .insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}
