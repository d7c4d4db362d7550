use serde_json::json;

use super::*;
use crate::products::attributes::Attributes;
use crate::products::input::{ProductInput, RatingInput, VariantInput};
use crate::products::validate::validate;

fn one(text: &str) -> RecordResult {
    let mut records = records(text.as_bytes());
    let record = records.next().unwrap();
    assert!(records.next().is_none());
    record
}

fn product(text: &str) -> ProductInput {
    one(text).unwrap().product
}

fn variant(text: &str) -> VariantInput {
    let line = format!(r#"{{"handle":"x","variants":[{text}]}}"#);
    product(&line).variants.unwrap().remove(0)
}

/// Place, field, value and reason of the error.
fn error(text: &str) -> (u64, String, String, String) {
    let error = one(text).unwrap_err();
    assert!(!error.fatal && error.place.line == 1);
    (error.place.column, error.field, error.value, error.reason)
}

#[test]
fn a_document_from_the_api_is_read_as_it_is() {
    let document = r#"{"id":456,"handle":"shirt","title":"Shirt","description_html":"<p>é</p>","vendor":"V","product_type":"Shirt","category":"Apparel > Shirts","tags":["new"],"status":"active","options":[{"name":"Size","values":["S","M"]}],"price":{"min":{"amount_minor":1999,"currency":"USD"},"max":{"amount_minor":2499,"currency":"USD"}},"availability":"in_stock","rating":{"average":4.6,"count":37},"images":[{"url":"a.jpg","alt":"A","width":800,"height":600}],"variants":[{"id":9001,"sku":"S-1","barcode":null,"options":{"Size":"M"},"price":{"amount_minor":1999,"currency":"USD"},"compare_at_price":null,"availability":"in_stock","weight_g":180}],"attributes":{"z":1.50,"a":{"deep":[null]}},"seo":{"title":null,"description":null},"version":7,"created_at":"2026-11-24T17:40:32+01:00","updated_at":"2026-11-24T16:40:32.5Z"}"#;
    let product = product(document);
    assert_eq!(product.id, Some(456));
    assert_eq!(
        product.rating,
        Some(RatingInput {
            sum: 170,
            count: 37
        })
    );
    assert_eq!(product.seo_title.as_deref(), Some(""));
    assert_eq!(
        product.created_at.as_deref(),
        Some("2026-11-24T16:40:32.000Z")
    );
    assert_eq!(
        product.updated_at.as_deref(),
        Some("2026-11-24T16:40:32.500Z")
    );
    let attributes = serde_json::to_string(&product.attributes.as_deref()).unwrap();
    assert_eq!(attributes, r#"{"z":1.5,"a":{"deep":[null]}}"#);
    let variants = product.variants.as_deref().unwrap();
    assert_eq!(variants[0].option_values, ["M"]);
    assert_eq!(variants[0].barcode.as_deref(), Some(""));
    assert_eq!(variants[0].compare_at_minor, Some(None));
    assert_eq!(variants[0].weight_g, Some(Some(180)));
    assert_eq!(validate(&product), []);
}

#[test]
fn absent_says_nothing_and_null_clears() {
    let bare = product(r#"{"handle":"x"}"#);
    let nothing = ProductInput {
        handle: "x".to_owned(),
        ..ProductInput::default()
    };
    assert_eq!(bare, nothing);
    let cleared = product(
        r#"{"handle":"x","vendor":null,"tags":null,"options":null,"images":null,"attributes":null,"rating":null,"seo":null,"published_at":null,"reviews":null}"#,
    );
    assert_eq!(cleared.vendor.as_deref(), Some(""));
    assert_eq!(cleared.tags, Some(vec![]));
    assert_eq!(cleared.images, Some(vec![]));
    assert_eq!(cleared.attributes, Some(Attributes::default()));
    assert_eq!(cleared.rating, Some(RatingInput { sum: 0, count: 0 }));
    assert_eq!(cleared.seo_description.as_deref(), Some(""));
    assert_eq!(
        (cleared.published, cleared.published_at),
        (Some(false), None)
    );
    let bare = variant(r#"{"sku":null,"image":null}"#);
    assert_eq!(bare, VariantInput::default());
}

#[test]
fn options_follow_the_product_or_come_from_the_variants() {
    let listed = product(
        r#"{"handle":"x","variants":[{"options":{"B":"1","A":"2"}}],"options":[{"name":"A","values":["2"]},{"name":"B","values":["1"]}]}"#,
    );
    assert_eq!(listed.variants.unwrap()[0].option_values, ["2", "1"]);
    let derived = product(
        r#"{"handle":"x","variants":[{"options":{"B":"1","A":"2"}},{"options":{"A":"3","B":"1"}}]}"#,
    );
    let options = derived.options.unwrap();
    assert_eq!(
        (options[0].name.as_str(), &options[0].values[..]),
        ("B", &["1".to_owned()][..])
    );
    assert_eq!(options[1].values, ["2", "3"]);
    assert_eq!(derived.variants.unwrap()[1].option_values, ["1", "3"]);
}

#[test]
fn every_problem_names_its_place_path_and_value() {
    let at = |column, field: &str, value: &str| (column, field.to_owned(), value.to_owned());
    for (text, expected, reason) in [
        (r#"{"title":"T"}"#, at(1, "handle", ""), "is missing"),
        (
            r#"{"handle":"x","titel":"T"}"#,
            at(23, "titel", ""),
            "did you mean `title`?",
        ),
        (
            r#"{"handle":"x","zzzzzzzzz":1}"#,
            at(27, "zzzzzzzzz", ""),
            "known are id, handle",
        ),
        (
            r#"{"handle":"x","id":"7"}"#,
            at(20, "id", "7"),
            "whole number",
        ),
        (
            r#"{"handle":"x","id":9223372036854775808}"#,
            at(20, "id", "9223372036854775808"),
            "64 bits",
        ),
        (
            r#"{"handle":"x","id":1e300}"#,
            at(20, "id", "1e+300"),
            "64 bits",
        ),
        (
            r#"{"handle":"ä","tags":["a", 7]}"#,
            at(28, "tags[1]", "7"),
            "text in quotes",
        ),
        (
            r#"{"handle":"x","status":"gone"}"#,
            at(24, "status", "gone"),
            "`archived`",
        ),
        (
            r#"{"handle":"x","created_at":"now"}"#,
            at(28, "created_at", "now"),
            "RFC 3339",
        ),
        (
            r#"{"handle":"x","rating":{"sum":1,"average":1,"count":1}}"#,
            at(24, "rating", r#"{"sum":1,"average":1,"count":1}"#),
            "not both",
        ),
        (
            r#"{"handle":"x","rating":{"average":-1,"count":1}}"#,
            at(35, "rating.average", "-1"),
            "0 to 5",
        ),
        (
            r#"["handle"]"#,
            at(1, "", r#"["handle"]"#),
            "object in braces",
        ),
    ] {
        let (column, field, value, why) = error(text);
        assert_eq!((column, field, value), expected, "{text}");
        assert!(why.contains(reason), "{text}: {why}");
    }
}

#[test]
fn prices_are_whole_minor_units_of_a_known_currency() {
    for (price, field, reason) in [
        (
            json!({"amount_minor": "1,299.00", "currency": "USD"}),
            "amount_minor",
            "minor units",
        ),
        (
            json!({"amount_minor": 12.5, "currency": "USD"}),
            "amount_minor",
            "minor units",
        ),
        (
            json!({"amount_minor": -5, "currency": "USD"}),
            "amount_minor",
            "negative",
        ),
        (
            json!({"amount_minor": 1e9, "currency": "USD"}),
            "amount_minor",
            "minor units",
        ),
        (
            json!({"amount_minor": 9_007_199_254_740_992_i64, "currency": "USD"}),
            "amount_minor",
            "larger",
        ),
        (
            json!({"amount_minor": 5, "currency": "XXX"}),
            "currency",
            "ISO 4217",
        ),
        (json!({"amount_minor": 5}), "currency", "missing"),
        (json!({"currency": "USD"}), "amount_minor", "missing"),
    ] {
        let line = json!({"handle": "x", "variants": [{}, {"price": price}]}).to_string();
        let (_, path, _, why) = error(&line);
        assert_eq!(path, format!("variants[1].price.{field}"));
        assert!(why.contains(reason), "{line}: {why}");
    }
    for (variant, path, reason) in [
        (
            r#"{"cost":{"amount_minor":1,"currency":"USD"}}"#,
            "cost.currency",
            "needs a `price`",
        ),
        (
            r#"{"price":{"amount_minor":1,"currency":"EUR"},"cost":{"amount_minor":1,"currency":"USD"}}"#,
            "cost.currency",
            "must be in EUR",
        ),
        (r#"{"image":-1}"#, "image", "number of one of `images`"),
        (
            r#"{"inventory":{"policy":"maybe"}}"#,
            "inventory.policy",
            "`deny` or `continue`",
        ),
        (
            r#"{"inventory":{"onhand":1}}"#,
            "inventory.onhand",
            "did you mean `on_hand`?",
        ),
        (
            r#"{"options":{"Size":1}}"#,
            "options.Size",
            "text in quotes",
        ),
    ] {
        let (_, field, _, why) = error(&format!(r#"{{"handle":"x","variants":[{variant}]}}"#));
        assert_eq!(field, format!("variants[0].{path}"));
        assert!(why.contains(reason), "{variant}: {why}");
    }
    for (options, reason) in [
        ("{}", "is missing"),
        (r#"{"A":"1","B":"2"}"#, "no such option"),
    ] {
        let (.., why) = error(&format!(
            r#"{{"handle":"x","options":[{{"name":"A","values":["1"]}}],"variants":[{{"options":{options}}}]}}"#
        ));
        assert!(why.contains(reason), "{options}: {why}");
    }
}

#[test]
fn a_bad_line_costs_itself_only() {
    let bytes = b"\n{\"handle\":\"a\"}\r\n{\"handle\":\n \t\r\n{\"handle\":\"\xff\"}\n{\"handle\":\"b\",\"handle\":\"c\"}\n{\"handle\":\"d\"}";
    let read: Vec<_> = records(&bytes[..]).collect();
    let places: Vec<u64> = read
        .iter()
        .map(|record| match record {
            Ok(record) => record.place.line,
            Err(error) => error.place.line,
        })
        .collect();
    assert_eq!(places, [2, 3, 5, 6, 7]);
    assert_eq!(read[0].as_ref().unwrap().product.handle, "a");
    assert!(read[1].as_ref().unwrap_err().reason.contains("EOF"));
    assert!(read[2].as_ref().unwrap_err().reason.contains("UTF-8"));
    assert!(
        read[3]
            .as_ref()
            .unwrap_err()
            .reason
            .contains("occurs twice")
    );
    assert_eq!(read[4].as_ref().unwrap().product.handle, "d");
    assert_eq!(records(&b""[..]).count(), 0);
}

#[test]
fn a_truncated_archive_ends_the_records_with_a_fatal_error() {
    let line = |n| format!("{{\"handle\":\"p{n}\"}}\n");
    let lines = (0..20_000).map(line).collect::<Vec<_>>().concat();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, lines.as_bytes()).unwrap();
    let mut archive = encoder.finish().unwrap();
    archive.truncate(archive.len() - 100);
    let input = std::io::Cursor::new(archive);
    let source = crate::products::import::source::Source::stream("x".to_owned(), input, None);
    let read: Vec<_> = records(source.unwrap().into_text()).collect();
    let (last, before) = read.split_last().unwrap();
    let error = last.as_ref().unwrap_err();
    assert!(error.fatal && error.reason.contains("truncated"), "{error}");
    assert!(before.len() > 10_000 && before.iter().all(Result::is_ok));
}
