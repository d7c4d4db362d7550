//! Generators of products for property tests.

use proptest::collection::{hash_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value};

use super::input::{
    ImageInput, InventoryPolicy, Price, ProductInput, ProductOption, RatingInput, ReviewInput,
    Status, VariantInput,
};
use super::money::{Currency, MAX_MINOR};

/// Letters of several scripts, signs that HTML, CSV and JSON must escape, an emoji and a combining mark.
const TEXT: &str = "[A-Za-zäßéÑЖ中ع0-9 <>&\"',;|\\\\/\t\u{301}\u{1F389}\u{200B}-]{0,40}";

/// A valid product with everything said, as an export writes it, but without ids and relations. The skus
/// are made from the handle, so that products with different handles never share one.
pub(crate) fn product() -> impl Strategy<Value = ProductInput> {
    let texts = (
        name(),
        html(),
        text(),
        text(),
        category(),
        tags(),
        text(),
        text(),
    );
    let lists = (
        attributes(),
        images(),
        options_and_variants(),
        vec(review(), 0..3),
    );
    let rest = (
        status(),
        published(),
        rating(),
        1..1000_i64,
        timestamp(),
        timestamp(),
    );
    (handle(), texts, lists, rest).prop_map(|(handle, texts, lists, rest)| {
        let (title, description, vendor, product_type, category, tags, seo_title, seo) = texts;
        let (attributes, images, (options, mut variants), reviews) = lists;
        let (status, published_at, rating, version, created_at, updated_at) = rest;
        for (index, variant) in variants.iter_mut().enumerate() {
            variant.sku = variant
                .sku
                .take()
                .map(|sku| format!("{sku}{index}-{handle}"));
            let image = variant.image.filter(|_| !images.is_empty());
            variant.image = image.map(|image| image % images.len());
        }
        ProductInput {
            id: None,
            handle,
            title: Some(title),
            description_html: Some(description),
            vendor: Some(vendor),
            product_type: Some(product_type),
            category: Some(category),
            tags: Some(tags),
            status: Some(status),
            published: published_at.is_none().then_some(false),
            published_at,
            options: Some(options),
            seo_title: Some(seo_title),
            seo_description: Some(seo),
            attributes: Some(attributes.into()),
            images: Some(images),
            variants: Some(variants),
            relations: Some(Vec::new()),
            reviews: Some(reviews),
            rating: Some(rating),
            version: Some(version),
            created_at: Some(created_at),
            updated_at: Some(updated_at),
        }
    })
}

/// A valid product with some fields not said.
pub(crate) fn partial_product() -> impl Strategy<Value = ProductInput> {
    (product(), vec(any::<bool>(), 18), option::of(1..i64::MAX)).prop_map(|(product, said, id)| {
        let mut said = said.into_iter();
        let mut keep = move || said.next().unwrap_or(true);
        // Option values mean nothing without the options, so both are said or neither.
        let variants = keep();
        ProductInput {
            id,
            title: product.title.filter(|_| keep()),
            description_html: product.description_html.filter(|_| keep()),
            vendor: product.vendor.filter(|_| keep()),
            product_type: product.product_type.filter(|_| keep()),
            category: product.category.filter(|_| keep()),
            tags: product.tags.filter(|_| keep()),
            status: product.status.filter(|_| keep()),
            options: product.options.filter(|_| variants),
            seo_title: product.seo_title.filter(|_| keep()),
            seo_description: product.seo_description.filter(|_| keep()),
            attributes: product.attributes.filter(|_| keep()),
            images: product.images.filter(|_| keep()),
            variants: product.variants.filter(|_| variants),
            reviews: product.reviews.filter(|_| keep()),
            rating: product.rating.filter(|_| keep()),
            version: product.version.filter(|_| keep()),
            created_at: product.created_at.filter(|_| keep()),
            updated_at: product.updated_at.filter(|_| keep()),
            ..product
        }
    })
}

/// Any currency exponent.
pub(crate) fn currency() -> impl Strategy<Value = Currency> {
    select(vec!["USD", "EUR", "JPY", "KWD", "CLF"]).prop_map(|code| Currency::parse(code).unwrap())
}

/// Minor units: small ones mostly, the largest sometimes.
pub(crate) fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![9 => 0..1_000_000_i64, 1 => Just(MAX_MINOR)]
}

fn handle() -> impl Strategy<Value = String> {
    "[a-z0-9äß中]{1,10}([-_.][a-z0-9ж]{1,6}){0,3}"
}

fn text() -> impl Strategy<Value = String> {
    TEXT
}

fn name() -> impl Strategy<Value = String> {
    (select(vec!['A', 'é', '中', '7', '<']), TEXT)
        .prop_map(|(first, rest)| format!("{first}{rest}"))
}

fn html() -> impl Strategy<Value = String> {
    vec((select(vec!["p", "b", "ul"]), TEXT), 0..4).prop_map(|parts| {
        let element = |(tag, text)| format!("<{tag} class=\"x\">{text}</{tag}>\r\n");
        parts.into_iter().map(element).collect()
    })
}

fn category() -> impl Strategy<Value = String> {
    vec("[A-ZÄ中][a-zé &/]{0,10}", 0..4).prop_map(|levels| {
        levels
            .iter()
            .map(|level| level.trim())
            .collect::<Vec<_>>()
            .join(" > ")
    })
}

fn tags() -> impl Strategy<Value = Vec<String>> {
    hash_set("[a-zé中][a-z0-9 '&-]{0,8}[a-z0-9]", 0..5).prop_map(|tags| {
        let mut tags: Vec<String> = tags.into_iter().collect();
        tags.sort();
        tags
    })
}

fn status() -> impl Strategy<Value = Status> {
    select(vec![Status::Active, Status::Draft, Status::Archived])
}

fn published() -> impl Strategy<Value = Option<String>> {
    option::weighted(0.8, timestamp())
}

fn timestamp() -> impl Strategy<Value = String> {
    (2000..2030, 1..=12, 1..=28, 0..24, 0..60, 0..60, 0..1000).prop_map(
        |(year, month, day, hour, minute, second, millisecond)| {
            format!(
                "{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z"
            )
        },
    )
}

fn rating() -> impl Strategy<Value = RatingInput> {
    (0..10_000_i64, 10..=50_i64).prop_map(|(count, tenths)| RatingInput {
        sum: count * tenths / 10,
        count,
    })
}

fn images() -> impl Strategy<Value = Vec<ImageInput>> {
    let image = (
        "[a-z]{1,8}",
        TEXT,
        option::of(1..5000_i64),
        option::of(1..5000_i64),
    );
    vec(image, 0..4).prop_map(|images| {
        let image = |(index, (name, alt, width, height))| {
            let url = format!("https://cdn.example/{name}-{index}.jpg?v=1&w=2");
            ImageInput {
                url,
                alt,
                width,
                height,
            }
        };
        images.into_iter().enumerate().map(image).collect()
    })
}

fn review() -> impl Strategy<Value = ReviewInput> {
    let status = select(vec!["pending", "published", "rejected"]);
    (1..=5_i64, TEXT, TEXT, TEXT, status, timestamp()).prop_map(
        |(rating, title, body, author, status, created_at)| ReviewInput {
            rating,
            title,
            body,
            author,
            status: status.to_owned(),
            created_at: Some(created_at),
        },
    )
}

/// Up to three options, and up to twelve variants with combinations of their values that differ.
fn options_and_variants() -> impl Strategy<Value = (Vec<ProductOption>, Vec<VariantInput>)> {
    let names = vec!["Size", "Colour", "Größe \"X\"", "素材"];
    let options = hash_set(select(names), 0..=3_usize);
    (
        options,
        "[A-Zé中/]{1,4}",
        currency(),
        vec(variant(), 0..=12),
    )
        .prop_map(|(names, word, currency, mut variants)| {
            let base = match names.len() {
                0 | 1 => 12,
                2 => 4,
                _ => 3,
            };
            variants.truncate(if names.is_empty() { 1 } else { 12 });
            let value = |number: usize| format!("{word}{number}");
            let options: Vec<ProductOption> = names
                .into_iter()
                .map(|name| ProductOption {
                    name: name.to_owned(),
                    values: (0..base).map(value).collect(),
                })
                .collect();
            for (index, variant) in variants.iter_mut().enumerate() {
                let mut rest = index;
                for option in &options {
                    variant
                        .option_values
                        .push(option.values[rest % base].clone());
                    rest /= base;
                }
                variant.price = variant.price.map(|price| Price { currency, ..price });
            }
            (options, variants)
        })
}

fn variant() -> impl Strategy<Value = VariantInput> {
    let codes = (
        option::of("[A-Z0-9 é]{0,5}x"),
        select(vec!["", "4006381333931"]),
        "[A-Z0-9/]{0,8}",
        select(vec!["", "new", "refurbished", "used"]),
        "[A-Z0-9]{0,6}",
    );
    let amounts = (amount(), option::of(amount()), option::of(amount()));
    let shipping = (option::of(0..100_000_i64), any::<bool>(), any::<bool>());
    let stock = (
        any::<bool>(),
        any::<bool>(),
        -5..100_000_i64,
        0..50_i64,
        0..50_i64,
    );
    (codes, amounts, shipping, stock, option::of(0..8_usize)).prop_map(
        |(codes, amounts, shipping, stock, image)| {
            let (sku, barcode, mpn, condition, tax_code) = codes;
            let (minor, compare_at, cost) = amounts;
            let (weight, requires_shipping, taxable) = shipping;
            let (tracked, backorder, on_hand, reserved, low_stock_at) = stock;
            let policies = [InventoryPolicy::Deny, InventoryPolicy::Continue];
            VariantInput {
                id: None,
                sku: sku.map(|sku| sku.trim().to_owned()),
                barcode: Some(barcode.to_owned()),
                mpn: Some(mpn),
                condition: Some(condition.to_owned()),
                option_values: Vec::new(),
                price: Some(Price {
                    minor,
                    currency: Currency::USD,
                }),
                compare_at_minor: Some(compare_at),
                cost_minor: Some(cost),
                weight_g: Some(weight),
                requires_shipping: Some(requires_shipping),
                taxable: Some(taxable),
                tax_code: Some(tax_code),
                inventory_tracked: Some(tracked),
                inventory_policy: Some(policies[usize::from(backorder)]),
                on_hand: Some(on_hand),
                reserved: Some(reserved),
                low_stock_at: Some(low_stock_at),
                image,
            }
        },
    )
}

fn attributes() -> impl Strategy<Value = Map<String, Value>> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        // As people write them; the parser does not keep the last bit of every other float.
        any::<i32>().prop_map(|hundredths| Value::from(f64::from(hundredths) / 100.0)),
        TEXT.prop_map(Value::from),
    ];
    let value = scalar.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            entries(inner).prop_map(Value::Object),
        ]
    });
    entries(value)
}

fn entries(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    vec(("[a-zé中][a-z_.\"/~ ]{0,8}", value), 0..5)
        .prop_map(|entries| entries.into_iter().collect())
}
