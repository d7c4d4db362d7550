//! The sample that comes with the program.

use std::collections::HashSet;
use std::fs;

use serde_json::{Value, json};

use super::*;
use crate::products::input::{InventoryPolicy, Price, Status};

fn sample() -> Vec<ProductInput> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/shopify-products.csv");
    products(fs::read(path).unwrap())
}

fn find<'a>(products: &'a [ProductInput], handle: &str) -> &'a ProductInput {
    products
        .iter()
        .find(|product| product.handle == handle)
        .unwrap()
}

fn variants(product: &ProductInput) -> &[VariantInput] {
    product.variants.as_deref().unwrap()
}

#[test]
fn it_shows_what_a_shop_has() {
    let products = sample();
    assert_eq!(products.len(), 31);
    let all = || products.iter().flat_map(variants);
    let skus: HashSet<_> = all()
        .map(|variant| variant.sku.as_deref().unwrap())
        .collect();
    assert_eq!(skus.len(), all().count());
    assert!(all().all(|variant| variant.price.is_some_and(|price| price.minor > 0)));
    let with_status = |status| {
        products
            .iter()
            .filter(|product| product.status == Some(status))
            .count()
    };
    assert_eq!(
        [Status::Draft, Status::Active, Status::Archived].map(with_status),
        [1, 29, 1]
    );
    let hidden = products
        .iter()
        .filter(|product| product.published == Some(false));
    assert_eq!(hidden.count(), 2);
    let types: HashSet<_> = products
        .iter()
        .map(|product| &product.product_type)
        .collect();
    assert!(types.len() >= 10, "{types:?}");
    let dimensions: HashSet<_> = products
        .iter()
        .map(|product| product.options.as_ref().unwrap().len())
        .collect();
    assert_eq!(dimensions, HashSet::from([0, 1, 2, 3]));
    for policy in [InventoryPolicy::Deny, InventoryPolicy::Continue] {
        let sold_out = |variant: &&VariantInput| {
            variant.inventory_policy == Some(policy) && variant.on_hand == Some(0)
        };
        assert!(all().any(|variant| sold_out(&variant)));
    }
}

#[test]
fn a_shirt_in_two_colors() {
    let products = sample();
    let shirt = find(&products, "harbour-linen-shirt");
    assert_eq!(shirt.title.as_deref(), Some("Harbour Linen Shirt"));
    assert!(
        shirt
            .description_html
            .as_deref()
            .unwrap()
            .contains("</p>\n<ul>\n  <li>100% flax, 165 g/m²</li>")
    );
    assert_eq!(shirt.vendor.as_deref(), Some("Fjord & Field"));
    assert_eq!(
        shirt.category.as_deref(),
        Some("Apparel & Accessories > Clothing > Shirts & Tops")
    );
    assert_eq!(
        shirt.tags.as_deref().unwrap(),
        ["linen", "summer", "menswear"]
    );
    assert_eq!(
        (shirt.status, shirt.published),
        (Some(Status::Active), Some(true))
    );
    assert_eq!(
        shirt.seo_title.as_deref(),
        Some("Linen shirt for men | Fjord & Field")
    );
    assert_eq!(
        shirt.attributes.clone().map(Value::from),
        Some(json!({
            "Color (product.metafields.shopify.color-pattern)": "navy; sand",
            "Care instructions (product.metafields.custom.care)": "Wash at 40 °C, line dry",
            "gender": "male",
            "age_group": "adult",
            "custom_label_0": "summer",
            "Price / International": "75.00",
        }))
    );
    let images = shirt.images.as_deref().unwrap();
    assert_eq!(images.len(), 3);
    assert_eq!(images[1].alt, "Sand linen shirt, folded");
    let variants = variants(shirt);
    assert_eq!(variants.len(), 6);
    assert_eq!(
        variants[5],
        VariantInput {
            sku: Some("FF-HLS-SAN-L".to_owned()),
            barcode: variants[5].barcode.clone(),
            mpn: Some(String::new()),
            condition: Some("new".to_owned()),
            option_values: vec!["Sand".to_owned(), "L".to_owned()],
            price: Some(Price {
                minor: 6900,
                currency: Currency::USD
            }),
            compare_at_minor: Some(Some(8500)),
            cost_minor: Some(Some(2740)),
            weight_g: Some(Some(240)),
            requires_shipping: Some(true),
            taxable: Some(true),
            tax_code: Some(String::new()),
            inventory_tracked: Some(true),
            inventory_policy: Some(InventoryPolicy::Deny),
            on_hand: Some(2),
            image: Some(1),
            ..VariantInput::default()
        }
    );
}

#[test]
fn a_gift_card_a_kettle_that_is_oversold_and_an_image_row() {
    let products = sample();
    let card = find(&products, "gift-card");
    assert_eq!(card.attributes.as_ref().unwrap()["gift_card"], true);
    assert_eq!(variants(card)[0].inventory_tracked, Some(false));
    assert_eq!(variants(card)[0].requires_shipping, Some(false));
    let kettle = &variants(find(&products, "enamel-camp-kettle"))[0];
    assert_eq!(
        (kettle.on_hand, kettle.inventory_policy),
        (Some(0), Some(InventoryPolicy::Continue))
    );
    assert_eq!(kettle.option_values, [""; 0]);
    let tent = find(&products, "two-person-tent-skaergard");
    assert_eq!(
        (variants(tent).len(), tent.images.as_ref().unwrap().len()),
        (2, 4)
    );
}
