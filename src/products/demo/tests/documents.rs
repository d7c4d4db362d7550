//! The catalogue never changes: a hash over all of it, and a few products in full.

use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_64;

use super::{availability, demo, variants};
use crate::products::input::{ProductInput, VariantInput};

/// Everything a product says, field by field. Written here rather than derived, so that neither a new
/// field nor another crate's formatting changes the hash.
fn everything(product: &ProductInput) -> Value {
    let relations = product.relations.iter().flatten();
    let reviews = product.reviews.iter().flatten();
    json!({
        "id": product.id,
        "handle": product.handle,
        "title": product.title,
        "description_html": product.description_html,
        "vendor": product.vendor,
        "product_type": product.product_type,
        "category": product.category,
        "tags": product.tags,
        "status": product.status.unwrap().as_str(),
        "published": product.published,
        "published_at": product.published_at,
        "options": options(product),
        "seo_title": product.seo_title,
        "seo_description": product.seo_description,
        "attributes": product.attributes,
        "images": images(product),
        "variants": variants(product).iter().map(variant).collect::<Vec<_>>(),
        "relations": relations
            .map(|relation| json!([relation.kind, relation.handle]))
            .collect::<Vec<_>>(),
        "reviews": reviews
            .map(|review| json!({
                "rating": review.rating,
                "title": review.title,
                "body": review.body,
                "author": review.author,
                "status": review.status,
                "created_at": review.created_at,
            }))
            .collect::<Vec<_>>(),
        "rating": { "sum": product.rating.unwrap().sum, "count": product.rating.unwrap().count },
        "version": product.version,
        "created_at": product.created_at,
        "updated_at": product.updated_at,
    })
}

fn variant(variant: &VariantInput) -> Value {
    json!({
        "id": variant.id,
        "sku": variant.sku,
        "barcode": variant.barcode,
        "mpn": variant.mpn,
        "condition": variant.condition,
        "option_values": variant.option_values,
        "price": money(variant.price.unwrap().minor, variant),
        "compare_at_minor": variant.compare_at_minor.flatten(),
        "cost_minor": variant.cost_minor.flatten(),
        "weight_g": variant.weight_g.flatten(),
        "requires_shipping": variant.requires_shipping,
        "taxable": variant.taxable,
        "tax_code": variant.tax_code,
        "inventory_tracked": variant.inventory_tracked,
        "inventory_policy": variant.inventory_policy.unwrap().as_str(),
        "on_hand": variant.on_hand,
        "reserved": variant.reserved,
        "low_stock_at": variant.low_stock_at,
        "image": variant.image,
    })
}

fn options(product: &ProductInput) -> Value {
    let options = product.options.iter().flatten();
    options
        .map(|option| json!({ "name": option.name, "values": option.values }))
        .collect()
}

fn images(product: &ProductInput) -> Value {
    let images = product.images.iter().flatten();
    images
        .map(|image| {
            json!({ "url": image.url, "alt": image.alt, "width": image.width, "height": image.height })
        })
        .collect()
}

fn money(minor: i64, of: &VariantInput) -> Value {
    json!({ "amount_minor": minor, "currency": of.price.unwrap().currency.code() })
}

/// About what the store will serve for this product.
fn public_document(product: &ProductInput) -> Value {
    let all = variants(product);
    let dearer = |variant: &&VariantInput| variant.price.unwrap().minor;
    let (cheapest, dearest) = (all.iter().min_by_key(dearer), all.iter().max_by_key(dearer));
    let price = |variant: Option<&VariantInput>| {
        variant.map(|variant| money(variant.price.unwrap().minor, variant))
    };
    let variants: Vec<Value> = all
        .iter()
        .zip(9001..)
        .map(|(variant, id)| {
            let chosen = product.options.iter().flatten().zip(&variant.option_values);
            let chosen: serde_json::Map<String, Value> = chosen
                .map(|(option, value)| (option.name.clone(), json!(value)))
                .collect();
            let former = variant.compare_at_minor.flatten();
            json!({
                "id": id,
                "sku": variant.sku,
                "barcode": variant.barcode,
                "options": chosen,
                "price": money(variant.price.unwrap().minor, variant),
                "compare_at_price": former.map(|minor| money(minor, variant)),
                "availability": availability(variant),
                "weight_g": variant.weight_g,
            })
        })
        .collect();
    json!({
        "id": product.id,
        "handle": product.handle,
        "title": product.title,
        "description_html": product.description_html,
        "vendor": product.vendor,
        "product_type": product.product_type,
        "category": product.category,
        "tags": product.tags,
        "status": "active",
        "options": options(product),
        "price": { "min": price(cheapest), "max": price(dearest) },
        "availability": "in_stock",
        "rating": { "average": 4.6, "count": product.rating.unwrap().count },
        "images": images(product),
        "variants": variants,
        "attributes": product.attributes,
        "seo": { "title": product.seo_title, "description": product.seo_description },
        "version": 1,
        "created_at": product.created_at,
        "updated_at": product.updated_at,
    })
}

#[test]
fn product_456_is_the_size_the_benchmarks_are_about() {
    let document = public_document(&demo()[455]).to_string();
    assert!(
        (1850..=1950).contains(&document.len()),
        "{} bytes: {document}",
        document.len()
    );
}

#[test]
fn the_catalogue_is_the_same_everywhere_and_always() {
    let all = Value::Array(demo().iter().map(everything).collect()).to_string();
    assert_eq!(
        format!("{:016x}", xxh3_64(all.as_bytes())),
        "08429f1c730d88c5"
    );
}

#[test]
fn a_few_products_in_full() {
    for number in [1, 456, 1000] {
        let product = &demo()[number - 1];
        insta::assert_json_snapshot!(format!("product_{number}"), everything(product));
    }
}
