//! The description against the source: what the program has is in it, and nothing else.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{errors, json};
use crate::http::lists::filters;
use crate::http::products::detail_query;
use crate::http::{export, recommendations, reviews, search};

const METHODS: [&str; 8] = [
    "get", "head", "post", "put", "patch", "delete", "options", "trace",
];

fn document() -> Value {
    serde_json::from_str(&json()).unwrap()
}

/// Path, method, operation.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, item)| {
        let item = item.as_object().unwrap().iter();
        item.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    });
    let operations: Vec<_> = operations.collect();
    for (path, method, _) in &operations {
        assert!(METHODS.contains(method), "{method} of {path}");
    }
    operations
}

/// Every member of every object within, with its name.
fn visit<'v>(value: &'v Value, found: &mut impl FnMut(&'v str, &'v Value)) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                found(name, value);
                visit(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| visit(item, found)),
        _ => {}
    }
}

/// The text of each file of `http`, without tests.
fn sources() -> Vec<String> {
    fn collect(folder: &Path, texts: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, texts);
            } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs")
            {
                texts.push(fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut texts = Vec::new();
    collect(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http"),
        &mut texts,
    );
    texts
}

#[test]
fn the_committed_copy_is_current() {
    let committed = include_str!("../../../openapi.json");
    assert!(
        committed == json(),
        "openapi.json is not what the code says; write it anew: cargo run -- openapi > openapi.json"
    );
}

#[test]
fn every_route_is_described() {
    /// What pages consist of is nobody else's to ask for.
    const UNDESCRIBED: [&str; 2] = ["/docs/{file}", "/demo/images/{name}"];
    let document = document();
    let described: BTreeSet<_> = operations(&document)
        .into_iter()
        .map(|(path, ..)| path.to_owned())
        .collect();
    let mut routes = BTreeSet::new();
    for source in sources() {
        for after in source.split("web::resource(").skip(1) {
            // Else it is one of the files of the demo shop's page.
            let Some(after) = after
                .strip_prefix('"')
                .or(after.trim_start().strip_prefix('"'))
            else {
                continue;
            };
            let path = after.split('"').next().unwrap();
            // A part of a path may say what it matches: `{id:[0-9]+}`.
            let parts = path.split('/').map(|part| match part.split_once(':') {
                Some((name, _)) if name.starts_with('{') => format!("{name}}}"),
                _ => part.to_owned(),
            });
            routes.insert(parts.collect::<Vec<_>>().join("/"));
        }
    }
    assert!(routes.len() > 5, "{routes:?}");
    // Operators have a listener of their own.
    let is_operators = |path: &str| {
        let is_below = |place: &&str| path.starts_with(*place);
        path == "/" || ["/admin/", "/console/", "/metrics"].iter().any(is_below)
    };
    routes.retain(|path| !is_operators(path) && !UNDESCRIBED.contains(&path.as_str()));
    assert_eq!(routes, described);
}

#[test]
fn every_problem_is_described_and_every_described_problem_is_there() {
    let mut in_source = BTreeSet::new();
    for source in sources() {
        let lines: Vec<_> = source.lines().map(str::trim).collect();
        // After the status, or first in a row whose status many share.
        let in_rows = lines.windows(2).filter_map(|pair| {
            let is_status = pair[0].starts_with("StatusCode::") && pair[0].ends_with(',');
            let is_row = is_status || pair[0].ends_with("=> (");
            pair[1]
                .strip_suffix("\",")
                .filter(|_| is_row)?
                .strip_prefix('"')
        });
        let in_lines = lines.iter().filter_map(|line| {
            let (_, row) = line
                .split_once("=> (\"")
                .or_else(|| line.split_once("return invalid(\""))?;
            row.split('"').next()
        });
        let is_code = |text: &&str| {
            text.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        };
        in_source.extend(in_rows.chain(in_lines).filter(is_code).map(str::to_owned));
    }
    // Operators' own.
    in_source.retain(|code| {
        ![
            "invalid-purge",
            "invalid-warm-up",
            "invalid-limits",
            "page-refused",
            "invalid-flag",
            "flag-not-found",
            "budget-gone",
            "invalid-order",
            "job-not-found",
            "invalid-selection",
            "invalid-decision",
        ]
        .contains(&code.as_str())
    });
    in_source.extend(crate::http::problem::FOREIGN_CODES.map(str::to_owned));
    let described: BTreeSet<_> = errors::codes().into_iter().collect();
    assert_eq!(in_source, described);

    let document = document();
    let mut shown = HashSet::new();
    for (_, _, operation) in operations(&document) {
        for response in operation["responses"].as_object().unwrap().values() {
            visit(response, &mut |name, value| {
                if name == "code" {
                    let codes = value["enum"].as_array().into_iter().flatten();
                    shown.extend(codes.filter_map(Value::as_str));
                }
            });
        }
    }
    // Of no operation: no path, no such method, a request that is none, a bug.
    let of_none = [
        "route-not-found",
        "method-not-allowed",
        "bad-request",
        "internal-error",
    ];
    for code in &described {
        let is_shown = shown.contains(code.as_str());
        assert_eq!(is_shown, !of_none.contains(&code.as_str()), "{code}");
    }
}

/// What an operation takes: the parameters, those that are referred to included.
fn parameters<'d>(document: &'d Value, operation: &'d Value) -> Vec<&'d Value> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let resolved = parameters.map(|parameter| match parameter["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).unwrap(),
        None => parameter,
    });
    resolved.collect()
}

#[test]
fn every_parameter_of_a_query_is_described() {
    let document = document();
    for (path, known) in [
        ("/products", &filters::PARAMETERS[..]),
        ("/products/{id}", &detail_query::PARAMETERS),
        ("/products/{id}/reviews", &reviews::PARAMETERS),
        (
            "/products/{id}/recommendations",
            &recommendations::PARAMETERS,
        ),
        ("/products/{id}/availability", &[]),
        ("/products:export", &export::PARAMETERS),
        ("/search", &search::PARAMETERS),
        ("/categories", &[]),
    ] {
        let parameters = parameters(&document, &document["paths"][path]["get"]);
        let in_query = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "query");
        let names: Vec<_> = in_query
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, known, "{path}");
    }
}

#[test]
fn operations_are_complete() {
    let document = document();
    let tags: Vec<_> = document["tags"].as_array().unwrap().iter().collect();
    let mut ids = HashSet::new();
    for (path, method, operation) in operations(&document) {
        let context = format!("{method} {path}");
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id), "{context}: {id} twice");
        for text in ["summary", "description"] {
            let text = operation[text].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{context}");
        }
        for tag in operation["tags"].as_array().unwrap() {
            assert!(
                tags.iter().any(|known| known["name"] == *tag),
                "{context}: {tag}"
            );
        }
        let parameters = parameters(&document, operation);
        let in_path = parameters.into_iter().filter_map(|parameter| {
            let is_in_path = parameter["in"] == "path";
            is_in_path.then(|| format!("{{{}}}", parameter["name"].as_str().unwrap()))
        });
        let braced: Vec<_> = path
            .split('/')
            .filter(|part| part.starts_with('{'))
            .collect();
        assert_eq!(in_path.collect::<Vec<_>>(), braced, "{context}");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut references = 0;
    visit(&document, &mut |name, value| {
        if let Some(reference) = value.as_str().filter(|_| name == "$ref") {
            references += 1;
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    });
    assert!(references > 50);
}
