use proptest::prelude::*;
use serde_json::{Map, Value};

use super::*;
use crate::products::import::{self, ReadOptions};
use crate::products::input::{Price, ProductOption};
use crate::products::money::{Currency, MAX_MINOR};

const OPTIONS: ReadOptions = ReadOptions {
    default_currency: Currency::USD,
};

fn exported(products: &[ProductInput]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut exporter = ShopifyCsv::new(&mut bytes);
    for product in products {
        exporter.product(product).unwrap();
    }
    exporter.finish().unwrap();
    drop(exporter);
    bytes
}

fn imported(bytes: &[u8]) -> Vec<ProductInput> {
    import::shopify::records(bytes, OPTIONS)
        .map(|record| record.unwrap().product)
        .collect()
}

/// Any text without space around it; half of them hold what CSV or a spreadsheet could misread.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{0,20}", "[-=+@'\",;\t\r\n a-cé]{0,20}"]
        .prop_map(|text| text.trim().to_owned())
}

fn word() -> impl Strategy<Value = String> {
    text().prop_filter("not blank", |text| !text.is_empty())
}

fn words(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<String>> {
    prop::collection::hash_set(word(), count).prop_map(|words| words.into_iter().collect())
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..3)
                .prop_map(|object| Value::Object(object.into_iter().collect())),
        ]
    })
}

fn attributes() -> impl Strategy<Value = Map<String, Value>> {
    let name = prop_oneof![
        text(),
        prop::sample::select(vec![
            "gift_card",
            "fulfillment_service",
            "gender",
            "google_product_category",
            "unit_price_base_measure"
        ])
        .prop_map(str::to_owned)
    ];
    let value = prop_oneof![json(), Just(Value::from("manual"))];
    prop::collection::vec((name, value), 0..5).prop_map(|pairs| pairs.into_iter().collect())
}

prop_compose! {
    fn image()(alt in text(), width in prop::option::of(1..9_999_i64), height in prop::option::of(1..9_999_i64)) -> ImageInput {
        ImageInput { url: String::new(), alt, width, height }
    }
}

fn images() -> impl Strategy<Value = Vec<ImageInput>> {
    (words(0..4), prop::collection::vec(image(), 4)).prop_map(|(urls, images)| {
        let with_url = |(url, image)| ImageInput { url, ..image };
        urls.into_iter().zip(images).map(with_url).collect()
    })
}

prop_compose! {
    fn variant()(
        sku in prop::option::of(word()),
        (barcode, mpn, tax_code) in (text(), text(), text()),
        condition in prop::sample::select(vec!["", "new", "refurbished", "used"]),
        currency in prop::sample::select(vec!["USD", "JPY", "KWD"]),
        minor in 0..=MAX_MINOR,
        (compare_at, cost) in (prop::option::of(0..=MAX_MINOR), prop::option::of(0..=MAX_MINOR)),
        weight in prop::option::of(0..1_000_000_i64),
        (requires_shipping, taxable, tracked, deny) in any::<(bool, bool, bool, bool)>(),
        (on_hand, reserved, low_stock_at) in (0..999_i64, 0..999_i64, 0..999_i64),
        image in prop::option::of(0..4_usize),
    ) -> VariantInput {
        VariantInput {
            id: None,
            sku,
            barcode: Some(barcode),
            mpn: Some(mpn),
            condition: Some(condition.to_owned()),
            option_values: vec![],
            price: Some(Price { minor, currency: Currency::parse(currency).unwrap() }),
            compare_at_minor: Some(compare_at),
            cost_minor: Some(cost),
            weight_g: Some(weight),
            requires_shipping: Some(requires_shipping),
            taxable: Some(taxable),
            tax_code: Some(tax_code),
            inventory_tracked: Some(tracked),
            inventory_policy: Some(if deny { InventoryPolicy::Deny } else { InventoryPolicy::Continue }),
            on_hand: Some(on_hand),
            reserved: Some(reserved),
            low_stock_at: Some(low_stock_at),
            image,
        }
    }
}

/// Options with values in order of appearance, and variants that have them.
fn variants() -> impl Strategy<Value = (Vec<ProductOption>, Vec<VariantInput>)> {
    let values = prop::collection::vec(word(), 3);
    (
        words(0..4),
        prop::collection::vec((variant(), values), 0..5),
    )
        .prop_map(|(names, rows)| {
            let variants: Vec<_> = rows
                .into_iter()
                .map(|(variant, values)| VariantInput {
                    option_values: values.into_iter().take(names.len()).collect(),
                    ..variant
                })
                .collect();
            let names = if variants.is_empty() { vec![] } else { names };
            let options = names.into_iter().enumerate().map(|(index, name)| {
                let mut values = Vec::new();
                for variant in &variants {
                    if !values.contains(&variant.option_values[index]) {
                        values.push(variant.option_values[index].clone());
                    }
                }
                ProductOption { name, values }
            });
            (options.collect(), variants)
        })
}

prop_compose! {
    /// A complete product, as the store gives it, of what the CSV can carry.
    fn product()(
        (title, description, vendor) in (word(), "\\PC{0,30}|[<>&\" \r\n]{0,9}", text()),
        (product_type, category, seo_title, seo_description) in (text(), text(), text(), text()),
        tags in words(0..4),
        status in prop::sample::select(vec![Status::Draft, Status::Active, Status::Archived]),
        published in any::<bool>(),
        attributes in attributes(),
        images in images(),
        (options, mut variants) in variants(),
    ) -> ProductInput {
        for variant in &mut variants {
            variant.image = variant.image.filter(|index| *index < images.len());
        }
        let mut tags: Vec<_> = tags.iter().map(|tag| tag.replace(',', "").trim().to_owned()).collect();
        tags.retain(|tag| !tag.is_empty());
        tags.sort();
        tags.dedup();
        ProductInput {
            handle: "handle".to_owned(),
            title: Some(title),
            description_html: Some(description),
            vendor: Some(vendor),
            product_type: Some(product_type),
            category: Some(category),
            tags: Some(tags),
            status: Some(status),
            published: Some(published),
            published_at: published.then(|| "2026-11-27T08:00:00.000Z".to_owned()),
            options: Some(options),
            seo_title: Some(seo_title),
            seo_description: Some(seo_description),
            attributes: Some(attributes.into()),
            images: Some(images),
            variants: Some(variants),
            ..ProductInput::default()
        }
    }
}

proptest! {
    #[test]
    fn what_is_exported_is_imported(mut products in prop::collection::vec(product(), 0..4)) {
        for (index, product) in products.iter_mut().enumerate() {
            product.handle = format!("handle-{index}");
        }
        prop_assert_eq!(imported(&exported(&products)), products);
    }
}

#[test]
fn an_empty_catalogue_is_a_header() {
    let bytes = exported(&[]);
    assert!(bytes.starts_with(b"Title,URL handle,Description,Vendor,Product category,"));
    assert_eq!(imported(&bytes), []);
}

#[test]
fn attributes_stand_in_the_columns_of_shopify_too_and_changes_there_win() {
    let attributes = serde_json::json!({"gender": "unisex", "fabric": "linen", "gift_card": true});
    let product = ProductInput {
        handle: "a".to_owned(),
        title: Some("A".to_owned()),
        attributes: attributes.as_object().cloned().map(Into::into),
        ..ProductInput::default()
    };
    let text = String::from_utf8(exported(&[product])).unwrap();
    let changed = imported(text.replace(",unisex,", ",female,").as_bytes());
    assert_eq!(
        changed[0].attributes.clone().map(Value::from),
        Some(serde_json::json!({"gender": "female", "fabric": "linen", "gift_card": true}))
    );
}

#[test]
fn what_was_never_published_stays_hidden() {
    let product = ProductInput {
        handle: "a".to_owned(),
        title: Some("A".to_owned()),
        ..ProductInput::default()
    };
    assert_eq!(imported(&exported(&[product]))[0].published, Some(false));
}
