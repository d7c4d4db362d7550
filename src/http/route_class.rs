//! Which class a request belongs to, by its method and path alone: known before any route is asked.

use actix_web::http::Method;

use crate::limits::RouteClass;

/// Flags, which tell a storefront what there is to be shown, count as products. `None` for what is never limited: health, and preflights.
pub(super) fn of(method: &Method, path: &str) -> Option<RouteClass> {
    match path {
        "/healthz" | "/readyz" => return None,
        _ if method == Method::OPTIONS => return None,
        _ if path.starts_with("/ofrep/") => return Some(RouteClass::Product),
        _ => {}
    }
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Some(RouteClass::Write);
    }
    let class = match path.strip_prefix("/products") {
        Some("") => RouteClass::List,
        Some(below) => match below.as_bytes().first() {
            Some(b'/') => of_a_product(&below[1..]),
            // `:export` and what is no route.
            _ => RouteClass::List,
        },
        None => match path {
            "/search" => RouteClass::Search,
            "/categories" => RouteClass::List,
            _ => RouteClass::Extra,
        },
    };
    Some(class)
}

fn of_a_product(below: &str) -> RouteClass {
    let named = below.starts_with("by-handle/") || below.starts_with("by-sku/");
    match below.split_once('/') {
        Some((_, "reviews" | "recommendations")) if !named => RouteClass::Extra,
        _ => RouteClass::Product,
    }
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
