//! The shipped mappings against the sets they are for, where those are at hand.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::*;
use crate::products::import::source::Source;

/// Set to the folder that holds the sets.
const FOLDER: &str = "DOORBUSTER_TEST_DATA";

fn folder() -> PathBuf {
    std::env::var_os(FOLDER).map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from)
}

/// Reads the files with a shipped mapping; `None`, with a notice, where they are absent.
fn products(mapping: &str, files: &[&str]) -> Option<Vec<ProductInput>> {
    let path = Path::new("samples/mappings")
        .join(mapping)
        .with_extension("toml");
    let mapping = Mapping::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    let options = ReadOptions {
        default_currency: Currency::USD,
    };
    let mut products = Vec::new();
    for file in files {
        let path = folder().join(file);
        if !path.exists() {
            eprintln!(
                "skipped: {} is absent; set {FOLDER} to the folder of the sets",
                path.display()
            );
            return None;
        }
        let text = Source::open(&path).unwrap().into_text();
        for record in records(text, mapping.clone(), options) {
            products.push(
                record
                    .unwrap_or_else(|error| panic!("{file}: {error}"))
                    .product,
            );
        }
    }
    for product in &products {
        assert_eq!(validate(product), []);
        assert_eq!(product.id, None);
    }
    let handles: HashSet<_> = products.iter().map(|product| &product.handle).collect();
    assert_eq!(handles.len(), products.len());
    let variants = || {
        products
            .iter()
            .flat_map(|product| product.variants.as_deref().unwrap())
    };
    let skus: HashSet<_> = variants()
        .map(|variant| variant.sku.as_deref().unwrap())
        .collect();
    assert_eq!(skus.len(), variants().count());
    assert!(variants().all(|variant| variant.price.is_some_and(|price| price.minor > 0)));
    Some(products)
}

#[test]
fn shipped_mappings_are_valid() {
    for entry in std::fs::read_dir("samples/mappings").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        Mapping::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

#[test]
fn the_example_of_the_manual_is_valid() {
    let manual = std::fs::read_to_string("samples/mappings/README.md").unwrap();
    let (_, example) = manual.split_once("```toml\n").unwrap();
    Mapping::parse(example.split_once("```").unwrap().0).unwrap();
}

#[test]
fn aws_retail_demo_is_complete() {
    let Some(products) = products("aws-retail-demo", &["aws-retail-demo/products.yaml"]) else {
        return;
    };
    assert_eq!(products.len(), 2465);
    let first = &products[0];
    assert_eq!(
        first.handle,
        "adventure-ready-expedition-backpack-6579c22f-be2b-444c-a52b-0116dd82df6c"
    );
    assert_eq!(first.category.as_deref(), Some("accessories > backpack"));
    let variant = &first.variants.as_deref().unwrap()[0];
    assert_eq!(
        (variant.price.unwrap().minor, variant.on_hand),
        (12999, Some(15))
    );
}

#[test]
fn dummyjson_is_complete() {
    let Some(products) = products("dummyjson", &["dummyjson/products.json"]) else {
        return;
    };
    assert_eq!(products.len(), 194);
    let first = &products[0];
    assert_eq!(first.handle, "essence-mascara-lash-princess-1");
    assert_eq!(first.reviews.as_deref().unwrap().len(), 3);
    assert_eq!(first.images.as_deref().unwrap().len(), 1);
    let variant = &first.variants.as_deref().unwrap()[0];
    assert_eq!(
        (variant.on_hand, variant.weight_g),
        (Some(99), Some(Some(113)))
    );
}

#[test]
fn icecat_is_complete() {
    let files = [1, 2, 3, 4].map(|part| format!("icecat-chorus/{part}.json.zip"));
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let Some(products) = products("icecat-chorus", &files) else {
        return;
    };
    assert_eq!(products.len(), 19_406);
    let first = &products[0];
    assert_eq!(
        first.handle,
        "3920564-xerox-006r90321-toner-cartridge-original-black-6-pc-s"
    );
    let attributes = first.attributes.as_ref().unwrap();
    assert_eq!(attributes["n_quantity_per_pack"], json!(6.0));
    assert_eq!(
        first.variants.as_deref().unwrap()[0].price.unwrap().minor,
        4995
    );
    let collected: usize = products
        .iter()
        .map(|p| p.attributes.as_ref().unwrap().len() - 2)
        .sum();
    assert_eq!(collected, 167_575 + 151_562 + 52_268);
}

#[test]
fn spree_is_complete() {
    let Some(products) = products("spree-sample", &["spree-sample/products.csv"]) else {
        return;
    };
    assert_eq!(products.len(), 37);
    let first = &products[0];
    assert_eq!(first.category.as_deref(), Some("Kitchen > Coffee Machines"));
    let variants = first.variants.as_deref().unwrap();
    assert_eq!(variants.len(), 3);
    assert_eq!(variants[0].option_values, ["Matte Black"]);
    assert_eq!(variants[0].weight_g, Some(Some(8981)));
    assert_eq!(
        (variants[0].compare_at_minor, variants[0].image),
        (None, Some(1))
    );
    assert_eq!(first.images.as_deref().unwrap().len(), 4);
    assert_eq!(
        first.attributes.as_ref().unwrap()["wattage"],
        json!("1400W")
    );
}
