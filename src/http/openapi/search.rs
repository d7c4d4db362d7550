//! Products by words, and the tree of categories.

use utoipa::openapi::path::Parameter;
use utoipa::openapi::{Paths, Ref};

use super::errors::{feature_off, invalid_query, unavailable};
use super::lists;
use super::operation::{Body, Read, get};
use super::overview::SEARCH;
use super::parameters::{query, string};
use crate::flags::Feature;
use crate::http::problem::ApiError;
use crate::http::search::PARAMETERS;
use crate::products::search::{MAX_CHARACTERS, SearchSort};

pub(super) fn paths() -> Paths {
    let search = Read {
        id: "searchProducts",
        tag: SEARCH,
        summary: "Search products",
        description: "Products that have the words, forgiving typing errors and unfinished last words, with \
                      counts of what a filter more would leave. Without words, everything that the filters \
                      leave.",
        bodies: Body::json(
            Ref::from_schema_name("SearchPage"),
            "/search?q=hemp+tee&vendor=Sundwalla&limit=1",
            include_str!("examples/search.json"),
        ),
        headers: &[
            "Link",
            "Doorbuster-Degraded",
            "ETag",
            "Cache-Control",
            "X-Request-Id",
        ],
        errors: vec![
            invalid_query(),
            ApiError::SearchBusy,
            feature_off(Feature::Search),
            unavailable(),
        ],
    };
    let categories = Read {
        id: "listCategories",
        tag: SEARCH,
        summary: "List the categories",
        description: "The tree of them, with the number of public products in each; at most two seconds old.",
        bodies: Body::json(
            Ref::from_schema_name("Categories"),
            "/categories",
            include_str!("examples/categories.json"),
        ),
        headers: &["ETag", "Cache-Control", "X-Request-Id"],
        errors: vec![
            invalid_query(),
            feature_off(Feature::CheckoutFirst),
            unavailable(),
        ],
    };
    let mut operation = search.operation();
    for parameter in PARAMETERS.into_iter().filter_map(parameter) {
        operation = operation.parameter(parameter);
    }
    let mut paths = get("/search", operation);
    paths.merge(get("/categories", categories.operation()));
    paths
}

/// The filters of the lists, and some more.
fn parameter(name: &str) -> Option<Parameter> {
    let parameter = match name {
        "q" => query(
            name,
            "The words, a dozen at most.",
            string().max_length(Some(MAX_CHARACTERS)),
        ),
        "rating_min" => query(
            name,
            "The average rating is at least this, to one decimal: `4` or `4.5`.",
            string().pattern(Some(r"^([0-4](\.[0-9])?|5(\.0)?)$")),
        ),
        "sort" => query(
            name,
            format!(
                "The order; `{}` where nothing is said. `rating`: best average first. `popular`: most ratings and \
                 views first, as in lists, some seconds behind them.",
                SearchSort::default().word()
            ),
            string().enum_values(Some(SearchSort::ALL.map(SearchSort::word))),
        ),
        _ => return lists::parameter(name),
    };
    Some(parameter.build())
}
