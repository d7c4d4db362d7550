//! What each column means.

use serde_json::json;

use super::*;
use crate::products::input::{InventoryPolicy, Price, Status};

/// A product of one variant with one more column.
fn with(column: &str, value: &str) -> String {
    format!("Handle,Title,SKU,Price,{column}\na,A,s,1,{value}\n")
}

#[test]
fn money_is_read_in_the_currency_of_its_row() {
    let text = "Handle,Title,Price,Compare-at price,Cost per item,Doorbuster currency\na,A,1200,1500.0,,JPY\n";
    let variant = variant(text);
    let currency = Currency::parse("JPY").unwrap();
    assert_eq!(
        variant.price,
        Some(Price {
            minor: 1200,
            currency
        })
    );
    assert_eq!(variant.compare_at_minor, Some(Some(1500)));
    assert_eq!(variant.cost_minor, Some(None));
    assert_eq!(
        super::variant(with("Variant Barcode", "")).compare_at_minor,
        None
    );
}

#[test]
fn weights_are_grams_or_a_value_with_a_unit() {
    assert_eq!(
        variant(with("Variant Grams", "180")).weight_g,
        Some(Some(180))
    );
    assert_eq!(variant(with("Variant Grams", "")).weight_g, Some(None));
    assert_eq!(
        variant(with("Weight value,Weight unit", "1.5,kg")).weight_g,
        Some(Some(1500))
    );
    // The unit beside grams is for display only.
    assert_eq!(
        variant(with("Variant Grams,Variant Weight Unit", "180,kg")).weight_g,
        Some(Some(180))
    );
    let (error, _) = error(with("Weight value,Weight unit", "1.5,"));
    assert!(error.reason.contains("unit"), "{error}");
}

#[test]
fn stock_words_of_both_dialects() {
    let tracked = |value| variant(with("Variant Inventory Tracker", value)).inventory_tracked;
    assert_eq!(tracked("shopify"), Some(true));
    assert_eq!(tracked(""), Some(false));
    assert_eq!(variant(with("Vendor", "")).inventory_tracked, None);
    let policy =
        |value| variant(with("Continue selling when out of stock", value)).inventory_policy;
    assert_eq!(policy("TRUE"), Some(InventoryPolicy::Continue));
    assert_eq!(policy("deny"), Some(InventoryPolicy::Deny));
    assert_eq!(policy(""), None);
    let quantity = |value| variant(with("Variant Inventory Qty", value)).on_hand;
    assert_eq!(quantity("12"), Some(12));
    assert_eq!(quantity("-3"), Some(0));
    assert_eq!(quantity(""), None);
}

#[test]
fn status_and_publication() {
    for (word, status) in [
        ("ACTIVE", Some(Status::Active)),
        ("draft", Some(Status::Draft)),
        (" Archived ", Some(Status::Archived)),
        ("", None),
    ] {
        assert_eq!(product(with("Status", word)).status, status);
    }
    assert_eq!(product(with("Published", "FALSE")).published, Some(false));
    assert_eq!(product(with("Published", "")).published, None);
    let dated = |published: &str| {
        product(with(
            "Published,Doorbuster published at",
            &format!("{published},2026-01-02T03:04:05.000Z"),
        ))
    };
    assert!(dated("TRUE").published_at.is_some());
    assert_eq!(dated("FALSE").published_at, None);
}

#[test]
fn default_title_means_no_options() {
    let text = "Handle,Title,Option1 Name,Option1 Value,Variant Price\na,A,Title,Default Title,1\n";
    assert_eq!(product(text).options, Some(vec![]));
    assert_eq!(variant(text).option_values, [""; 0]);
    let named =
        "Handle,Title,Option1 Name,Option1 Value,Variant Price\na,A,Title,Dr,1\na,,,Prof,1\n";
    assert_eq!(product(named).options.unwrap()[0].values, ["Dr", "Prof"]);
}

#[test]
fn tags_are_split_at_commas_without_duplicates() {
    assert_eq!(
        product(with("Tags", "\"b, a,, b ,c\"")).tags,
        Some(["b", "a", "c"].map(str::to_owned).to_vec())
    );
}

#[test]
fn google_columns_give_part_number_condition_and_attributes() {
    let text = "Handle,Title,SKU,Price,Google Shopping / MPN,Google Shopping / Condition,Google Shopping / Gender,Google Shopping / Custom Label 0,Google Shopping / Google Product Category\n\
        a,A,s,1,M-1,New,unisex,winter,Apparel & Accessories > Clothing\n";
    let product = product(text);
    assert_eq!(
        product.category.as_deref(),
        Some("Apparel & Accessories > Clothing")
    );
    assert_eq!(
        serde_json::Value::from(product.attributes.unwrap()),
        json!({
            "gender": "unisex",
            "custom_label_0": "winter",
            "google_product_category": "Apparel & Accessories > Clothing",
        })
    );
    let variant = &product.variants.unwrap()[0];
    assert_eq!(variant.mpn.as_deref(), Some("M-1"));
    assert_eq!(variant.condition.as_deref(), Some("new"));
}

#[test]
fn other_columns_become_attributes_under_their_header() {
    let text = "Handle,Title,SKU,Price,Gift Card,Variant Fulfillment Service,Unit Price Total Measure,Color (product.metafields.shopify.color-pattern),Price / International,Empty\n\
        a,A,s,1,true,manual,750,red; blue,2.50,\n\
        a,,t,1,,manual,,,3.50,\n";
    assert_eq!(
        serde_json::Value::from(product(text).attributes.unwrap()),
        json!({
            "gift_card": true,
            "unit_price_total_measure": "750",
            "Color (product.metafields.shopify.color-pattern)": "red; blue",
            "Price / International": ["2.50", "3.50"],
        })
    );
}

#[test]
fn our_own_attributes_column_is_a_json_object_that_others_complete() {
    let text = with(
        "Doorbuster attributes,Material",
        "\"{\"\"fabric\"\":{\"\"linen\"\":0.5},\"\"Material\"\":\"\"old\"\"}\",new",
    );
    assert_eq!(
        serde_json::Value::from(product(text).attributes.unwrap()),
        json!({"fabric": {"linen": 0.5}, "Material": "new"})
    );
    let (error, _) = error(with("Doorbuster attributes", "[1]"));
    assert!(error.reason.contains("JSON object"), "{error}");
}
