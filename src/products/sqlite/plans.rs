//! How the statements find their rows: what a read or a write costs must not grow with the catalogue.

use std::fs;
use std::path::Path;

use crate::db::sqlite::{Access, Sqlite, open};

/// What hangs together with every product, and so is as large as the catalogue.
const LARGE: [&str; 10] = [
    "product",
    "variant",
    "inventory",
    "image",
    "review",
    "relation",
    "product_document",
    "product_listing",
    "product_tag",
    "catalog_outbox",
];

/// Those that are about the whole catalogue.
const ABOUT_ALL: [&str; 2] = ["categories.sql", "export_products.sql"];

/// In the plan, and not done: only where a foreign key is open, which none ever is, would a new product be looked for.
const NOT_DONE: &str = "insert_product.sql: SCAN relation";

#[test]
fn no_statement_walks_a_large_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog.db");
    Sqlite::open(&path).unwrap().migrate().unwrap();
    let connection = open(&path, Access::ReadWrite).unwrap();
    let queries = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql/sqlite/queries");
    let mut looked_at = 0;
    let mut walks = Vec::new();
    for file in fs::read_dir(queries).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        if ABOUT_ALL.contains(&&*name) {
            continue;
        }
        let sql = fs::read_to_string(file.path()).unwrap();
        let aliases = aliases(&sql);
        let mut statement = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().unwrap() {
            let step: String = row.get(3).unwrap();
            let Some(scanned) = step.strip_prefix("SCAN ") else {
                continue;
            };
            let alias = scanned.split(' ').next().unwrap();
            let table = aliases
                .iter()
                .find(|(of, _)| of == alias)
                .map_or(alias, |(_, table)| table);
            if LARGE.contains(&table) {
                walks.push(format!("{name}: {step}"));
            }
        }
        looked_at += 1;
    }
    assert_eq!(walks, [NOT_DONE]);
    assert!(looked_at > 30, "{looked_at}");
}

/// What each table is called: `FROM product p` and `JOIN product p`.
fn aliases(sql: &str) -> Vec<(String, String)> {
    let words: Vec<&str> = sql.split_whitespace().collect();
    let after_from = words
        .windows(3)
        .filter(|words| words[0] == "FROM" || words[0] == "JOIN");
    after_from
        .map(|words| (words[2].to_owned(), words[1].to_owned()))
        .collect()
}
