//! What the program does without for now, as a client is told of it.

use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use super::problem::ApiError;
use super::route_class;
use crate::flags::{Deviations, Feature};
use crate::limits::RouteClass;

/// Names what an answer has to do without.
pub(super) const DOORBUSTER_DEGRADED: HeaderName = HeaderName::from_static("doorbuster-degraded");

/// Why no route is asked at all. Kept away from those whom nothing is refused.
#[cold]
pub(super) fn refusal(features: Deviations, method: &Method, path: &str) -> Option<ApiError> {
    let class = route_class::of(method, path)?;
    let switched_off = if class == RouteClass::Write {
        Feature::Writes
    } else if !class.is_essential() && features.is_on(Feature::CheckoutFirst) {
        return Some(ApiError::FeatureOff(Feature::CheckoutFirst));
    } else if class == RouteClass::Search {
        Feature::Search
    } else {
        return None;
    };
    (!features.is_on(switched_off)).then_some(ApiError::FeatureOff(switched_off))
}

/// Names what an answer has to do without, if anything.
pub(super) fn tell<'f>(headers: &mut HeaderMap, without: impl IntoIterator<Item = &'f Feature>) {
    let names: Vec<_> = without.into_iter().map(|it| it.name()).collect();
    if names.is_empty() {
        return;
    }
    if let Ok(value) = HeaderValue::from_str(&names.join(", ")) {
        headers.insert(DOORBUSTER_DEGRADED, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(off: &[Feature], method: &str, path: &str) -> Option<Feature> {
        let deviations = off.iter().copied().collect();
        match refusal(deviations, &method.parse().unwrap(), path)? {
            ApiError::FeatureOff(feature) => Some(feature),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_switch_refuses_its_own_requests_and_no_others() {
        use Feature::{CheckoutFirst, Search, Writes};

        for (off, method, path, expected) in [
            (Writes, "PATCH", "/products/456", Some(Writes)),
            (Writes, "POST", "/products:bulk", Some(Writes)),
            (Writes, "GET", "/products/456", None),
            (Writes, "POST", "/ofrep/v1/evaluate/flags", None),
            (Search, "GET", "/search", Some(Search)),
            (Search, "GET", "/products", None),
            (CheckoutFirst, "GET", "/products/456", None),
            (CheckoutFirst, "GET", "/products/456/availability", None),
            (CheckoutFirst, "POST", "/products", None),
            (
                CheckoutFirst,
                "POST",
                "/ofrep/v1/evaluate/flags/banner",
                None,
            ),
            (CheckoutFirst, "GET", "/products", Some(CheckoutFirst)),
            (CheckoutFirst, "GET", "/search", Some(CheckoutFirst)),
            (
                CheckoutFirst,
                "GET",
                "/products/456/reviews",
                Some(CheckoutFirst),
            ),
            (CheckoutFirst, "GET", "/readyz", None),
            (CheckoutFirst, "OPTIONS", "/search", None),
            (Feature::Reviews, "GET", "/products/456/reviews", None),
        ] {
            assert_eq!(
                refused(&[off], method, path),
                expected,
                "{off:?} {method} {path}"
            );
        }
        assert_eq!(
            refused(&[CheckoutFirst, Writes], "PUT", "/products/1"),
            Some(Writes)
        );
    }
}
