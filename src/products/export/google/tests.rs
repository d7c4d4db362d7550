use std::fs;

use super::*;
use crate::products::import::{self, ReadOptions};
use crate::products::input::{Price, Status, VariantInput};
use crate::products::money::Currency;

const OPTIONS: ReadOptions = ReadOptions {
    default_currency: Currency::USD,
};

fn shop() -> Shop {
    Shop {
        title: "Fjord & Field".to_owned(),
        url: "https://shop.example.com/".to_owned(),
    }
}

fn written<'a>(mut exporter: impl Exporter + 'a, products: &[ProductInput]) {
    for product in products {
        exporter.product(product).unwrap();
    }
    exporter.finish().unwrap();
}

fn rss(products: &[ProductInput]) -> String {
    let mut bytes = Vec::new();
    written(GoogleRss::new(&mut bytes, shop()), products);
    String::from_utf8(bytes).unwrap()
}

fn tsv(products: &[ProductInput]) -> String {
    let mut bytes = Vec::new();
    written(GoogleTsv::new(&mut bytes, shop()), products);
    String::from_utf8(bytes).unwrap()
}

fn imported(text: &str) -> Vec<ProductInput> {
    import::google::records(text.as_bytes(), OPTIONS)
        .map(|record| record.unwrap().product)
        .collect()
}

/// The public products of the sample whose options a feed can tell.
fn sample() -> Vec<ProductInput> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/shopify-products.csv");
    let bytes = fs::read(path).unwrap();
    import::shopify::records(&bytes[..], OPTIONS)
        .map(|record| record.unwrap().product)
        .filter(|product| product.published == Some(true) && product.status == Some(Status::Active))
        .filter(|product| {
            let options = product.options.as_deref().unwrap_or_default();
            options
                .iter()
                .all(|option| ["Color", "Size"].contains(&option.name.as_str()))
        })
        .collect()
}

#[test]
fn what_a_feed_can_hold_is_read_back() {
    let products = sample();
    assert!(products.len() > 15);
    let found = imported(&rss(&products));
    assert_eq!(found.len(), products.len());
    for (found, product) in found.iter().zip(&products) {
        assert_eq!(found.handle, product.handle);
        assert_eq!(found.vendor, product.vendor);
        assert_eq!(found.category, product.category);
        assert_eq!(found.product_type, product.product_type);
        let several = product.variants.as_ref().unwrap().len() > 1;
        if several {
            assert_eq!(found.options, product.options);
        }
        let urls = |product: &ProductInput| -> Vec<String> {
            let mut urls: Vec<_> = product
                .images
                .iter()
                .flatten()
                .map(|image| image.url.clone())
                .collect();
            urls.sort();
            urls
        };
        let absolute = |url: &String| url.starts_with("https://");
        assert!(urls(found).iter().all(absolute));
        assert_eq!(urls(found).len(), urls(product).len());
        let sold = |product: &ProductInput| -> Vec<_> {
            let variants = product.variants.iter().flatten();
            let fields = |variant: &VariantInput| {
                (
                    variant.sku.clone(),
                    variant.price,
                    variant.compare_at_minor,
                    variant
                        .barcode
                        .clone()
                        .filter(|barcode| !barcode.is_empty()),
                    variant.weight_g,
                )
            };
            variants.map(fields).collect()
        };
        assert_eq!(sold(found), sold(product));
    }
}

#[test]
fn products_with_options_that_google_does_not_know_are_read_back_too() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/shopify-products.csv");
    let bytes = fs::read(path).unwrap();
    let products: Vec<_> = import::shopify::records(&bytes[..], OPTIONS)
        .map(|record| record.unwrap().product)
        .filter(|product| product.published == Some(true) && product.status == Some(Status::Active))
        .collect();
    assert!(products.len() > sample().len());
    for text in [rss(&products), tsv(&products)] {
        let found = imported(&text);
        let titles = |products: &[ProductInput]| -> Vec<_> {
            let named = products.iter().map(|product| {
                let variants = product.variants.as_ref().unwrap().len();
                (product.title.clone(), variants)
            });
            named.collect()
        };
        assert_eq!(titles(&found), titles(&products));
    }
    let mut last_pair = products[0].clone();
    last_pair.variants.as_mut().unwrap().truncate(1);
    assert_eq!(imported(&rss(&[last_pair]))[0].title, products[0].title);
    let jeans = imported(&rss(&products));
    let jeans = jeans
        .iter()
        .find(|product| product.handle == "selvedge-denim-jeans");
    let options = jeans.unwrap().options.as_ref().unwrap();
    assert_eq!(options[0].name, "Variant");
    assert_eq!(options[0].values[..2], ["30 / 32", "31 / 32"]);
}

#[test]
fn tab_separated_text_means_the_same() {
    let products = sample();
    let mut found = imported(&tsv(&products));
    let mut expected = imported(&rss(&products));
    // A blank cell says "none", a missing element says nothing: compare what both do say.
    for product in found.iter_mut().chain(&mut expected) {
        product.vendor = None;
        product.category = None;
        product.product_type = None;
        for variant in product.variants.iter_mut().flatten() {
            variant.barcode = None;
            variant.mpn = None;
            variant.condition = None;
        }
    }
    assert_eq!(found, expected);
}

#[test]
fn only_public_products_with_a_price_are_advertised() {
    let product = |status, published, minor: Option<i64>| ProductInput {
        handle: "a".to_owned(),
        status: Some(status),
        published: Some(published),
        variants: Some(vec![VariantInput {
            price: minor.map(|minor| Price {
                minor,
                currency: Currency::USD,
            }),
            ..VariantInput::default()
        }]),
        ..ProductInput::default()
    };
    let hidden = [
        product(Status::Draft, true, Some(1)),
        product(Status::Archived, true, Some(1)),
        product(Status::Active, false, Some(1)),
        product(Status::Active, true, None),
    ];
    assert_eq!(imported(&rss(&hidden)), []);
    assert_eq!(imported(&tsv(&hidden)), []);
    assert_eq!(
        imported(&rss(&[product(Status::Active, true, Some(1))])).len(),
        1
    );
}

#[test]
fn text_is_escaped_and_what_xml_cannot_hold_left_out() {
    let mut product = sample().remove(0);
    product.vendor = Some("A & B <\u{0}\u{1b}\u{ffff}>".to_owned());
    assert!(rss(std::slice::from_ref(&product)).contains("<g:brand>A &amp; B &lt;&gt;</g:brand>"));
}

#[test]
fn availability_follows_stock_and_policy() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/shopify-products.csv");
    let bytes = fs::read(path).unwrap();
    let products: Vec<_> = import::shopify::records(&bytes[..], OPTIONS)
        .map(|record| record.unwrap().product)
        .collect();
    let text = rss(&products);
    let availability = |sku: &str| {
        let item = text
            .split("<g:id>")
            .find(|item| item.starts_with(&format!("{sku}<")))
            .unwrap();
        let (_, rest) = item.split_once("<g:availability>").unwrap();
        rest.split_once('<').unwrap().0.to_owned()
    };
    assert_eq!(availability("FF-HLS-NAV-S"), "in_stock");
    assert_eq!(availability("FF-HLS-SAN-S"), "out_of_stock");
    assert_eq!(availability("SM-ECK-16"), "backorder");
    assert_eq!(availability("FF-GC-25"), "in_stock");
}
