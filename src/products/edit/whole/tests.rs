use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::products::export::jsonl::to_value;
use crate::products::testing::product;

/// Pointers, in order, of what is wrong.
fn wrong(document: Value) -> Vec<String> {
    let wrong = whole(document).unwrap_err();
    wrong.into_iter().map(|one| one.pointer).collect()
}

#[test]
fn what_is_not_said_is_as_for_a_new_product_but_for_stock_and_reviews() {
    let product = whole(json!({
        "handle": "lamp",
        "title": "Lamp",
        "variants": [{"price": {"amount_minor": 5, "currency": "USD"}}],
    }))
    .unwrap();
    assert_eq!(product.description_html.as_deref(), Some(""));
    assert_eq!(product.status, Some(Status::Active));
    assert_eq!(product.published, Some(true));
    assert_eq!(product.tags, Some(vec![]));
    assert_eq!(product.options, Some(vec![]));
    assert_eq!((&product.reviews, &product.rating), (&None, &None));
    let variant = &product.variants.unwrap()[0];
    assert_eq!(variant.weight_g, Some(None));
    assert_eq!(variant.taxable, Some(true));
    assert_eq!((variant.on_hand, variant.inventory_tracked), (None, None));
    let bare = whole(json!({"handle": "lamp", "title": "Lamp"})).unwrap();
    assert_eq!(bare.variants, Some(vec![]));
}

#[test]
fn everything_is_told_at_once_where_it_is() {
    let document = json!({
        "id": "seven",
        "handle": "Lamp!",
        "tags": ["a", 7, "a"],
        "titel": "Lamp",
        "a/b": 1,
        "options": [{"name": "Size", "values": ["S", "M"]}],
        "images": [{"url": ""}, 5, {"alt": 3}],
        "variants": [
            {"options": {"Size": "S"}, "price": {"amount_minor": "1", "currency": "USD"}},
            {"options": {"Size": "L"}, "sku": " x", "price": {"amount_minor": 1, "currency": "USD"}},
            {"options": {"Size": "M", "Hue": "red"}, "image": 9},
            {"options": {}, "price": {"amount_minor": 1, "currency": "XXX"}, "cost": {"amount_minor": 1, "currency": "EUR"}},
            8,
        ],
        "reviews": [{"rating": 9, "status": "new"}],
        "attributes": {"weight": 1e300},
    });
    let mut found = wrong(document);
    found.sort();
    assert_eq!(
        found,
        [
            "/attributes/weight",
            "/a~1b",
            "/handle",
            "/id",
            "/images/0/url",
            "/images/1",
            "/images/2/alt",
            "/images/2/url",
            "/reviews/0/rating",
            "/reviews/0/status",
            "/tags/1",
            "/tags/2",
            "/titel",
            "/title",
            "/variants/0/price/amount_minor",
            "/variants/1/options/Size",
            "/variants/1/sku",
            "/variants/2/image",
            "/variants/2/options/Hue",
            "/variants/2/price",
            "/variants/3/options/Size",
            "/variants/3/price/currency",
            "/variants/4",
        ]
    );
}

#[test]
fn what_is_no_object_is_that_and_nothing_else() {
    for document in [json!([]), json!("lamp"), json!(null), json!(7)] {
        assert_eq!(wrong(document), [""]);
    }
    assert_eq!(wrong(json!({})), ["/handle", "/title"]);
    // Variants cannot be told to choose wrongly among options that are not known.
    assert_eq!(
        wrong(json!({
            "handle": "x", "title": "X", "options": [{"name": 5, "values": ["S"]}],
            "variants": [{"options": {"Size": "S"}, "price": {"amount_minor": 1, "currency": "USD"}}],
        })),
        ["/options/0/name"]
    );
}

proptest! {
    #[test]
    fn a_valid_product_is_read_as_it_was_written(product in product()) {
        let read = whole(to_value(&product).unwrap()).unwrap();
        let published = product.published.or(Some(true));
        prop_assert_eq!(read, ProductInput { published, ..product });
    }
}
