//! The demo shop as a page, under `/demo`: files of `samples/storefront` that live from the public API
//! alone, and the pictures its products name. Only there where the program runs with `--demo`.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, web};

use super::problem::ApiError;
use super::products::refuse_other_methods;
use crate::products::demo;

/// The page may load what this server has, and pictures from wherever the products of a shop have them.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; img-src 'self' https: data:; frame-ancestors 'none'",
);

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

macro_rules! file {
    ($path:literal, $name:literal, $kind:expr) => {
        File {
            path: $path,
            kind: $kind,
            text: include_str!(concat!("../../samples/storefront/", $name)),
        }
    };
}

const FILES: [File; 9] = [
    file!("/demo", "index.html", HTML),
    file!("/demo/style.css", "style.css", "text/css; charset=utf-8"),
    file!("/demo/icon.svg", "icon.svg", PICTURE),
    file!("/demo/app.js", "app.js", SCRIPT),
    file!("/demo/api.js", "api.js", SCRIPT),
    file!("/demo/catalogue.js", "catalogue.js", SCRIPT),
    file!("/demo/dom.js", "dom.js", SCRIPT),
    file!("/demo/product.js", "product.js", SCRIPT),
    file!("/demo/search.js", "search.js", SCRIPT),
];

/// One file of the page.
#[derive(Clone, Copy)]
struct File {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for file in FILES {
        let serve = move |request: HttpRequest| async move { file.respond(&request) };
        config.service(web::resource(file.path).to(serve));
    }
    config.service(web::resource("/demo/images/{name}").to(image));
}

impl File {
    fn respond(self, request: &HttpRequest) -> Result<HttpResponse, ApiError> {
        refuse_other_methods(request)?;
        // A page that changes with the program, on the machine of whoever tries it.
        let mut response = respond(self.kind, "no-cache", self.text);
        response
            .headers_mut()
            .insert(CONTENT_SECURITY_POLICY, POLICY);
        Ok(response)
    }
}

async fn image(request: HttpRequest, name: web::Path<String>) -> Result<HttpResponse, ApiError> {
    refuse_other_methods(&request)?;
    match demo::picture(&name) {
        Some(drawn) => Ok(respond(PICTURE, "public, max-age=86400", drawn)),
        None => Err(ApiError::NoRoute(request.path().to_owned())),
    }
}

fn respond(
    kind: &'static str,
    cache_control: &'static str,
    body: impl Into<String>,
) -> HttpResponse {
    let mut response = HttpResponse::Ok().body(body.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache_control));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
