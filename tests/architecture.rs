//! Enforces by reading `src/` what no compiler does: who may know whom, and how long a file may be.
//!
//! http → products → cache, db. What lies below knows nothing of what lies above it, so that a cache or
//! a job queue can be understood, tested and replaced without a thought of products.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Parts that know nothing of the shop.
const FOUNDATIONS: [&str; 10] = [
    "cache",
    "db",
    "flags",
    "jobs",
    "limits",
    "outbound",
    "slo",
    "supervisor",
    "telemetry",
    "tokens",
];
/// Parts that may speak to the HTTP library.
const HTTP_PARTS: [&str; 3] = ["http", "app", "commands"];
/// A file longer than this has more than one job.
const MAX_LINES: usize = 600;

/// What is wrong with one file. `path` is relative to `src/`, with slashes.
fn violations(path: &str, text: &str) -> Vec<String> {
    let part = path.split(['/', '.']).next().unwrap_or_default();
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > MAX_LINES {
        found.push(format!(
            "{path}: {lines} lines, more than {MAX_LINES}; split it"
        ));
    }
    let tokens = match text.parse::<TokenStream>() {
        Ok(stream) => flatten(stream),
        Err(error) => return vec![format!("{path}: {error}")],
    };
    let mut forbid = |module: &str| {
        if mentions_module(&tokens, module) {
            found.push(format!("{path}: {part} must not know {module}"));
        }
    };
    if FOUNDATIONS.contains(&part) {
        forbid("products");
        forbid("http");
    }
    if ["products", "console"].contains(&part) {
        forbid("http");
    }
    if !HTTP_PARTS.contains(&part) && tokens.iter().any(|token| token == "actix_web") {
        found.push(format!(
            "{path}: only {} may know actix_web",
            HTTP_PARTS.join(", ")
        ));
    }
    found
}

/// Names and marks one by one, inside macros too. Comments fall away, literals lose their content.
fn flatten(stream: TokenStream) -> Vec<String> {
    let flat = stream.into_iter().flat_map(|tree| match tree {
        TokenTree::Ident(name) => vec![name.to_string()],
        TokenTree::Punct(mark) => vec![mark.to_string()],
        TokenTree::Literal(_) => vec!["\"\"".to_owned()],
        TokenTree::Group(group) => {
            let (open, close) = match group.delimiter() {
                Delimiter::Parenthesis => ("(", ")"),
                Delimiter::Brace => ("{", "}"),
                Delimiter::Bracket => ("[", "]"),
                Delimiter::None => ("", ""),
            };
            let mut inner = flatten(group.stream());
            inner.insert(0, open.to_owned());
            inner.push(close.to_owned());
            inner
        }
    });
    flat.collect()
}

/// Whether code names one of our top-level modules: `crate::http`, `super::super::http`, or within
/// braces as in `use crate::{config, http::Router}`. Another crate of that name (`http::Uri`) or a
/// variable is none.
fn mentions_module(tokens: &[String], module: &str) -> bool {
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    (0..tokens.len()).any(|start| match &tokens[start..] {
        ["crate" | "super" | "doorbuster", ":", ":", "{", group @ ..] => {
            heads(group).contains(&module)
        }
        ["crate" | "super" | "doorbuster", ":", ":", name, ..] => *name == module,
        _ => false,
    })
}

/// The first name of each path in a `use` group; `tokens` begin after its brace.
fn heads<'t>(tokens: &[&'t str]) -> Vec<&'t str> {
    let mut depth = 1;
    let mut heads = vec![];
    let mut is_head = true;
    for token in tokens {
        match *token {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ if is_head && depth == 1 => heads.push(*token),
            _ => {}
        }
        if depth == 0 {
            break;
        }
        is_head = *token == ",";
    }
    heads
}

#[test]
fn the_layers_of_the_source_are_kept() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = rust_files(&root);
    assert!(
        files.len() > 10,
        "found only {} files in {}",
        files.len(),
        root.display()
    );
    let found: Vec<_> = files
        .iter()
        .flat_map(|file| {
            let path = file
                .strip_prefix(&root)
                .unwrap()
                .to_str()
                .unwrap()
                .replace('\\', "/");
            violations(&path, &fs::read_to_string(file).unwrap())
        })
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let (directories, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let here = files
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "rs"));
    here.chain(directories.iter().flat_map(|path| rust_files(path)))
        .collect()
}

#[test]
fn a_forbidden_module_is_found_however_it_is_written() {
    for (path, code) in [
        ("cache/l1.rs", "use crate::products::Product;"),
        ("cache.rs", "use super::products::Product;"),
        ("cache/l1/entry.rs", "use super::super::super::products;"),
        (
            "db/reader.rs",
            "use crate::{config::Config, products::{self, Product}};",
        ),
        (
            "jobs.rs",
            "fn f() { let p = crate :: products :: Product::new(); }",
        ),
        ("limits.rs", "fn f() { info!(\"{}\", crate::http::NAME); }"),
        ("supervisor.rs", "pub use crate::http as web;"),
        (
            "products/store.rs",
            "use crate::{\n    db::Pool,\n    http::Body,\n};",
        ),
        ("config/server.rs", "fn f(r: &actix_web::HttpRequest) {}"),
        ("products.rs", "use actix_web::web;"),
    ] {
        assert_eq!(violations(path, code).len(), 1, "{path}: {code}");
    }
}

#[test]
fn what_is_allowed_is_not_complained_about() {
    for (path, code) in [
        (
            "cache/l1.rs",
            "//! Knows nothing of `crate::products`.\nuse crate::config::CacheConfig;",
        ),
        (
            "cache/l1.rs",
            "const TEXT: &str = \"crate::http and actix_web\";",
        ),
        (
            "cache/l1.rs",
            "fn f(products: usize) -> usize { products } use http::Uri;",
        ),
        ("db.rs", "use crate::config::{self, tests::{http}, cache};"),
        ("products/load.rs", "use crate::{cache::Cache, db::Pool};"),
        (
            "http/routes.rs",
            "use crate::products::Product; use actix_web::web;",
        ),
        (
            "commands/serve.rs",
            "use crate::http; use actix_web::rt::System;",
        ),
        ("app.rs", "use actix_web::App;"),
    ] {
        assert_eq!(violations(path, code), [""; 0], "{path}: {code}");
    }
}

#[test]
fn a_file_may_not_grow_without_end() {
    let lines = |count: usize| "// one line\n".repeat(count);
    assert_eq!(violations("config.rs", &lines(MAX_LINES)), [""; 0]);
    assert_eq!(
        violations("config.rs", &lines(MAX_LINES + 1)),
        ["config.rs: 601 lines, more than 600; split it"]
    );
}
