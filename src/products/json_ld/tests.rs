use super::*;

fn variant(sku: &str, options: &Value, minor: i64, currency: &str, availability: &str) -> Value {
    json!({
        "id": 1, "sku": sku, "barcode": null, "options": options,
        "price": { "amount_minor": minor, "currency": currency }, "compare_at_price": null,
        "availability": availability, "weight_g": null,
    })
}

fn document(variants: &[Value]) -> Value {
    json!({
        "id": 456, "handle": "lamp", "title": "Lamp", "description_html": "<p>Lights &amp; warms.</p>",
        "vendor": "Fern", "product_type": "", "category": "Home > Light", "tags": [], "status": "active",
        "options": [], "price": null, "availability": "in_stock",
        "rating": { "average": null, "count": 0 },
        "images": [{ "url": "/a.svg", "alt": "", "width": null, "height": null }],
        "variants": variants, "attributes": {}, "seo": { "title": null, "description": null },
        "version": 3, "created_at": "", "updated_at": "",
    })
}

fn json_ld(document: &Value) -> Value {
    serde_json::from_str(&from_document(&document.to_string()).unwrap()).unwrap()
}

#[test]
fn one_variant_is_a_product() {
    let mut lamp = document(&[variant("L-1", &json!({}), 1999, "JPY", "low_stock")]);
    lamp["variants"][0]["barcode"] = json!("4006381333931");
    lamp["rating"] = json!({ "average": 4.0, "count": 3 });
    let expected = json!({
        "@context": "https://schema.org", "@type": "Product", "name": "Lamp",
        "description": "Lights & warms.", "category": "Home > Light",
        "brand": { "@type": "Brand", "name": "Fern" }, "image": ["/a.svg"],
        "aggregateRating": {
            "@type": "AggregateRating", "ratingValue": 4.0, "ratingCount": 3, "bestRating": 5, "worstRating": 1,
        },
        "sku": "L-1", "gtin": "4006381333931",
        "offers": {
            "@type": "Offer", "price": "1999", "priceCurrency": "JPY",
            "availability": "https://schema.org/LimitedAvailability",
        },
    });
    assert_eq!(json_ld(&lamp), expected);
}

#[test]
fn several_variants_are_a_group() {
    let mut lamp = document(&[
        variant(
            "a",
            &json!({ "Colour": "Red", "Volume": "1 L" }),
            1205,
            "USD",
            "in_stock",
        ),
        variant(
            "b",
            &json!({ "Colour": "Blue", "Volume": "1 L" }),
            1205,
            "KWD",
            "out_of_stock",
        ),
    ]);
    lamp["options"] =
        json!([{ "name": "Colour", "values": [] }, { "name": "Volume", "values": [] }]);
    let found = json_ld(&lamp);
    assert_eq!(found["@type"], "ProductGroup");
    assert_eq!(found["productGroupID"], "456");
    assert_eq!(
        found["variesBy"],
        json!(["https://schema.org/color", "Volume"])
    );
    assert_eq!(found.get("aggregateRating"), None);
    assert_eq!(found.get("offers"), None);
    let volume = json!([{ "@type": "PropertyValue", "name": "Volume", "value": "1 L" }]);
    let expected = json!([
        {
            "@type": "Product", "name": "Lamp - Red / 1 L", "sku": "a", "color": "Red",
            "additionalProperty": volume,
            "offers": {
                "@type": "Offer", "price": "12.05", "priceCurrency": "USD",
                "availability": "https://schema.org/InStock",
            },
        },
        {
            "@type": "Product", "name": "Lamp - Blue / 1 L", "sku": "b", "color": "Blue",
            "additionalProperty": volume,
            "offers": {
                "@type": "Offer", "price": "1.205", "priceCurrency": "KWD",
                "availability": "https://schema.org/OutOfStock",
            },
        },
    ]);
    assert_eq!(found["hasVariant"], expected);
}

#[test]
fn what_is_not_known_is_left_out() {
    let mut bare = document(&[]);
    for text in ["description_html", "vendor", "category"] {
        bare[text] = json!("");
    }
    bare["images"] = json!([]);
    let expected = json!({ "@context": "https://schema.org", "@type": "Product", "name": "Lamp" });
    assert_eq!(json_ld(&bare), expected);
    let odd = document(&[variant("a", &json!({}), 1, "???", "in_stock")]);
    assert_eq!(json_ld(&odd).get("offers"), None);
}

#[test]
fn a_barcode_is_a_gtin_if_its_check_digit_says_so() {
    for code in [
        "4006381333931",
        "96385074",
        "036000291452",
        "10036000291459",
    ] {
        assert!(is_gtin(code), "{code}");
    }
    for code in ["", "4006381333932", "400638133393", "B-96385074", "9780000"] {
        assert!(!is_gtin(code), "{code}");
    }
}
