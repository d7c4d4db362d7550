//! Whether the server is well.

use utoipa::openapi::{Paths, Ref};

use super::errors::not_ready;
use super::operation::{Body, Read, get};
use super::overview::OPERATION;

pub(super) fn paths() -> Paths {
    let alive = Read {
        id: "isAlive",
        tag: OPERATION,
        summary: "Ask whether the process lives",
        description: "For whoever restarts it when it does not answer.",
        bodies: Body::json(
            Ref::from_schema_name("Health"),
            "/healthz",
            "{\"status\":\"alive\"}",
        ),
        headers: &["Cache-Control", "X-Request-Id"],
        errors: Vec::new(),
    };
    let ready = Read {
        id: "isReady",
        tag: OPERATION,
        summary: "Ask whether it may be sent traffic",
        description: "For load balancers: 503 while the cache is warming or the catalogue gives no answer, and before a stop.",
        bodies: Body::json(
            Ref::from_schema_name("Health"),
            "/readyz",
            "{\"status\":\"ready\"}",
        ),
        headers: &["Cache-Control", "X-Request-Id"],
        errors: vec![not_ready()],
    };
    let mut paths = get("/healthz", alive.operation());
    paths.merge(get("/readyz", ready.operation()));
    paths
}
