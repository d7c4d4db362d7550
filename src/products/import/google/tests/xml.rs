//! What RSS and Atom feeds mean.

use serde_json::{Value, json};

use super::*;
use crate::products::import::Place;
use crate::products::input::{ImageInput, InventoryPolicy, Price, ProductOption};

#[test]
fn an_item_is_a_product_with_one_variant() {
    let text = rss("<item>
<title>plain</title><g:title>Linen Shirt</g:title>
<link>https://shop.example/products/linen-shirt?utm_source=x</link>
<description><![CDATA[Soft & <airy>]]></description>
<g:id>LS-1</g:id>
<g:price>49.90 EUR</g:price>
<g:sale_price>39.90 EUR</g:sale_price>
<g:brand>Nord &amp; Süd&#33;</g:brand>
<g:gtin>4006381333931</g:gtin><g:mpn>M1</g:mpn><g:condition>New</g:condition>
<g:google_product_category>Apparel &amp; Accessories&gt;Clothing</g:google_product_category>
<g:product_type>Shirts &gt; Linen</g:product_type>
<g:image_link>https://cdn.example.com/1.jpg</g:image_link>
<g:additional_image_link>https://cdn.example.com/2.jpg</g:additional_image_link>
<g:shipping_weight>0.25 kg</g:shipping_weight>
<g:availability>out of stock</g:availability>
<g:color>Blue</g:color>
<g:shipping><g:country>DE</g:country><g:price>4.90 EUR</g:price></g:shipping>
<g:shipping><g:country>AT</g:country><g:price>9.90 EUR</g:price></g:shipping>
<pubDate>today</pubDate>
</item>");
    let found = products(text);
    let product = &found[0];
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(product.handle, "linen-shirt");
    assert_eq!(product.title, text("Linen Shirt"));
    assert_eq!(
        product.description_html,
        text("<p>Soft &amp; &lt;airy&gt;</p>")
    );
    assert_eq!(product.vendor, text("Nord & Süd!"));
    assert_eq!(product.category, text("Apparel & Accessories > Clothing"));
    assert_eq!(product.product_type, text("Shirts > Linen"));
    let image = |url: &str| ImageInput {
        url: url.to_owned(),
        ..ImageInput::default()
    };
    assert_eq!(
        product.images,
        Some(vec![
            image("https://cdn.example.com/1.jpg"),
            image("https://cdn.example.com/2.jpg")
        ])
    );
    assert_eq!(product.options, Some(vec![]));
    assert_eq!(
        product.attributes.clone().map(Value::from),
        Some(json!({
            "color": "Blue",
            "shipping": [
                {"country": "DE", "price": "4.90 EUR"},
                {"country": "AT", "price": "9.90 EUR"},
            ],
        }))
    );
    let variant = &product.variants.as_ref().unwrap()[0];
    let currency = Currency::parse("EUR").unwrap();
    assert_eq!(variant.sku, text("LS-1"));
    assert_eq!(variant.barcode, text("4006381333931"));
    assert_eq!(variant.mpn, text("M1"));
    assert_eq!(variant.condition, text("new"));
    assert_eq!(
        variant.price,
        Some(Price {
            minor: 3990,
            currency
        })
    );
    assert_eq!(variant.compare_at_minor, Some(Some(4990)));
    assert_eq!(variant.weight_g, Some(Some(250)));
    assert_eq!(variant.inventory_tracked, Some(true));
    assert_eq!(variant.inventory_policy, Some(InventoryPolicy::Deny));
    assert_eq!(variant.on_hand, Some(0));
    assert_eq!(variant.image, Some(0));
}

#[test]
fn any_prefix_and_atom_mean_the_same() {
    let rss = rss(&item(
        "a",
        "<link>https://shop.example/a-shirt</link><description>x</description>",
    ));
    let prefixed = rss
        .replace("g:", "goods:")
        .replace("xmlns:g=", "xmlns:goods=");
    let atom = "<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:g=\"http://base.google.com/ns/1.0\"><id>tag:feed</id>\
        <entry><id>tag:1</id><g:id>a</g:id><title>a</title><link rel=\"self\" href=\"https://shop.example/self\"/>\
        <link href=\"https://shop.example/a-shirt\"/><summary>x</summary><content>longer</content><g:price>5 USD</g:price></entry></feed>";
    assert_eq!(products(&rss), products(prefixed));
    assert_eq!(products(&rss), products(atom));
}

#[test]
fn absent_says_nothing_and_blank_clears() {
    let absent = product("");
    assert_eq!(
        (
            absent.vendor,
            absent.description_html,
            absent.images,
            absent.attributes
        ),
        (None, None, None, None)
    );
    let blank = product("<g:brand/><description></description><g:image_link/><g:shipping_weight/>");
    assert_eq!(blank.vendor.as_deref(), Some(""));
    assert_eq!(blank.description_html.as_deref(), Some(""));
    assert_eq!(blank.images, Some(vec![]));
    assert_eq!(blank.variants.unwrap()[0].weight_g, Some(None));
}

#[test]
fn items_of_a_group_become_variants_by_what_they_differ_in() {
    let variant = |id: &str, color: &str, size: &str| {
        format!(
            "<item><g:id>{id}</g:id><g:item_group_id>LS</g:item_group_id><title>Linen Shirt - {color} / {size}</title>\
             <g:price>5 USD</g:price><g:color>{color}</g:color><g:size>{size}</g:size><g:material>Linen</g:material>\
             <g:image_link>/{color}.jpg</g:image_link><link>https://shop.example/linen-shirt?variant={id}</link>\
             <g:custom_label_0>{size}</g:custom_label_0></item>"
        )
    };
    let items = [
        variant("1", "Blue", "S"),
        variant("2", "Blue", "M"),
        variant("3", "Red", "M"),
        item("b", ""),
    ];
    let found = products(rss(&items.concat()));
    assert_eq!(found.len(), 2);
    let shirt = &found[0];
    assert_eq!(shirt.handle, "linen-shirt");
    assert_eq!(shirt.title.as_deref(), Some("Linen Shirt"));
    let option = |name: &str, values: [&str; 2]| ProductOption {
        name: name.to_owned(),
        values: values.map(str::to_owned).to_vec(),
    };
    assert_eq!(
        shirt.options,
        Some(vec![
            option("Color", ["Blue", "Red"]),
            option("Size", ["S", "M"])
        ])
    );
    assert_eq!(
        shirt.attributes.clone().map(Value::from),
        Some(json!({"material": "Linen", "custom_label_0": ["S", "M"]}))
    );
    let variants = shirt.variants.as_ref().unwrap();
    assert_eq!(variants[2].option_values, ["Red", "M"]);
    assert_eq!(variants[2].image, Some(1));
}

#[test]
fn handles_do_not_depend_on_other_items() {
    let handle = |more: &str| product(more).handle;
    assert_eq!(handle(""), "a");
    assert_eq!(
        handle("<link>https://shop.example/product?id=7</link>"),
        "a"
    );
    assert_eq!(
        handle("<link>https://shop.example/blue-shirt</link>"),
        "blue-shirt"
    );
    assert_eq!(handle("<g:item_group_id>G 1</g:item_group_id>"), "g-1");
    let collision = [
        item("a", "<link>https://shop.example/shirts/blue</link>"),
        item("b", "<link>https://shop.example/socks/blue</link>"),
    ];
    let (error, others) = error(rss(&collision.concat()));
    assert_eq!((error.place, others), (Place { line: 4, column: 7 }, 1));
    assert!(error.reason.contains("line 3"), "{error}");
}

#[test]
fn a_sale_counts_within_its_dates() {
    let prices = |dates: &str| {
        let product = product(&format!(
            "<g:sale_price>4 USD</g:sale_price><g:sale_price_effective_date>{dates}</g:sale_price_effective_date>"
        ));
        let kept = product.attributes.unwrap().contains_key("sale_price");
        let variant = &product.variants.unwrap()[0];
        (
            variant.price.unwrap().minor,
            variant.compare_at_minor.unwrap(),
            kept,
        )
    };
    let on_sale = (400, Some(500), false);
    assert_eq!(
        prices("2026-11-27T00:00-0500/2026-11-30T23:59-0500"),
        on_sale
    );
    assert_eq!(
        prices("2026-11-27T13:00+01:00 / 2026-11-30T23:59:59Z"),
        on_sale
    );
    assert_eq!(
        prices("2026-11-27T08:00-0500/2026-11-30T23:59-0500"),
        (500, None, true)
    );
    assert_eq!(
        prices("2026-11-01T00:00Z/2026-11-02T00:00Z"),
        (500, None, true)
    );
}

#[test]
fn a_sale_at_the_regular_price_is_none() {
    let variant = product("<g:sale_price>5.00 USD</g:sale_price>")
        .variants
        .unwrap()
        .remove(0);
    assert_eq!(
        (variant.price.unwrap().minor, variant.compare_at_minor),
        (500, Some(None))
    );
}

#[test]
fn availability() {
    let stock = |word: &str| {
        let product = product(&format!("<g:availability>{word}</g:availability>"));
        let variant = &product.variants.unwrap()[0];
        (
            variant.inventory_tracked,
            variant.inventory_policy,
            variant.on_hand,
        )
    };
    assert_eq!(stock("in_stock"), (Some(false), None, None));
    assert_eq!(stock("In Stock"), (Some(false), None, None));
    assert_eq!(
        stock("out_of_stock"),
        (Some(true), Some(InventoryPolicy::Deny), Some(0))
    );
    for word in ["preorder", "backorder"] {
        assert_eq!(
            stock(word),
            (Some(true), Some(InventoryPolicy::Continue), Some(0))
        );
    }
    assert_eq!(stock(""), (None, None, None));
}

#[test]
fn numbered_categories_are_attributes() {
    let product = product("<g:google_product_category>1604</g:google_product_category>");
    assert_eq!(product.category, None);
    assert_eq!(
        product.attributes.unwrap()["google_product_category"],
        "1604"
    );
}
