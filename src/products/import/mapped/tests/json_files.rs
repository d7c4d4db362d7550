use super::*;
use crate::products::input::RatingInput;

const MAPPING: &str = r#"
    [input]
    kind = "json"
    items = "data.items"
    only = { lang = ["en", "de"] }

    [product]
    handle = { template = "{brand.name} {name}-{id}", slug = true, max_length = 20 }
    title = { from = ["long_name", "name"], max_length = 10 }
    description_html = { from = "text", format = "plain" }
    vendor = "brand.name"
    category = { from = "path", split = "/" }
    tags = { from = "tags", ignore = ["none"], lookup = { n = "new" }, default = "other" }
    status = { from = "state", lookup = { live = "active" }, default = "draft" }
    published_at = "since"

    [attributes]
    collect = ["x_"]
    fields = { brand = "brand", codes = { from = "codes", split = "," }, fixed = { constant = 7 } }

    [[images]]
    each = "pictures"
    url = { from = "file", prefix = "https://cdn.example/" }
    alt = "$.name"
    width = "w"

    [[reviews]]
    each = "reviews"
    rating = "stars"
    body = "text"

    [[relations]]
    each = "goes_with"
    handle = { from = ".", slug = true }
    kind = { constant = "related" }

    [rating]
    average = "stars.average"
    count = "stars.count"

    [variants]
    each = "sizes"
    sku = { template = "{$.id}-{s}" }
    price = "$.price"
    image = { from = "file", prefix = "https://cdn.example/" }

    [[variants.options]]
    name = { constant = "Size" }
    value = "s"
"#;

#[test]
fn every_rule_does_its_part() {
    let file = json!({"meta": {"data": 1}, "data": {"items": [
        {"lang": "fr", "broken": true},
        {
            "lang": "en", "id": 7, "name": "Ünique T-Shirt", "brand": {"name": "Größe & Co"},
            "text": "a < b\n\nc", "path": "Apparel / Shirts/", "tags": ["n", "none", "zzz", null],
            "since": "2026-01-01", "x_a": 1.5, "x_b": null, "x_c": " ", "codes": "1, 2,,1",
            "pictures": [{"file": "a.jpg", "w": 10}, {"file": "a.jpg"}, {"file": null}],
            "reviews": [{"stars": 5, "text": "!"}], "goes_with": ["Other One"],
            "stars": {"average": 4.6, "count": 37},
            "price": 10, "sizes": [{"s": "S", "file": "a.jpg"}, {"s": "M", "file": "b.jpg"}],
        },
    ], "total": 2}});
    let product = one(MAPPING, &file.to_string());
    assert_eq!(product.handle, "größe-co-ünique-t-sh");
    assert_eq!(product.title.as_deref(), Some("Ünique T-…"));
    assert_eq!(
        product.description_html.as_deref(),
        Some("<p>a &lt; b</p><p>c</p>")
    );
    assert_eq!(product.vendor.as_deref(), Some("Größe & Co"));
    assert_eq!(product.category.as_deref(), Some("Apparel > Shirts"));
    assert_eq!(product.tags.as_deref().unwrap(), ["new", "other"]);
    assert_eq!(product.status.unwrap().as_str(), "draft");
    assert_eq!(
        product.published_at.as_deref(),
        Some("2026-01-01T00:00:00.000Z")
    );
    let attributes = serde_json::to_string(&product.attributes).unwrap();
    let expected = r#"{"a":1.5,"brand":{"name":"Größe & Co"},"codes":["1","2"],"fixed":7}"#;
    assert_eq!(attributes, expected);
    assert_eq!(
        product.rating,
        Some(RatingInput {
            sum: 170,
            count: 37
        })
    );
    let images = product.images.as_deref().unwrap();
    assert_eq!(images.len(), 2);
    assert_eq!(
        (images[0].url.as_str(), images[0].width),
        ("https://cdn.example/a.jpg", Some(10))
    );
    assert_eq!(images[0].alt, "Ünique T-Shirt");
    assert_eq!(images[1].url, "https://cdn.example/b.jpg");
    let variants = product.variants.as_deref().unwrap();
    assert_eq!(variants[1].sku.as_deref(), Some("7-M"));
    assert_eq!(variants[1].option_values, ["M"]);
    assert_eq!((variants[0].image, variants[1].image), (Some(0), Some(1)));
    assert_eq!(product.options.as_deref().unwrap()[0].values, ["S", "M"]);
    assert_eq!(product.relations.as_deref().unwrap()[0].handle, "other-one");
    assert_eq!(product.reviews.as_deref().unwrap()[0].status, "published");
    assert_eq!(product.seo_title, None);
    assert_eq!(validate(&product), []);
}

#[test]
fn errors_are_placed_at_the_value_of_their_source() {
    let mapping = json_mapping("[variants]\neach = \"v\"\nprice = \"cost.gross\"");
    let file = "[\n{\"h\": \"a\", \"v\": [{\"cost\": {\"gross\": 1}},\n  {\"cost\": {\"gross\": \"-1\"}}]}]";
    let error = only_error(&mapping, file);
    assert_eq!(
        error.to_string(),
        "line 3, column 22: variants.price (from `v[1].cost.gross`) \"-1\": a price cannot be negative"
    );
    let error = only_error(&mapping, "\n  {\"x\": 1}");
    assert_eq!(
        error.to_string(),
        "line 2, column 3: handle (from `h`): has no value in the file, and needs one"
    );
}

#[test]
fn options_must_be_the_same_for_all_variants() {
    let mapping =
        json_mapping("[variants]\neach = \"v\"\n[[variants.options]]\nname = \"n\"\nvalue = \"o\"");
    let product = one(&mapping, r#"{"h":"x","v":[{},{}]}"#);
    assert_eq!(product.options, Some(Vec::new()));
    for (variants, reason) in [
        (
            r#"[{"n":"A","o":"1"},{}]"#,
            "variant 1 has no value for \"A\"",
        ),
        (r#"[{},{"n":"A","o":"1"}]"#, "variant 1 has this option"),
        (
            r#"[{"n":"A","o":"1"},{"n":"B","o":"1"}]"#,
            "those before it A",
        ),
    ] {
        let error = only_error(&mapping, &format!(r#"{{"h":"x","v":{variants}}}"#));
        assert!(error.reason.contains(reason), "{variants}: {error}");
    }
}

#[test]
fn malformed_records_cost_themselves_and_malformed_files_end() {
    let mapping = json_mapping("");
    let deep = "[".repeat(200) + &"]".repeat(200);
    let file = format!(
        "[{{\"h\":\"a\"}}, 7, {{\"h\":\"b\",\"h\":\"c\"}}, {{\"h\":\"d\",\"x\":{deep}}}, {{\"h\":\"e\"}}"
    );
    let read = read(&mapping, file.as_bytes());
    assert_eq!(read[0].as_ref().unwrap().product.handle, "a");
    assert!(
        read[1]
            .as_ref()
            .unwrap_err()
            .reason
            .contains("not an object")
    );
    assert!(
        read[2]
            .as_ref()
            .unwrap_err()
            .reason
            .contains("occurs twice")
    );
    assert!(read[3].as_ref().unwrap_err().reason.contains("127 levels"));
    assert_eq!(read[4].as_ref().unwrap().product.handle, "e");
    assert!(read[5].as_ref().unwrap_err().fatal);
    assert_eq!(read.len(), 6);
    assert_eq!(super::read(&mapping, b"").len(), 0);
}

#[test]
fn json_lines_are_read_one_by_one() {
    let mapping = json_mapping("").replace("\"json\"", "\"jsonl\"");
    let read = read(&mapping, b"{\"h\":\"a\"}\r\n\n{\n\xff\n{\"h\":\"b\"}");
    let handles: Vec<_> = read
        .iter()
        .flatten()
        .map(|record| record.product.handle.as_str())
        .collect();
    assert_eq!(handles, ["a", "b"]);
    let lines: Vec<_> = read
        .iter()
        .filter_map(|r| r.as_ref().err())
        .map(|e| e.place.line)
        .collect();
    assert_eq!(lines, [3, 4]);
}
