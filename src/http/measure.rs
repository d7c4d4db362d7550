//! Counts every request of the public listener, and times its answer until the head is ready. What that costs a hit are
//! two looks at the clock and three additions to lines of its own thread.

use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::dev::ServiceRequest;
use actix_web::http::{Method, StatusCode};

use crate::telemetry::{Code, Requests, Route};

/// A request that is being answered. One that is dropped before it ended was left by its client.
pub(super) struct Measure {
    requests: Rc<Requests>,
    route: Route,
    started: Instant,
    has_ended: bool,
}

impl Measure {
    pub(super) fn begin(
        requests: &Rc<Requests>,
        request: &ServiceRequest,
        started: Instant,
    ) -> Self {
        Self {
            requests: Rc::clone(requests),
            route: route(request.method(), request.path()),
            started,
            has_ended: false,
        }
    }

    /// Where it goes.
    pub(super) fn route(&self) -> Route {
        self.route
    }

    /// The head of its answer is ready. How long that took.
    pub(super) fn end(mut self, status: StatusCode) -> Duration {
        self.has_ended = true;
        let took = self.started.elapsed();
        let code = Code::of(status.as_u16());
        self.requests.count(self.route, code, took);
        took
    }
}

impl Drop for Measure {
    fn drop(&mut self) {
        if !self.has_ended {
            let took = self.started.elapsed();
            self.requests.count(self.route, Code::Cancelled, took);
        }
    }
}

/// Where a request goes, by its method and path alone. What is asked most is found first.
pub(super) fn route(method: &Method, path: &str) -> Route {
    let is_read = matches!(*method, Method::GET | Method::HEAD);
    if is_read && let Some(below) = path.strip_prefix("/products/") {
        return below_products(below);
    }
    match path {
        "/healthz" | "/readyz" => Route::Health,
        _ if path.starts_with("/ofrep/") => Route::Flags,
        _ if *method == Method::OPTIONS => Route::Other,
        _ if !is_read => Route::Write,
        "/products" => Route::List,
        "/products:export" => Route::Export,
        "/search" => Route::Search,
        "/categories" => Route::Categories,
        _ => Route::Other,
    }
}

fn below_products(below: &str) -> Route {
    match below.split_once('/') {
        None => Route::Product,
        Some(("by-handle" | "by-sku", _)) => Route::ProductByName,
        Some((_, "availability")) => Route::Stock,
        Some((_, "reviews")) => Route::Reviews,
        Some((_, "recommendations")) => Route::Recommendations,
        Some(_) => Route::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_has_its_route() {
        for (expected, path) in [
            (Route::Product, "/products/456"),
            (Route::ProductByName, "/products/by-handle/reviews"),
            (Route::ProductByName, "/products/by-sku/a"),
            (Route::Stock, "/products/456/availability"),
            (Route::Reviews, "/products/456/reviews"),
            (Route::Recommendations, "/products/456/recommendations"),
            (Route::List, "/products"),
            (Route::Export, "/products:export"),
            (Route::Search, "/search"),
            (Route::Categories, "/categories"),
            (Route::Flags, "/ofrep/v1/configuration"),
            (Route::Health, "/readyz"),
            (Route::Other, "/docs"),
            (Route::Other, "/products/456/anything"),
            (Route::Other, "/"),
        ] {
            assert_eq!(route(&Method::GET, path), expected, "{path}");
            assert_eq!(route(&Method::HEAD, path), expected, "{path}");
        }
        assert_eq!(route(&Method::PUT, "/products/456"), Route::Write);
        assert_eq!(route(&Method::POST, "/products:batch"), Route::Write);
        assert_eq!(
            route(&Method::POST, "/ofrep/v1/evaluate/flags"),
            Route::Flags
        );
        assert_eq!(route(&Method::OPTIONS, "/products/456"), Route::Other);
    }
}
