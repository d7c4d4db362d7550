use proptest::prelude::*;

use super::*;
use crate::products::import;
use crate::products::money::Currency;
use crate::products::testing::{partial_product, product};
use crate::products::validate::validate;

fn written(products: &[ProductInput]) -> Vec<u8> {
    let mut output = Vec::new();
    let mut exporter = JsonlExporter::new(&mut output);
    for product in products {
        exporter.product(product).unwrap();
    }
    exporter.finish().unwrap();
    drop(exporter);
    output
}

fn read(bytes: &[u8]) -> Vec<ProductInput> {
    import::jsonl::records(bytes)
        .map(|record| record.unwrap().product)
        .collect()
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(products in prop::collection::vec(
        prop_oneof![product(), partial_product()], 0..4,
    )) {
        for product in &products {
            prop_assert_eq!(validate(product), []);
        }
        let bytes = written(&products);
        let lines = bytes.split_inclusive(|byte| *byte == b'\n').count();
        prop_assert_eq!(lines, products.len());
        let again = read(&bytes);
        prop_assert_eq!(&again, &products);
        prop_assert_eq!(written(&again), bytes);
    }
}

#[test]
fn keys_come_in_the_order_of_the_public_document() {
    let usd = |minor| Price {
        minor,
        currency: Currency::USD,
    };
    let product = ProductInput {
        id: Some(456),
        handle: "shirt".to_owned(),
        title: Some("Shirt".to_owned()),
        published: Some(false),
        options: Some(vec![ProductOption {
            name: "Size".to_owned(),
            values: vec!["M".to_owned()],
        }]),
        images: Some(vec![ImageInput {
            url: "a.jpg".to_owned(),
            ..ImageInput::default()
        }]),
        variants: Some(vec![VariantInput {
            barcode: Some(String::new()),
            option_values: vec!["M".to_owned()],
            price: Some(usd(1999)),
            compare_at_minor: Some(None),
            cost_minor: Some(Some(900)),
            on_hand: Some(3),
            image: Some(0),
            ..VariantInput::default()
        }]),
        seo_title: Some(String::new()),
        ..ProductInput::default()
    };
    let expected = concat!(
        r#"{"id":456,"handle":"shirt","title":"Shirt","published_at":null,"#,
        r#""options":[{"name":"Size","values":["M"]}],"#,
        r#""images":[{"url":"a.jpg","alt":null,"width":null,"height":null}],"#,
        r#""variants":[{"barcode":null,"options":{"Size":"M"},"#,
        r#""price":{"amount_minor":1999,"currency":"USD"},"compare_at_price":null,"#,
        r#""cost":{"amount_minor":900,"currency":"USD"},"inventory":{"on_hand":3},"image":0}],"#,
        r#""seo":{"title":null}}"#,
        "\n"
    );
    assert_eq!(String::from_utf8(written(&[product])).unwrap(), expected);
}

#[test]
fn what_could_not_be_read_back_is_not_written() {
    let variant = VariantInput {
        compare_at_minor: Some(Some(5)),
        ..VariantInput::default()
    };
    let without_price = ProductInput {
        variants: Some(vec![variant]),
        ..ProductInput::default()
    };
    let variant = VariantInput {
        option_values: vec!["M".to_owned()],
        ..VariantInput::default()
    };
    let without_options = ProductInput {
        variants: Some(vec![variant]),
        ..ProductInput::default()
    };
    for product in [without_price, without_options] {
        assert!(JsonlExporter::new(Vec::new()).product(&product).is_err());
    }
}
