use proptest::strategy::Strategy;
use serde_json::json;

use super::*;
use crate::products::input::{ProductInput, VariantInput};
use crate::products::validate::validate;

mod csv_files;
mod json_files;
mod real_sets;
mod yaml_files;

fn read(mapping: &str, file: &[u8]) -> Vec<RecordResult> {
    let mapping = Mapping::parse(mapping).unwrap_or_else(|error| panic!("{error}"));
    let options = ReadOptions {
        default_currency: Currency::USD,
    };
    records(file, mapping, options).collect()
}

fn one(mapping: &str, file: &str) -> ProductInput {
    let mut read = read(mapping, file.as_bytes());
    assert_eq!(read.len(), 1, "{read:?}");
    read.remove(0)
        .unwrap_or_else(|error| panic!("{error}"))
        .product
}

fn only_error(mapping: &str, file: &str) -> RecordError {
    let mut read = read(mapping, file.as_bytes());
    assert_eq!(read.len(), 1, "{read:?}");
    read.remove(0).unwrap_err()
}

/// A mapping of JSON objects one after another, with a handle.
fn json_mapping(rest: &str) -> String {
    format!("[input]\nkind = \"json\"\n[product]\nhandle = \"h\"\n{rest}")
}

fn variant(rules: &str, record: &serde_json::Value) -> Result<VariantInput, RecordError> {
    let mut record = record.clone();
    record["h"] = "x".into();
    let mapping = json_mapping(&format!("[variants]\n{rules}"));
    let mut read = read(&mapping, record.to_string().as_bytes());
    assert_eq!(read.len(), 1);
    read.remove(0)
        .map(|record| record.product.variants.unwrap().remove(0))
}

#[test]
fn prices_are_read_exactly_or_refused() {
    let minor = |record: serde_json::Value| {
        variant("price = \"p\"", &record).map(|variant| variant.price.unwrap().minor)
    };
    assert_eq!(minor(json!({"p": 129.99})).unwrap(), 12999);
    assert_eq!(minor(json!({"p": "19.9"})).unwrap(), 1990);
    assert_eq!(minor(json!({"p": 5})).unwrap(), 500);
    for (price, reason) in [
        (json!("1,299.00"), "plain decimal"),
        (json!("-5"), "negative"),
        (json!(-5), "negative"),
        (json!("1e9"), "plain decimal"),
        (json!(1e300), "plain decimal"),
        (json!("12.345 USD"), "2 decimal places"),
        (json!(0.001), "2 decimal places"),
        (json!("12 XYZ"), "ISO 4217"),
        (json!(18_446_744_073_709_551_615_u64), "larger than"),
        (json!(1_234_567_890_123.456_7), "as a text in quotes"),
        (json!([1]), "is a list"),
        (json!({"amount": 1}), "is an object"),
    ] {
        let error = minor(json!({"p": price})).unwrap_err();
        assert_eq!(error.field, "variants.price (from `p`)");
        assert!(error.reason.contains(reason), "{price}: {error}");
        assert_eq!((error.place.line, error.place.column), (1, 6));
        assert!(!error.fatal && !error.value.is_empty());
    }
    let minor_units = "price = { from = \"p\", minor_units = true }";
    let price = variant(minor_units, &json!({"p": 4995}))
        .unwrap()
        .price
        .unwrap();
    assert_eq!((price.minor, price.currency), (4995, Currency::USD));
    assert!(
        variant(minor_units, &json!({"p": 49.95}))
            .unwrap_err()
            .reason
            .contains("minor units")
    );
    assert!(
        variant(minor_units, &json!({"p": -1}))
            .unwrap_err()
            .reason
            .contains("negative")
    );
}

#[test]
fn currencies_come_from_the_price_the_rule_or_the_defaults() {
    let rules = "price = \"p\"\ncompare_at_price = \"c\"\ncurrency = { from = \"cur\", lookup = { \"€\" = \"EUR\", \"¥\" = \"JPY\" } }";
    let priced = |record| variant(rules, &record).map(|v| (v.price.unwrap(), v.compare_at_minor));
    let (price, compare_at) = priced(json!({"p": "12", "c": "15.00", "cur": "¥"})).unwrap();
    assert_eq!(
        (price.minor, price.currency.code(), compare_at),
        (12, "JPY", Some(Some(15)))
    );
    let (price, compare_at) = priced(json!({"p": "1.234 KWD", "c": "2"})).unwrap();
    assert_eq!(
        (price.minor, price.currency.code(), compare_at),
        (1234, "KWD", Some(Some(2000)))
    );
    let error = priced(json!({"p": "1", "cur": "£"})).unwrap_err();
    assert!(
        error.reason.contains("lookup table") && error.value == "£",
        "{error}"
    );
    let error = priced(json!({"p": "1 EUR", "c": "2 USD"})).unwrap_err();
    assert!(error.reason.contains("must be in EUR"), "{error}");
    let mapping = json_mapping("[variants]\nprice = \"p\"\n[defaults]\ncurrency = \"JPY\"");
    let price = one(&mapping, r#"{"h":"x","p":100}"#).variants.unwrap()[0]
        .price
        .unwrap();
    assert_eq!((price.minor, price.currency.code()), (100, "JPY"));
}

#[test]
fn weights_are_converted_exactly() {
    let grams = |unit: &str, weight: serde_json::Value| {
        let rules = format!("weight_g = {{ from = \"w\", {unit} }}");
        variant(&rules, &json!({"w": weight, "u": "Pounds"})).map(|variant| variant.weight_g)
    };
    assert_eq!(
        grams("unit = \"lb\"", json!("19.8")).unwrap(),
        Some(Some(8981))
    );
    assert_eq!(grams("unit = \"oz\"", json!(1)).unwrap(), Some(Some(28)));
    assert_eq!(
        grams("unit = \"kg\"", json!(0.0005)).unwrap(),
        Some(Some(1))
    );
    assert_eq!(
        grams("unit_from = \"u\"", json!(1)).unwrap(),
        Some(Some(454))
    );
    assert_eq!(grams("unit = \"g\"", json!(null)).unwrap(), None);
    assert!(
        grams("unit = \"g\"", json!("-1"))
            .unwrap_err()
            .reason
            .contains("plain decimal")
    );
    let error = variant(
        "weight_g = { from = \"w\", unit_from = \"u\" }",
        &json!({"w": 1, "u": "st"}),
    );
    assert!(error.unwrap_err().reason.contains("known are g, kg"));
}

#[test]
fn flags_numbers_and_words_are_understood_or_refused() {
    let rules = "taxable = \"t\"\non_hand = \"q\"\ninventory_policy = { from = \"b\", lookup = { true = \"continue\", false = \"deny\" } }";
    let read = variant(rules, &json!({"t": "No", "q": 15.0, "b": true})).unwrap();
    assert_eq!((read.taxable, read.on_hand), (Some(false), Some(15)));
    assert_eq!(read.inventory_policy.unwrap().as_str(), "continue");
    assert_eq!(
        variant(rules, &json!({"q": "100"})).unwrap().on_hand,
        Some(100)
    );
    for (record, reason) in [
        (json!({"t": "maybe"}), "true or false"),
        (json!({"q": 1.5}), "whole number"),
        (json!({"q": "99999999999999999999"}), "64 bits"),
        (json!({"b": "unknown"}), "lookup table"),
    ] {
        assert!(
            variant(rules, &record).unwrap_err().reason.contains(reason),
            "{record}"
        );
    }
}

#[test]
fn more_than_three_options_are_refused_by_the_rules_for_products() {
    let option =
        |n| format!("[[variants.options]]\nname = {{ constant = \"O{n}\" }}\nvalue = \"o{n}\"\n");
    let rules: String = (0..4).map(option).collect();
    let record = r#"{"h":"x","o0":"a","o1":"b","o2":"c","o3":"d"}"#;
    let product = one(&json_mapping(&rules), record);
    let found = validate(&product);
    assert!(
        found.len() == 1 && found[0].pointer == "/options",
        "{found:?}"
    );
}

proptest::proptest! {
    /// Whatever a file holds, reading it ends, and after a fatal error at once.
    #[test]
    fn every_file_is_read_to_an_end(
        bytes in proptest::prop_oneof![
            "[-\\[\\]{}\",:#&*|>'ht1. \t\r\n\\\\é]{0,80}".prop_map(String::into_bytes),
            proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80),
        ],
        header: bool,
    ) {
        for kind in ["json", "jsonl", "yaml", "csv"] {
            let mapping = format!("[input]\nkind = \"{kind}\"\n[product]\nhandle = \"h\"\ntitle = \"t\"");
            let start = if header && kind == "csv" { "h,t\n" } else { "" };
            let file = [start.as_bytes(), &bytes].concat();
            let read = read(&mapping, &file);
            let fatal = |record: &RecordResult| record.as_ref().is_err_and(|error| error.fatal);
            let fatals = read.iter().filter(|record| fatal(record)).count();
            proptest::prop_assert!(fatals == 0 || fatals == 1 && fatal(read.last().unwrap()));
            proptest::prop_assert!(read.len() <= bytes.len() + 1);
        }
    }
}
