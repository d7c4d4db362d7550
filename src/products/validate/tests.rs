use serde_json::json;

use super::*;
use crate::products::import::jsonl;
use crate::products::input::Price;
use crate::products::money::Currency;

/// Pointers and reasons of what is wrong with the product of this document, whose handle is `x`.
fn problems(document: &serde_json::Value) -> Vec<(String, String)> {
    let mut document = document.clone();
    document
        .as_object_mut()
        .unwrap()
        .entry("handle")
        .or_insert("x".into());
    let line = document.to_string();
    let product = jsonl::records(line.as_bytes())
        .next()
        .unwrap()
        .unwrap()
        .product;
    validate(&product)
        .into_iter()
        .map(|invalid| (invalid.pointer, invalid.reason))
        .collect()
}

fn assert_problem(document: &serde_json::Value, pointer: &str, reason: &str) {
    let found = problems(document);
    assert_eq!(found.len(), 1, "{document}: {found:?}");
    assert_eq!(found[0].0, pointer, "{document}");
    assert!(found[0].1.contains(reason), "{document}: {}", found[0].1);
}

#[test]
fn handles_are_safe_in_a_url() {
    for handle in [
        "a",
        "blue-shirt",
        "größe-42",
        "靴",
        "a_b.c",
        "by-night",
        "7",
    ] {
        assert_eq!(problems(&json!({"handle": handle})), []);
    }
    for (handle, reason) in [
        ("", "is missing"),
        ("Blue", "'B'"),
        ("a b", "' '"),
        ("a/b", "'/'"),
        ("a%2fb", "'%'"),
        ("a\u{0}", "'\\0'"),
        ("..", "begin and end"),
        ("-a", "begin and end"),
        ("a.", "begin and end"),
        ("ǅ", "'ǅ'"),
        ("é".repeat(128).as_str(), "256 bytes"),
    ] {
        assert_problem(&json!({"handle": handle}), "/handle", reason);
    }
}

#[test]
fn each_rule_of_a_product_is_reported_where_it_is_broken() {
    for (document, pointer, reason) in [
        (json!({"id": 0}), "/id", "1 or more"),
        (json!({"version": -1}), "/version", "1 or more"),
        (
            json!({"version": i64::MAX}),
            "/version",
            "larger than 9007199254740991",
        ),
        (
            json!({"rating": {"sum": 1, "count": 2}}),
            "/rating/sum",
            "from 2 to 10",
        ),
        (json!({"title": " \u{a0}"}), "/title", "blank"),
        (
            json!({"title": "é".repeat(256)}),
            "/title",
            "256 characters",
        ),
        (json!({"title": "a\u{0}b"}), "/title", "U+0000"),
        (json!({"vendor": "a\u{97}b"}), "/vendor", "U+0097"),
        (
            json!({"description_html": "\u{7f}"}),
            "/description_html",
            "U+007F",
        ),
        (
            json!({"description_html": "x".repeat(MAX_TEXT_BYTES + 1)}),
            "/description_html",
            "limit",
        ),
        (
            json!({"category": "Apparel > "}),
            "/category",
            "empty level",
        ),
        (json!({"tags": ["a", "b", "a"]}), "/tags/2", "twice"),
        (json!({"tags": ["a", " "]}), "/tags/1", "blank"),
        (
            json!({"tags": (0..251).map(|n| n.to_string()).collect::<Vec<_>>()}),
            "/tags",
            "250 tags",
        ),
        (json!({"images": [{"url": ""}]}), "/images/0/url", "blank"),
        (
            json!({"images": [{"url": "a", "width": 0}]}),
            "/images/0/width",
            "from 1",
        ),
        (
            json!({"images": vec![json!({"url": "a"}); 251]}),
            "/images",
            "250 images",
        ),
        (
            json!({"rating": {"sum": 6, "count": 1}}),
            "/rating/sum",
            "from 1 to 5",
        ),
        (
            json!({"rating": {"sum": 0, "count": -1}}),
            "/rating/count",
            "from 0",
        ),
        (
            json!({"reviews": [{"rating": 6}]}),
            "/reviews/0/rating",
            "from 1 to 5",
        ),
        (
            json!({"reviews": [{"rating": 5, "status": "spam"}]}),
            "/reviews/0/status",
            "pending",
        ),
        (
            json!({"relations": [{"handle": "A", "kind": "k"}]}),
            "/relations/0/handle",
            "'A'",
        ),
        (
            json!({"seo": {"title": "x".repeat(256)}}),
            "/seo/title",
            "limit is 255",
        ),
        (
            json!({"attributes": {"a/b": ["\u{1}"]}}),
            "/attributes/a~1b/0",
            "U+0001",
        ),
        (json!({"attributes": {" ": 1}}), "/attributes/ ", "blank"),
    ] {
        assert_problem(&document, pointer, reason);
    }
    assert_eq!(
        problems(&json!({"title": "é".repeat(255), "description_html": "a\t\r\nb"})),
        []
    );
}

#[test]
fn numbers_in_attributes_are_what_was_written() {
    let read = |number: &str| {
        let line = format!(r#"{{"handle":"x","attributes":{{"n":{number}}}}}"#);
        let product = jsonl::records(line.as_bytes())
            .next()
            .unwrap()
            .unwrap()
            .product;
        validate(&product)
    };
    for number in [
        "0",
        "-9223372036854775808",
        "18446744073709551615",
        "1.5",
        "-2e10",
    ] {
        assert_eq!(read(number), []);
    }
    for number in ["-9223372036854775809", "18446744073709551616", "1e300"] {
        assert!(read(number)[0].reason.contains("64 bits"), "{number}");
    }
}

#[test]
fn nesting_is_limited_below_what_parsers_refuse() {
    let nested = |levels| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(problems(&json!({"attributes": {"a": nested(63)}})), []);
    let found = problems(&json!({"attributes": {"a": nested(64)}}));
    assert!(
        found.len() == 1 && found[0].1.contains("64 levels"),
        "{found:?}"
    );
}

#[test]
fn each_rule_of_variants_is_reported_where_it_is_broken() {
    let usd = |minor: i64| json!({"amount_minor": minor, "currency": "USD"});
    let eur = json!({"amount_minor": 1, "currency": "EUR"});
    let size = json!([{"name": "Size", "values": ["S", "M"]}]);
    let s = json!({"options": {"Size": "S"}});
    for (document, pointer, reason) in [
        (
            json!({"variants": [{"sku": "A"}, {"sku": "A"}]}),
            "/variants/1/sku",
            "two variants",
        ),
        (
            json!({"variants": [{"sku": ""}]}),
            "/variants/0/sku",
            "blank",
        ),
        (
            json!({"variants": [{"sku": "A "}]}),
            "/variants/0/sku",
            "spaces",
        ),
        (
            json!({"variants": [{"id": 0}]}),
            "/variants/0/id",
            "1 or more",
        ),
        (
            json!({"variants": [{"condition": "old"}]}),
            "/variants/0/condition",
            "refurbished",
        ),
        (
            json!({"variants": [{"weight_g": -1}]}),
            "/variants/0/weight_g",
            "from 0",
        ),
        (
            json!({"variants": [{"inventory": {"on_hand": 2_000_000_000}}]}),
            "/variants/0/inventory/on_hand",
            "to 1000000000",
        ),
        (
            json!({"variants": [{"price": usd(1)}, {"price": eur}]}),
            "/variants/1/price/currency",
            "here USD",
        ),
        (
            json!({"images": [], "variants": [{"image": 0}]}),
            "/variants/0/image",
            "0 images",
        ),
        (
            json!({"options": size, "variants": [s, s]}),
            "/variants/1/options",
            "two variants",
        ),
        (
            json!({"options": [], "variants": [{}, {}]}),
            "/variants/1/options",
            "one variant only",
        ),
        (
            json!({"options": size, "variants": [{"options": {"Size": "L"}}]}),
            "/variants/0/options/Size",
            "not among the values",
        ),
        (
            json!({"options": [{"name": "A", "values": []}]}),
            "/options/0/values",
            "no value",
        ),
        (
            json!({"options": [{"name": "A", "values": ["1", "1"]}]}),
            "/options/0/values/1",
            "twice",
        ),
        (
            json!({"options": [{"name": "A", "values": [""]}]}),
            "/options/0/values/0",
            "blank",
        ),
    ] {
        assert_problem(&document, pointer, reason);
    }
    let option = |name: &str| json!({"name": name, "values": ["1"]});
    let four = json!({"options": [option("A"), option("B"), option("C"), option("D")]});
    assert_problem(&four, "/options", "more than 3 options");
    let same = json!({"options": [option("A"), option("A")]});
    assert_problem(&same, "/options/1/name", "two options");
    let many = vec![json!({}); 2049];
    assert_problem(&json!({ "variants": many }), "/variants", "2048 variants");
}

#[test]
fn what_only_code_can_get_wrong_is_found_too() {
    let variant = crate::products::input::VariantInput {
        price: Some(Price {
            minor: -1,
            currency: Currency::USD,
        }),
        compare_at_minor: Some(Some(i64::MAX)),
        option_values: vec!["S".to_owned()],
        ..Default::default()
    };
    let product = ProductInput {
        handle: "x".to_owned(),
        options: Some(Vec::new()),
        variants: Some(vec![variant]),
        created_at: Some("2026-11-24T16:40:32Z".to_owned()),
        ..ProductInput::default()
    };
    let pointers: Vec<String> = validate(&product).into_iter().map(|i| i.pointer).collect();
    assert_eq!(
        pointers,
        [
            "/created_at",
            "/variants/0/price/amount_minor",
            "/variants/0/compare_at_price/amount_minor",
            "/variants/0/options",
        ]
    );
}

#[test]
fn all_problems_are_returned_at_once() {
    let found = problems(&json!({"title": "", "tags": ["a", "a"], "id": -4, "handle": "A"}));
    assert_eq!(found.len(), 4, "{found:?}");
}

#[test]
fn of_a_list_that_is_too_long_only_its_length_is_reported() {
    let long = |length: usize, element: serde_json::Value| vec![element; length];
    for (document, pointer, reason) in [
        (json!({"tags": long(251, json!(""))}), "/tags", "250 tags"),
        (
            json!({"images": long(251, json!({"url": ""}))}),
            "/images",
            "250 images",
        ),
        (
            json!({"relations": long(251, json!({"handle": "", "kind": ""}))}),
            "/relations",
            "250 relations",
        ),
        (
            json!({"options": [], "variants": long(2_049, json!({"sku": ""}))}),
            "/variants",
            "2048 variants",
        ),
    ] {
        assert_problem(&document, pointer, &format!("more than {reason}"));
    }
}
