use super::*;

fn mistakes(text: &str) -> Vec<String> {
    match Mapping::parse(text) {
        Err(MappingError::Mistakes(mistakes)) => mistakes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_mistakes_are_listed_at_once_with_their_keys() {
    let found = mistakes(
        r#"
        typo = 1
        [input]
        kind = "json"
        delimiter = ";"
        items = "a[0]"
        [defaults]
        currency = "XXX"
        [product]
        titel = "name"
        description_html = { from = "d", format = "markdown" }
        vendor = { from = "a", constant = "b" }
        category = { from = "c", split = "" }
        tags = { from = "t", slug = true }
        status = 7
        seo_title = { template = "{a" }
        seo_description = { from = "x..y" }
        [[images]]
        alt = "name"
        [variants]
        price = { from = "p", lookup = { a = 1 } }
        weight_g = { from = "w", unit = "stone" }
        [[variants.options]]
        name = "n"
        [rating]
        count = "c"
        "#,
    );
    let expected = [
        "input.items: must be keys only",
        "input.delimiter: does not belong to this kind of input",
        "defaults.currency: `XXX` is not an ISO 4217",
        "product.handle: is missing",
        "product.titel: unknown key; did you mean `title`?",
        "product.description_html.format: must be one of html, plain, not `markdown`",
        "product.vendor: needs one of `from`, `constant` and `template`",
        "product.category.split: must not be empty",
        "product.tags.slug: unknown key",
        "product.status: must be a path in quotes or a table, not `7`",
        "product.seo_title.template: `{` has no partner",
        "product.seo_description.from: a key is missing in `x..y`",
        "images[0].url: is missing",
        "variants.price.lookup.a: must be a text, not `1`",
        "variants.weight_g.unit: must be one of g, kg, oz, lb, not `stone`",
        "variants.options[0].value: is missing",
        "rating: needs `sum` or `average`",
        "typo: unknown key; known are input, defaults",
    ];
    for line in expected {
        assert!(
            found.iter().any(|mistake| mistake.starts_with(line)),
            "{line}\n{found:#?}"
        );
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn what_is_missing_altogether_is_said() {
    assert_eq!(
        mistakes(""),
        [
            "input: is missing; write [input] with a `kind`",
            "product: is missing; write [product] with a `handle` at least",
        ]
    );
    let found = mistakes("input = 3\n[product]\nhandle = \"x\"");
    assert!(
        found[0].starts_with("input: must be a table, not `3`"),
        "{found:?}"
    );
    let found = mistakes("[input]\nkind = \"xml\"\n[product]\nhandle = \"x\"");
    assert_eq!(
        found,
        ["input.kind: must be one of json, jsonl, yaml, csv, not `xml`"]
    );
    assert_eq!(
        Mapping::parse("# x\n[input").unwrap_err().to_string(),
        "line 2, column 7: not valid TOML: unclosed table, expected `]`"
    );
}
