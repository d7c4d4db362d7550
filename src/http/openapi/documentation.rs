//! This description itself.

use utoipa::openapi::Paths;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::errors::{not_acceptable, unavailable};
use super::operation::{Body, Read, get};
use super::overview::OPERATION;

pub(super) fn paths() -> Paths {
    let json = Read {
        id: "getDescription",
        tag: OPERATION,
        summary: "Get this description",
        description: "OpenAPI 3.1, for programs and generators of clients.",
        bodies: body("application/json", Type::Object),
        headers: &[
            "ETag",
            "Cache-Control",
            "Content-Encoding",
            "Vary",
            "X-Request-Id",
        ],
        errors: vec![not_acceptable(), unavailable()],
    };
    let page = Read {
        id: "getDocumentation",
        tag: OPERATION,
        summary: "Read this description",
        description: "A page for people. It loads nothing from elsewhere.",
        bodies: body("text/html", Type::String),
        headers: &[
            "ETag",
            "Cache-Control",
            "Content-Encoding",
            "Content-Security-Policy",
            "Referrer-Policy",
            "Vary",
            "X-Content-Type-Options",
            "X-Request-Id",
        ],
        errors: vec![not_acceptable(), unavailable()],
    };
    let mut paths = get("/openapi.json", json.operation());
    paths.merge(get("/docs", page.operation()));
    paths
}

fn body(media_type: &'static str, kind: Type) -> Vec<Body> {
    vec![Body {
        media_type,
        schema: ObjectBuilder::new().schema_type(kind).into(),
        examples: Vec::new(),
    }]
}
