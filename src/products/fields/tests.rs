//! Selections, against a model that reads the document and takes it apart.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn document() -> Value {
    json!({
        "id": 7, "handle": "lamp", "title": "Lamp \"{[,]}\"", "tags": ["a", "b"],
        "options": [{ "name": "Size", "values": ["S", "M"] }],
        "price": { "min": { "amount_minor": 5, "currency": "SEK" }, "max": null },
        "rating": { "average": 4.4, "count": 10 },
        "images": [],
        "variants": [
            { "id": 1, "sku": "a", "options": { "Size": "S" }, "compare_at_price": null },
            { "id": 2, "sku": null, "options": {}, "compare_at_price": { "amount_minor": 9, "currency": "SEK" } },
        ],
        "attributes": {
            "a": [1, { "b": 2, "c": [[{ "b": 3 }, null]] }, "x"], "b": { "b": {} }, "c-d": true, "ä\n": 1,
        },
        "seo": { "title": null, "description": null },
    })
}

#[track_caller]
fn selected(fields: &str) -> String {
    let fields = Fields::parse(fields).unwrap();
    fields.select(&document().to_string()).unwrap()
}

#[test]
fn members_lists_and_free_names_are_selected_in_the_order_of_the_document() {
    for (fields, expected) in [
        ("id", json!({ "id": 7 })),
        ("title,id", json!({ "id": 7, "title": "Lamp \"{[,]}\"" })),
        ("vendor", json!({})),
        ("price.max.currency", json!({ "price": { "max": null } })),
        (
            "variants.sku",
            json!({ "variants": [{ "sku": "a" }, { "sku": null }] }),
        ),
        (
            "variants.sku,variants.id",
            json!({ "variants": [{ "id": 1, "sku": "a" }, { "id": 2, "sku": null }] }),
        ),
        (
            "variants.options.Size",
            json!({ "variants": [{ "options": { "Size": "S" } }, { "options": {} }] }),
        ),
        ("images.url", json!({ "images": [] })),
        ("options.name", json!({ "options": [{ "name": "Size" }] })),
        (
            "attributes.a.b",
            json!({ "attributes": { "a": [{ "b": 2 }] } }),
        ),
        (
            "attributes.a.c.b",
            json!({ "attributes": { "a": [{ "c": [[{ "b": 3 }, null]] }] } }),
        ),
        ("attributes.c-d.e", json!({ "attributes": {} })),
        (
            "attributes.ä\n,seo",
            json!({ "attributes": { "ä\n": 1 }, "seo": { "title": null, "description": null } }),
        ),
        (
            "rating.count,rating",
            json!({ "rating": { "average": 4.4, "count": 10 } }),
        ),
    ] {
        assert_eq!(selected(fields), expected.to_string(), "{fields}");
    }
}

#[test]
fn one_selection_has_one_spelling() {
    let spelled = |text| Fields::parse(text).unwrap();
    for (one, other) in [
        ("id,title", "title,id"),
        ("price", "price.min,price,price.max.currency"),
        ("attributes.a", "attributes.a.b,attributes.a,attributes.a"),
        (
            "attributes.a,attributes.a-b",
            "attributes.a-b,attributes.a.b,attributes.a",
        ),
    ] {
        assert_eq!(spelled(one), spelled(other), "{one}");
    }
    assert_ne!(spelled("price.min"), spelled("price"));
}

#[test]
fn wrong_names_are_told_the_right_ones() {
    let seventy = vec!["id"; 70].join(",");
    for (text, expected) in [
        (
            "",
            "\"\" has an empty name; write names with commas between, like id,title,price.min",
        ),
        (
            "id,,title",
            "\"id,,title\" has an empty name; write names with commas between, like id,title,price.min",
        ),
        (
            "price.",
            "\"price.\" has an empty name; write names with commas between, like id,title,price.min",
        ),
        (
            "titel",
            "\"titel\" is not a field of a product; did you mean title?",
        ),
        (
            "price.mni",
            "\"price.mni\" is not a field of a product; did you mean price.min?",
        ),
        (
            "sku",
            "\"sku\" is not a field of a product; did you mean variants.sku?",
        ),
        (
            "variants.pric.currency",
            "\"variants.pric.currency\" is not a field of a product; did you mean variants.price.currency?",
        ),
        (
            "tags.a",
            "\"tags.a\" is not a field of a product; did you mean tags?",
        ),
        (
            " id",
            "\" id\" is not a field of a product; did you mean id?",
        ),
        (
            "zzz",
            "\"zzz\" is not a field of a product; known are id, handle, title, description_html, vendor, product_type, category, tags, status, options, price, availability, rating, images, variants, attributes, seo, version, created_at, updated_at",
        ),
        (
            &seventy,
            "70 names are more than 64; name fewer, or the object they are in",
        ),
        (
            "attributes.2.3.4.5.6.7.8.9",
            "\"attributes.2.3.4.5.6.7.8.9\" goes deeper than 8 levels; name the object it is in",
        ),
    ] {
        assert_eq!(Fields::parse(text).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_name_that_is_long_is_compared_with_none() {
    // Similar enough if it were.
    let long = format!("description_html{}", "x".repeat(COMPARED));
    let refused = Fields::parse(&long).unwrap_err().to_string();
    assert!(refused.contains("; known are id, "), "{refused}");
}

/// Nothing shared with the code under test but the rules.
fn model(value: &Value, names: &[Vec<String>]) -> Option<Value> {
    if names.iter().any(Vec::is_empty) || value.is_null() {
        return Some(value.clone());
    }
    match value {
        Value::Array(elements) => {
            let found = elements.iter().filter_map(|element| model(element, names));
            Some(found.collect())
        }
        Value::Object(members) => {
            let mut kept = Map::new();
            for (name, value) in members {
                let within: Vec<_> = names
                    .iter()
                    .filter(|path| path[0] == *name)
                    .map(|path| path[1..].to_vec())
                    .collect();
                if !within.is_empty()
                    && let Some(found) = model(value, &within)
                {
                    kept.insert(name.clone(), found);
                }
            }
            Some(Value::Object(kept))
        }
        _ => None,
    }
}

/// Attributes whose names meet those asked for.
fn attributes() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a\"\\\\{},\\[\\]: ä]{0,6}".prop_map(Value::from),
    ];
    let any = leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[abc\"]", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    prop::collection::btree_map("[abc\"]", any, 0..4)
        .prop_map(|members| Value::Object(members.into_iter().collect()))
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(known::paths()),
        prop::collection::vec("[abc\"]", 0..5).prop_map(|parts| [
            vec!["attributes".to_owned()],
            parts
        ]
        .concat()
        .join(".")),
    ]
}

proptest! {
    #[test]
    fn a_selection_is_what_the_model_selects(
        attributes in attributes(), names in prop::collection::vec(name(), 1..8), pretty: bool,
    ) {
        let mut document = document();
        document["attributes"] = attributes;
        let text = if pretty {
            serde_json::to_string_pretty(&document).unwrap()
        } else {
            document.to_string()
        };
        let selected = Fields::parse(&names.join(",")).unwrap().select(&text).unwrap();
        let selected: Value = serde_json::from_str(&selected).unwrap();
        let paths: Vec<Vec<String>> = names
            .iter()
            .map(|name| name.split('.').map(str::to_owned).collect())
            .collect();
        prop_assert_eq!(Some(selected), model(&document, &paths));
    }

    #[test]
    fn anything_may_come(text: String) {
        let _ = Fields::parse(&text);
    }
}
