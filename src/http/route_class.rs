//! Which class a request belongs to, by its method and path alone: known before any route is asked.

use actix_web::http::Method;

use super::measure::route;
use crate::limits::RouteClass;
use crate::telemetry::Route;

/// Flags, which tell a storefront what there is to be shown, count as products. `None` for what is never limited: health,
/// and preflights.
pub(super) fn of(method: &Method, path: &str) -> Option<RouteClass> {
    if method == Method::OPTIONS {
        return None;
    }
    Some(match route(method, path) {
        Route::Health => return None,
        Route::Product | Route::ProductByName | Route::Stock | Route::Flags => RouteClass::Product,
        Route::List | Route::Export | Route::Categories => RouteClass::List,
        Route::Search => RouteClass::Search,
        Route::Write => RouteClass::Write,
        Route::Reviews | Route::Recommendations | Route::Other => RouteClass::Extra,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_route_has_its_class() {
        use RouteClass::{Extra, List, Product, Search, Write};

        let class = |method: &str, path| of(&method.parse().unwrap(), path);
        for (expected, path) in [
            (Some(Product), "/products/456"),
            (Some(Product), "/products/by-handle/reviews"),
            (Some(Product), "/products/by-sku/a"),
            (Some(Product), "/products/456/availability"),
            (Some(Extra), "/products/456/reviews"),
            (Some(Extra), "/products/456/recommendations"),
            (Some(List), "/products"),
            (Some(List), "/products:export"),
            (Some(List), "/categories"),
            (Some(Search), "/search"),
            (Some(Extra), "/docs"),
            (Some(Extra), "/nowhere"),
            (None, "/healthz"),
            (None, "/readyz"),
        ] {
            assert_eq!(class("GET", path), expected, "{path}");
            assert_eq!(class("HEAD", path), expected, "{path}");
        }
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            assert_eq!(class(method, "/products/456"), Some(Write));
        }
        assert_eq!(class("POST", "/ofrep/v1/evaluate/flags"), Some(Product));
        assert_eq!(class("OPTIONS", "/products/456"), None);
    }
}
