//! The names in a product document: those that `settle_documents.sql` writes.

/// What stands under a name.
pub(super) enum Known {
    /// A value without parts, or a list of such.
    Value,
    /// What the shop put there.
    Anything,
    /// An object of these members, or a list of such.
    Object(&'static [(&'static str, Known)]),
}

use Known::{Anything, Object, Value};

const MONEY: Known = Object(&[("amount_minor", Value), ("currency", Value)]);

/// In the order of the document.
pub(super) const DOCUMENT: &[(&str, Known)] = &[
    ("id", Value),
    ("handle", Value),
    ("title", Value),
    ("description_html", Value),
    ("vendor", Value),
    ("product_type", Value),
    ("category", Value),
    ("tags", Value),
    ("status", Value),
    ("options", Object(&[("name", Value), ("values", Value)])),
    ("price", Object(&[("min", MONEY), ("max", MONEY)])),
    ("availability", Value),
    ("rating", Object(&[("average", Value), ("count", Value)])),
    (
        "images",
        Object(&[
            ("url", Value),
            ("alt", Value),
            ("width", Value),
            ("height", Value),
        ]),
    ),
    (
        "variants",
        Object(&[
            ("id", Value),
            ("sku", Value),
            ("barcode", Value),
            ("options", Anything),
            ("price", MONEY),
            ("compare_at_price", MONEY),
            ("availability", Value),
            ("weight_g", Value),
        ]),
    ),
    ("attributes", Anything),
    ("seo", Object(&[("title", Value), ("description", Value)])),
    ("version", Value),
    ("created_at", Value),
    ("updated_at", Value),
];

/// Every path that has a name of its own.
pub fn paths() -> Vec<String> {
    fn collect(prefix: &str, members: &[(&str, Known)], paths: &mut Vec<String>) {
        for (name, known) in members {
            let path = format!("{prefix}{name}");
            if let Object(members) = known {
                collect(&format!("{path}."), members, paths);
            }
            paths.push(path);
        }
    }
    let mut paths = Vec::new();
    collect("", DOCUMENT, &mut paths);
    paths
}
