//! The sample that comes with the program.

use std::fs;

use serde_json::{Value, json};

use super::*;
use crate::products::input::InventoryPolicy;

#[test]
fn the_sample_has_six_products() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/google-feed.xml");
    let products = products(fs::read(path).unwrap());
    let handles: Vec<_> = products
        .iter()
        .map(|product| product.handle.as_str())
        .collect();
    assert_eq!(
        handles,
        [
            "dune-wool-rug",
            "ridge-teapot",
            "sencha-uji",
            "sl-lens-50-0042",
            "headlamp-polaris-900",
            "beech-building-blocks"
        ]
    );

    let rug = &products[0];
    assert_eq!(rug.title.as_deref(), Some("Dune Wool Rug"));
    assert_eq!(
        rug.description_html.as_deref(),
        Some(
            "<p>Hand-tufted from undyed wool.</p><p>Felt backing, no smell, no shedding after the first week.</p>"
        )
    );
    let options: Vec<_> = rug
        .options
        .as_ref()
        .unwrap()
        .iter()
        .map(|option| option.name.as_str())
        .collect();
    assert_eq!(options, ["Color", "Size"]);
    let variants = rug.variants.as_ref().unwrap();
    let prices: Vec<_> = variants
        .iter()
        .map(|variant| {
            (
                variant.price.unwrap().minor,
                variant.compare_at_minor.unwrap(),
                variant.inventory_policy,
            )
        })
        .collect();
    assert_eq!(
        prices,
        [
            (18900, None, None),
            (38900, None, Some(InventoryPolicy::Continue)),
            (17900, Some(20900), Some(InventoryPolicy::Deny)),
        ]
    );
    let images: Vec<_> = variants.iter().map(|variant| variant.image).collect();
    assert_eq!(images, [Some(0), Some(0), Some(2)]);

    let teapot = &products[1];
    assert_eq!(
        teapot.description_html.as_deref(),
        Some(
            "<p>Pours without a drip.</p><ul><li>Stoneware, thrown in Stoke-on-Trent</li><li>Strainer of stainless steel</li></ul>"
        )
    );
    assert_eq!(
        teapot.attributes.clone().map(Value::from),
        Some(json!({
            "google_product_category": "6049",
            "color": "Chalk",
            "shipping": [
                {"country": "DE", "service": "Standard", "price": "4.90 EUR"},
                {"country": "AT", "service": "Standard", "price": "9.90 EUR"},
            ],
            "custom_label_0": "gift",
        }))
    );
    assert_eq!(
        products[4].variants.as_ref().unwrap()[0].weight_g,
        Some(Some(116))
    );
    let blocks = &products[5].variants.as_ref().unwrap()[0];
    assert_eq!(
        (blocks.price.unwrap().minor, blocks.compare_at_minor),
        (3600, Some(Some(4500)))
    );
}
