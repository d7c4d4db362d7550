//! The description of the API in OpenAPI 3.1. One file a group of routes; words, limits, parameters and errors
//! come from where the program has them, examples from the demo shop.
//!
//! Every `GET` answers `HEAD` too, which the overview says once.

mod availability;
mod back_in_stock;
mod documentation;
mod errors;
mod flags;
mod headers;
mod health;
mod imports;
mod lists;
mod operation;
mod overview;
mod parameters;
mod products;
mod recommendations;
mod reviews;
mod schemas;
mod search;
mod security;
mod stock;
mod streams;
#[cfg(test)]
mod tests;
mod writes;

use utoipa::openapi::{ComponentsBuilder, OpenApi, OpenApiBuilder, Paths};

pub(super) use schemas::ProblemCode;

/// The description, with a line break at its end.
pub fn json() -> String {
    // It has no map keys but strings: this cannot fail.
    let mut json = serde_json::to_string_pretty(&document()).unwrap_or_default();
    json.push('\n');
    json
}

fn document() -> OpenApi {
    let components = ComponentsBuilder::new();
    let components = schemas::add_to(components);
    let components = parameters::add_to(components);
    let components = products::add_to(components);
    let components = headers::add_to(components);
    let components = security::add_to(components);
    let components = errors::add_to(components);
    OpenApiBuilder::new()
        .info(overview::info())
        .servers(Some(overview::servers()))
        .tags(Some(overview::tags()))
        .paths(paths())
        .components(Some(components.build()))
        .build()
}

fn paths() -> Paths {
    let groups = [
        products::paths(),
        lists::paths(),
        search::paths(),
        recommendations::paths(),
        reviews::paths(),
        availability::paths(),
        back_in_stock::paths(),
        stock::paths(),
        streams::paths(),
        imports::paths(),
        flags::paths(),
        health::paths(),
        documentation::paths(),
    ];
    let mut paths = Paths::new();
    for group in groups {
        paths.merge(group);
    }
    writes::add_to(&mut paths);
    paths
}
